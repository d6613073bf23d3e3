"""Vault, spool and segments: keys, encrypted bodies before and after their batch is frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.core.registries import Kind, Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.ports.signing import SegmentReader


class Vault(Protocol):
    """Record keys, the only erasable thing."""

    def add(self, keys: Sequence[bytes]) -> range:
        """Store 32-byte keys durably; returns their ascending handles."""
        ...

    def get(self, handles: Sequence[int]) -> dict[int, bytes]:
        """Keys that still exist; an erased handle is absent."""
        ...

    def erase(self, handles: Sequence[int]) -> int: ...

    def reserve(self, last: int) -> None:
        """Give no key a handle up to ``last``: a vault put back from a backup counts on from before, and handles that
        segments name belong to records whose keys are lost."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """What is kept of records one after another: leaves and approvals (32 bytes each, concatenated), lengths of the
    encrypted bodies, and the bodies' bytes in pieces, anew for each call: of a whole batch they need not fit in memory.
    ``sm3``: their leaves by SM3, in the suites that have them."""

    leaves: bytes
    approvals: bytes
    lengths: Sequence[int]
    bodies: Callable[[], Iterable[bytes]]
    sm3: Sm3Leaves | None = None

    @property
    def suite(self) -> Suite:
        return Suite.INTL if self.sm3 is None else self.sm3.suite


class Spool(Protocol):
    """Accepted records between acceptance and batch, in write-once chunk files."""

    def write(self, block: Block) -> str:
        """Durably write one chunk (fsync, rename); returns its name."""
        ...

    def block(self, chunk: str, ordinal: int, count: int) -> Block:
        """``count`` records of the chunk from ``ordinal`` on (from 0)."""
        ...

    def body(self, chunk: str, ordinal: int) -> bytes: ...

    def remove(self, chunks: Iterable[str]) -> None: ...

    def names(self, older_than: float) -> list[str]:
        """Chunks last written before that instant."""
        ...


class Segment(SegmentReader, Protocol):
    """One batch's write-once folder."""

    def body(self, index: int) -> bytes: ...
    def type_of(self, index: int) -> str:
        """Type of one record: all that is left to say of one whose key was erased."""
        ...

    def vault_handles(self) -> Sequence[int]: ...
    def path(self, index: int) -> list[bytes]:
        """RFC 6962 audit path, cut from the stored levels."""
        ...

    def path_sm3(self, index: int) -> list[bytes] | None:
        """The same in the tree by SM3; ``None`` where the batch has none."""
        ...

    def root(self) -> bytes: ...
    def size(self) -> int: ...
    def issuer(self) -> str: ...
    def kind(self) -> Kind: ...
    def record_types(self) -> Sequence[str]:
        """The type of each record."""
        ...

    def levels(self) -> bytes:
        """Every stored node of the tree, leaves first, the root last."""
        ...

    def levels_sm3(self) -> bytes:
        """The same of the tree by SM3; empty where the batch has none."""
        ...

    def digest(self) -> bytes:
        """SHA-256 of the frozen body, as it is stored with it."""
        ...

    def verify(self) -> None:
        """Read every byte of the frozen body against that digest. Raises IntegrityError SEGMENT_DAMAGED."""
        ...

    def block(self) -> Block:
        """All records, as the spool gave them."""
        ...

    def put(self, part: str, data: bytes) -> None:
        """Write a part once (manifest, cms, validation-1, receipt); the same bytes again are fine,
        other bytes raise IntegrityError SEGMENT_PART_DIFFERS."""
        ...

    def get(self, part: str) -> bytes | None: ...
    def durable(self, part: str) -> bool:
        """Is the part on every medium?"""
        ...


@dataclass(frozen=True, slots=True)
class SegmentBody:
    """What is frozen before signing. ``levels[0]`` are the block's leaves; ``runs``: type and vault handles of
    neighbouring records, in the order of their leaves; ``levels_sm3``: the tree over the block's leaves by SM3, if it
    has them."""

    levels: Sequence[bytes]
    block: Block
    runs: Sequence[tuple[str, range]]
    levels_sm3: Sequence[bytes] = ()


class Segments(Protocol):
    def create(self, issuer: str, kind: Kind, body: SegmentBody) -> Segment:
        """Write, sync, rename (twice where a second medium is set). Existing identical: returned."""
        ...

    def open(self, root: bytes) -> Segment:
        """Raises NotFoundError SEGMENT_UNKNOWN."""
        ...

    def roots(self) -> Iterator[bytes]: ...

    def remove(self, root: bytes) -> None:
        """Only for a segment that no batch names (an orphan of a crash before its commit)."""
        ...
