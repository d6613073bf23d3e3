"""Batches of records, as they are anchored."""

from __future__ import annotations

from api.schemas.common import Hex32, Shown


class Batch(Shown):
    """``sequence``: the issuer's number of it on chain; ``problem``: why the contract refused it."""

    root: Hex32
    issuer: str
    kind: str
    state: str
    size: int
    manifestSha256: Hex32 | None = None
    sequence: int | None = None
    block: int | None = None
    problem: str | None = None


class BatchPage(Shown):
    items: list[Batch]
    next: str | None = None
