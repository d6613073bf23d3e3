"""Vault, spool and segments: keys, encrypted bodies before and after their batch is frozen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.core.registries import Kind
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


class Spool(Protocol):
    """Encrypted bodies between acceptance and batch, in write-once chunk files."""

    def write(self, bodies: Sequence[bytes]) -> str:
        """Durably write one chunk (fsync, rename); returns its name."""
        ...

    def read(self, chunk: str) -> bytes:
        """The concatenated bodies."""
        ...

    def remove(self, chunks: Iterable[str]) -> None: ...

    def names(self, older_than: float) -> list[str]:
        """Chunks last written before that instant."""
        ...


class Segment(SegmentReader, Protocol):
    """One batch's write-once folder."""

    def body(self, index: int) -> bytes: ...
    def vault_handles(self) -> Sequence[int]: ...
    def path(self, index: int) -> list[bytes]:
        """RFC 6962 audit path, cut from the stored levels."""
        ...

    def root(self) -> bytes: ...
    def size(self) -> int: ...

    def put(self, part: str, data: bytes) -> None:
        """Write a part once (manifest, cms, validation-1, receipt); the same bytes again are fine,
        other bytes raise IntegrityError SEGMENT_PART_DIFFERS."""
        ...

    def get(self, part: str) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class SegmentBody:
    """What is frozen before signing. ``levels[0]`` are the leaves; ``types[i]`` is the type of record i."""

    levels: Sequence[bytes]
    bodies: Sequence[bytes]
    approvals: bytes
    vault_handles: Sequence[int]
    types: Sequence[str]


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
