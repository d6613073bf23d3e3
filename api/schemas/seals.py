"""Uses of an e-seal: counts by day, or those of one day."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from api.schemas.common import Hex32, Leaf, Shown

Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class UsesOfDay(Shown):
    day: Day
    uses: int


class SealUse(Shown):
    """One use; of an erased one only the leaf is left. ``operator`` is a pseudonym."""

    leaf: Leaf
    id: str | None = None
    usedAt: int | None = None
    reason: str | None = None
    operator: str | None = None
    documentSha256: Hex32 | None = None
    documentSm3: Hex32 | None = None
    documentSize: int | None = None


class SealUses(Shown):
    """``uses``: how many, of the whole day where one was asked for. Then ``items`` has them page by page, else ``days``
    the counts."""

    seal: Leaf
    uses: int
    days: tuple[UsesOfDay, ...] = ()
    items: tuple[SealUse, ...] = ()
    next: str | None = None
