"""Acts on records beside changes of status: asked for here, and as the chain's events tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ActRow:
    """An accepted act. States as of ``IntentRow``; who confirms the act of another begins at ready, since the
    statement is the first one's. ``act``: freeze, unfreeze, annul, disown, or the word of a relation; ``subject``:
    leaf, or root of a batch."""

    row: int
    act: str
    actor: str
    issuer: str
    subject: bytes
    statement: bytes
    state: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class ChainAct:
    """One event of Records or Consortium as indexed: ``event`` is its name in the contract.

    ``issuer``: whose leaf or batch it is, or the organisation that is succeeded or given a superior; ``subject``: leaf
    or root, 32 zero bytes where there is none; ``actor``: who did it, the successor, or the superior (empty: none
    any more); ``second``: the second of two; ``relation``: its number, in a ``Related`` event, which names no issuer
    (``issuer`` is empty). ``position``: place in its block; ``time``: the block's, seconds UTC.
    """

    block: int
    position: int
    time: int
    event: str
    issuer: str
    subject: bytes
    statement: bytes
    actor: str
    second: str = ""
    relation: int | None = None


class Acts(Protocol):
    """Rows of acts that were asked for, until the chain has them."""

    def add(self, act: str, actor: str, issuer: str, subject: bytes, statement: bytes, state: str, now: int) -> int: ...
    def in_states(self, states: Sequence[str]) -> list[ActRow]: ...
    def move(self, rows: Sequence[int], before: str, after: str, **columns: Any) -> None:
        """Guarded, all of ``rows`` or none. ``columns``: ``transaction`` (its row), ``problem``."""
        ...

    def for_subject(self, issuer: str, subject: bytes) -> list[ActRow]: ...
    def for_leaf(self, leaf: bytes) -> list[ActRow]:
        """Whosever it is."""
        ...

    def of_transaction(self, transaction: int) -> list[ActRow]: ...


class ChainActs(Protocol):
    """What the indexer read of acts; can be deleted and read again."""

    def add(self, acts: Sequence[ChainAct]) -> None: ...
    def of_subject(self, issuer: str, *subjects: bytes) -> list[ChainAct]:
        """In the order of the chain."""
        ...

    def of_organisation(self, organisation: str) -> list[ChainAct]:
        """Its successions and superiors, in the order of the chain."""
        ...
