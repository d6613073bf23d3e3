"""What the resources share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Leaf = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Organisation = Annotated[str, StringConstraints(min_length=3, max_length=32)]
Text = Annotated[str, StringConstraints(max_length=2000)]
Number = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Closed(BaseModel):
    """A body of a request: what is not named is refused, so that nothing is set by accident."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """A body of an answer."""

    model_config = ConfigDict(frozen=True)
