"""Relations to a record: countersignatures, custody, decisions. A collection that only grows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints
from pydantic.config import JsonDict

from api.schemas.common import Closed, Leaf, Organisation, Shown

_EXAMPLE: JsonDict = {
    "relation": "decidesOn",
    "actor": "1144010007000201X4",
    "reference": "示范〔2026〕民初1号",
    "content": "采信该电子证据",
}
Word = Literal["countersigns", "takesCustodyOf", "decidesOn"]


class NewRelation(Closed):
    """``actor``: who says it, with an accreditation for such records; ``issuer``: of the record, where that is not kept
    here; ``reference``: number of the decision or receipt; ``content``: in words. Both stand in a signed record of the
    actor's, not on the chain."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    relation: Word
    actor: Organisation
    issuer: Organisation | None = None
    reference: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    content: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None


class AcceptedRelation(Shown):
    """``statement``: leaf of the signed record that says so."""

    leaf: Leaf
    statement: Leaf
    relation: str
    pending: bool = True


class Relation(Shown):
    """``recorded`` and ``block`` are missing while it is pending. ``confirmed``: the record that the chain names for it
    is kept here, is the actor's own, and says so; ``false``: nobody has looked, so ask the actor for its bundle."""

    relation: str
    actor: str
    statement: Leaf
    pending: bool
    confirmed: bool
    recorded: int | None = None
    block: int | None = None


class RelationList(Shown):
    items: list[Relation]
