"""The file ``body`` of a segment: a batch as it was frozen before signing.

All integers big-endian; n is the number of records::

    magic       8    "ZYSEGMNT"
    version     u16  1
    header      u32 length, then canonical JSON {tag, issuer, kind, size, types}
    types       u16 × n        index into the header's list of types (ascending, each in use)
    handles     u64 × n        vault handles of the record keys
    approvals   32 × n
    levels      32 × nodes     leaves first, the root last
    offsets     u64 × (n + 1)  of the bodies, from the first one; the last is their total
    bodies
    digest      32             SHA-256 of everything before it

Of records of the suites with SM3 the version is 2, the header has a member "suite" too, and after the levels come those
of the tree by SM3.

Each part has a fixed place once the header is read, so one record costs a few short reads, however large
the batch is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate, chain

from ledger.core import canonical, shapes
from ledger.core.identifiers import organisation_id
from ledger.core.manifests import MAX_BATCH
from ledger.core.merkle import HASH_BYTES
from ledger.core.records import TYPE, read_suite
from ledger.core.registries import Kind, Suite
from ledger.errors import InputError
from ledger.ports import SegmentBody
from ledger.store.pieces import pack

MAGIC, TAG = b"ZYSEGMNT", "zhengyin/segment/1"
VERSION, SM3_VERSION = 1, 2
PREFIX = struct.Struct(">8sHI")
HEADER_LIMITS = canonical.Limits(8 << 20, 3)  # 65,536 types of 64 characters at most
DIGEST_BYTES = 32


def level_sizes(size: int) -> list[int]:
    """Nodes on each level of the tree over ``size`` leaves, the root's 1 last."""
    sizes = [size]
    while size > 1:
        size = (size + 1) // 2
        sizes.append(size)
    return sizes


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of one body file begin, in bytes from its start."""

    issuer: str
    kind: Kind
    size: int
    types: tuple[str, ...]
    start: int
    suite: Suite = Suite.INTL

    @property
    def handles(self) -> int:
        return self.start + 2 * self.size

    @property
    def approvals(self) -> int:
        return self.handles + 8 * self.size

    @property
    def levels(self) -> int:
        return self.approvals + HASH_BYTES * self.size

    @property
    def levels_sm3(self) -> int:
        return self.levels + HASH_BYTES * sum(level_sizes(self.size))

    @property
    def offsets(self) -> int:
        trees = 2 if self.suite.has_sm3 else 1
        return self.levels + trees * HASH_BYTES * sum(level_sizes(self.size))

    @property
    def bodies(self) -> int:
        return self.offsets + 8 * (self.size + 1)

    def header(self) -> bytes:
        value = {
            "tag": TAG,
            "issuer": self.issuer,
            "kind": self.kind.word,
            "size": self.size,
            "types": list(self.types),
        }
        if self.suite.has_sm3:
            value["suite"] = self.suite.word
        data = canonical.encode(value, HEADER_LIMITS)
        return PREFIX.pack(MAGIC, SM3_VERSION if self.suite.has_sm3 else VERSION, len(data)) + data

    @classmethod
    def parse(cls, data: bytes, version: int) -> Layout:
        """From the header's JSON, of a file of ``version``.

        Raises:
            InputError: CANONICAL_…, SHAPE_…, REGISTRY_UNKNOWN.
        """
        value, suite = read_suite(canonical.decode(data, HEADER_LIMITS), "header.suite")
        if version != (SM3_VERSION if suite.has_sm3 else VERSION):
            shapes.refuse("SHAPE_KEYS", "header", missing=["suite"], unknown=[])
        issuer, kind, size, types = shapes.tagged(value, "header", TAG, "issuer", "kind", "size", "types")
        found = cls(
            organisation_id(shapes.text(issuer, "header.issuer")),
            Kind.of_word(kind, "header.kind"),
            shapes.integer(size, "header.size", 1, MAX_BATCH),
            shapes.array(types, "header.types", _type, low=1, high=MAX_BATCH),
            PREFIX.size + len(data),
            suite,
        )
        shapes.ascending(found.types, "header.types")
        return found


def _type(value: object, path: str) -> str:
    return shapes.text(value, path, TYPE)


def layout_of(issuer: str, kind: Kind, body: SegmentBody) -> Layout:
    """Layout of a body that is about to be written.

    Raises:
        InputError: SEGMENT_SHAPE if its parts do not describe one batch of 1 to 65,536 records.
    """
    block, size = body.block, len(body.block.lengths)
    counts = (sum(len(handles) for _, handles in body.runs), len(block.approvals) / HASH_BYTES)
    if not 1 <= size <= MAX_BATCH or any(count != size for count in counts) or block.leaves != body.levels[0]:
        raise InputError("SEGMENT_SHAPE", size=size)
    wanted = [HASH_BYTES * nodes for nodes in level_sizes(size)]
    second = [] if block.sm3 is None else wanted
    if [list(map(len, tree)) for tree in (body.levels, body.levels_sm3)] != [wanted, second]:
        raise InputError("SEGMENT_SHAPE", size=size)
    if block.sm3 is not None and block.sm3.leaves != body.levels_sm3[0]:
        raise InputError("SEGMENT_SHAPE", size=size)
    types = tuple(sorted({type_ for type_, _ in body.runs}))
    bare = Layout(organisation_id(issuer), kind, size, types, 0, block.suite)
    return Layout(issuer, kind, size, bare.types, len(bare.header()), block.suite)


def pieces(layout: Layout, body: SegmentBody) -> Iterator[bytes]:
    """The file's bytes without the digest, in pieces."""
    index = {name: number for number, name in enumerate(layout.types)}
    yield layout.header()
    yield b"".join(pack("H", [index[type_]]) * len(handles) for type_, handles in body.runs)
    yield pack("Q", chain.from_iterable(handles for _, handles in body.runs))
    yield body.block.approvals
    yield from body.levels
    yield from body.levels_sm3
    yield pack("Q", accumulate(body.block.lengths, initial=0))
    yield from body.block.bodies()


def with_digest(parts: Iterator[bytes]) -> Iterator[bytes]:
    digest = sha256()
    for part in parts:
        digest.update(part)
        yield part
    yield digest.digest()
