"""The manifest: what an office signs once for a whole batch. FORMATS, "Manifest"."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from ledger.core import canonical, shapes
from ledger.core.canonical import b64, unb64
from ledger.core.hashing import sm3
from ledger.core.identifiers import organisation_id
from ledger.core.records import TYPE
from ledger.core.registries import Kind, Suite

TAG = "zhengyin/manifest/1"
MAX_BATCH = 65_536
_WITH_SM3 = tuple(suite.word for suite in Suite if suite.has_sm3)


@dataclass(frozen=True, slots=True)
class ChainIdentity:
    """A chain is named by id, genesis hash and Records address together: id and address alone are not
    unique, and a training chain's transactions would replay (why.md F18)."""

    id: int
    genesis: bytes
    records: bytes

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "genesis": b64(self.genesis), "records": b64(self.records)}

    @classmethod
    def from_json(cls, value: object, path: str) -> ChainIdentity:
        id_, genesis, records = shapes.members(value, path, "id", "genesis", "records")
        return cls(
            shapes.integer(id_, f"{path}.id", low=1),
            shapes.digest(genesis, f"{path}.genesis"),
            unb64(records, f"{path}.records", 20),
        )


@dataclass(frozen=True, slots=True)
class BlockName:
    block: int
    hash: bytes

    def to_json(self) -> dict[str, Any]:
        return {"block": self.block, "hash": b64(self.hash)}

    @classmethod
    def from_json(cls, value: object, path: str) -> BlockName:
        block, hash_ = shapes.members(value, path, "block", "hash")
        return cls(shapes.integer(block, f"{path}.block"), shapes.digest(hash_, f"{path}.hash"))


@dataclass(frozen=True, slots=True)
class Expects:
    """What must stand beside the manifest; a missing part is undetermined, so removing one never helps."""

    signatures: int
    token: bool

    def to_json(self) -> dict[str, Any]:
        return {"signatures": self.signatures, "token": self.token}

    @classmethod
    def from_json(cls, value: object, path: str) -> Expects:
        signatures, token = shapes.members(value, path, "signatures", "token")
        return cls(shapes.integer(signatures, f"{path}.signatures", 1, 2), shapes.boolean(token, f"{path}.token"))


@dataclass(frozen=True, slots=True)
class Manifest:
    """``counts``: (type, number of records) ascending by type. ``closed``: seconds UTC, the office's word.
    ``after``: a recent final block; the signature over it proves "not made before". ``root_sm3``: of the tree by SM3
    over the same records in the same order, in the suites that have one (else ``None``)."""

    issuer: str
    kind: Kind
    suite: Suite
    root: bytes
    size: int
    counts: tuple[tuple[str, int], ...]
    closed: int
    after: BlockName
    chain: ChainIdentity
    expects: Expects
    root_sm3: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        value = {
            "tag": TAG,
            "issuer": self.issuer,
            "kind": self.kind.word,
            "suite": self.suite.word,
            "root": b64(self.root),
            "size": self.size,
            "counts": [{"type": t, "count": n} for t, n in self.counts],
            "closed": self.closed,
            "after": self.after.to_json(),
            "chain": self.chain.to_json(),
            "expects": self.expects.to_json(),
        }
        return value if self.root_sm3 is None else value | {"rootSm3": b64(self.root_sm3)}

    def to_bytes(self) -> bytes:
        return canonical.encode(self.to_json())

    def sha256(self) -> bytes:
        return hashlib.sha256(self.to_bytes()).digest()

    def sm3(self) -> bytes:
        """What the chain holds beside ``sha256``: 32 zero bytes in the suite without SM3."""
        return sm3(self.to_bytes()) if self.suite.has_sm3 else bytes(32)

    @classmethod
    def from_json(cls, value: object, path: str = "manifest") -> Manifest:
        """Strict reading; the counts must add up to ``size``.

        Raises:
            InputError: SHAPE_…, REGISTRY_UNKNOWN, MANIFEST_COUNTS, MANIFEST_SIGNATURES.
        """
        names = ["issuer", "kind", "suite", "root", "size", "counts", "closed", "after", "chain", "expects"]
        if type(value) is dict and value.get("suite") in _WITH_SM3:
            names.append("rootSm3")
        issuer, kind, suite, root, size, counts, closed, after, chain, expects, *more = shapes.tagged(
            value, path, TAG, *names
        )
        found = cls(
            issuer=organisation_id(shapes.text(issuer, f"{path}.issuer")),
            kind=Kind.of_word(kind, f"{path}.kind"),
            suite=Suite.of_word(suite, f"{path}.suite"),
            root=shapes.digest(root, f"{path}.root"),
            size=shapes.integer(size, f"{path}.size", 1, MAX_BATCH),
            counts=shapes.array(counts, f"{path}.counts", _count, low=1),
            closed=shapes.integer(closed, f"{path}.closed"),
            after=BlockName.from_json(after, f"{path}.after"),
            chain=ChainIdentity.from_json(chain, f"{path}.chain"),
            expects=Expects.from_json(expects, f"{path}.expects"),
            root_sm3=shapes.digest(more[0], f"{path}.rootSm3") if more else None,
        )
        shapes.ascending(tuple(t for t, _ in found.counts), f"{path}.counts")
        if sum(n for _, n in found.counts) != found.size:
            shapes.refuse("MANIFEST_COUNTS", f"{path}.counts", size=found.size)
        wanted = found.suite.signatures
        if found.expects.signatures not in wanted:
            shapes.refuse("MANIFEST_SIGNATURES", f"{path}.expects", suite=found.suite.word, wanted=wanted[0])
        return found

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        return cls.from_json(canonical.decode(data))


def _count(value: object, path: str) -> tuple[str, int]:
    type_, count = shapes.members(value, path, "type", "count")
    return shapes.text(type_, f"{path}.type", TYPE), shapes.integer(count, f"{path}.count", 1, MAX_BATCH)
