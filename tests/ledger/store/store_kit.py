"""Accepted records for tests of the rows: each name has its own id and leaf."""

from __future__ import annotations

from hashlib import sha256
from itertools import count

from ledger.core.registries import Kind
from ledger.ports import AcceptedRun, RunRow, Unit

ISSUER, OTHER = "91110000600037341L", "DE:HRB-1"
_handles = count(1, 1000)


def digest(*parts: object) -> bytes:
    return sha256(repr(parts).encode()).digest()


def id_of(name: object) -> bytes:
    return digest("id", name)[:16]


def accepted(*names: object, files: tuple[tuple[object, ...], ...] = (), line: int | None = None) -> AcceptedRun:
    """A run of its own; ``files``: of each record in turn."""
    first = next(_handles)
    return AcceptedRun(
        first,
        0,
        "license",
        [id_of(name) for name in names],
        [digest("leaf", name) for name in names],
        [line] * len(names),
        [(digest("file", file), first + n) for n, some in enumerate(files) for file in some],
    )


def waiting_runs(unit: Unit, issuer: str = ISSUER, kind: Kind = Kind.LICENSE, limit: int = 100) -> list[RunRow]:
    return unit.records.waiting_runs(issuer, kind, None, -1, limit)
