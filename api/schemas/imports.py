"""Tables that were sent in."""

from __future__ import annotations

from api.schemas.common import Shown


class Import(Shown):
    """``state``: waiting, running, finished or failed; ``rows``: looked at so far; ``problem``: code of what refused
    the table as a whole."""

    id: str
    issuer: str
    type: str
    name: str
    state: str
    check: bool
    rows: int
    new: int
    existing: int
    refused: int
    created: int
    finished: int | None = None
    problem: str | None = None


class ImportPage(Shown):
    items: list[Import]
    next: str | None = None
