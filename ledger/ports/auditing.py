"""What an audit reads: every row as it is stored, in one view, and words of the contract's storage with their proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class PlacedRow(NamedTuple):
    """A record's row as it stands, whatever that is: nothing of it was checked."""

    index: int | None  # type: ignore[assignment]  # in place of a tuple's method that nobody wants of a row
    handle: int
    issuer: str
    kind: int
    type: str
    id_hmac: bytes | None
    leaf: bytes


@dataclass(frozen=True, slots=True)
class WaitingRows:
    """Neighbouring records that wait in the spool, from number ``ordinal`` of their chunk on."""

    chunk: str | None
    ordinal: int
    rows: Sequence[PlacedRow]


class AuditReads(Protocol):
    """One consistent view of all tables, past the repositories: an audit must see what these would pass over."""

    def columns(self, table: str) -> tuple[str, ...]: ...
    def rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """Every row with every column, by primary key."""
        ...

    def placed(self, batch: int) -> list[PlacedRow]:
        """Records of a batch, by index."""
        ...

    def waiting(self) -> Iterator[WaitingRows]: ...
    def files(self, handles: Sequence[int]) -> set[tuple[bytes, int]]:
        """(lookup key of a file's digest, handle of the record that binds it) of those records."""
        ...

    def uses(self, handles: Sequence[int]) -> set[tuple[int, int, int]]:
        """(seal, day, handle) of those records that are uses of a seal."""
        ...

    def loose(self) -> Iterator[tuple[str, str, str]]:
        """(table, key, column) of rows of records that lead nowhere, or contradict each other."""
        ...


class AuditChain(Protocol):
    """Storage of the Records contract as of one final block, each word with its proof."""

    @property
    def block(self) -> int: ...
    def words(self, slots: Sequence[bytes]) -> list[int]:
        """Raises UnavailableError CHAIN_…: the node does not answer, or cannot prove what it says."""
        ...
