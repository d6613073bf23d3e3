"""Statuses of a record: a collection that only grows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from api.schemas.common import Closed, Leaf, Organisation, Shown

_EXAMPLE: JsonDict = {"state": "revoked", "reason": "cancelled", "decision": "示范〔2026〕1号"}


class NewStatus(Closed):
    """``reason``: a word of the registry; ``effective``: seconds UTC, default now; ``supersededBy``: leaf of the newer
    record; ``actor``: for whom one acts where it is not the issuer itself (its successor or superior)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    state: Literal["active", "suspended", "revoked", "superseded"]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    effective: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    decision: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    supersededBy: Leaf | None = None
    actor: Organisation | None = None


class AcceptedStatus(Shown):
    """``statement``: leaf of the signed record behind the change; ``state`` is that of the change."""

    leaf: Leaf
    statement: Leaf
    state: str
    pending: bool = True


class Status(Shown):
    """``recorded`` and ``block`` are missing while the change is pending; an all-zero ``statement`` is a decision that
    was not shown."""

    state: str
    effective: int
    reason: str
    statement: Leaf
    actor: str
    pending: bool
    recorded: int | None = None
    block: int | None = None


class StatusList(Shown):
    items: list[Status]
