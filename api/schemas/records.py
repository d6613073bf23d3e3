"""Records: issued one at a time, listed, shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from api.schemas.common import Closed, Hex32, Leaf, Number, Organisation, Shown, Text

Value = bool | Annotated[int, Field(ge=0, le=2**53 - 1)] | Text | Annotated[list[Text], Field(max_length=100)] | None
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Date = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]

_ISSUE: JsonDict = {
    "issuer": "114401000700000148",
    "type": "business-license",
    "serial": "0001",
    "values": {
        "creditCode": "114401000700000148",
        "name": "示范商贸有限公司",
        "enterpriseType": "有限责任公司",
        "legalRepresentative": "张三丰",
        "establishedOn": "2020-01-02",
        "address": "示范路1号",
        "registrationAuthority": "示范市场监督管理局",
    },
}


class File(Closed):
    """Digests of a file that the record binds; the file itself is never sent."""

    sha256: Hex32
    sm3: Hex32
    size: Annotated[int, Field(ge=0, le=2**53 - 1)]


class NewRecord(Closed):
    """``type``: name or code; ``values``: field → value, written as in a table's cell; ``id`` or ``serial`` where the
    type is numbered; ``supersedes``: number of the license that this one replaces; ``validFrom``, ``validUntil`` only
    where the type does not say how validity is found; ``files`` for evidence."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ISSUE]})

    issuer: Organisation
    type: Name
    values: Annotated[dict[Name, Value], Field(max_length=128)]
    id: Number | None = None
    serial: Number | None = None
    supersedes: Number | None = None
    validFrom: Date | None = None
    validUntil: Date | None = None
    files: Annotated[tuple[File, ...], Field(max_length=64)] = ()


class IssuedRecord(Shown):
    """``code``: the verification code that is printed beside the number."""

    leaf: Leaf
    id: str
    issuer: str
    kind: str
    type: str
    state: str
    code: str | None = None


class Place(Shown):
    """``index``: of the record in its batch."""

    root: Hex32
    index: int


class Record(Shown):
    """``state``: accepted, batched, signed, broadcast, mined, final, receipted or refused."""

    leaf: Leaf
    issuer: str
    kind: str
    type: str
    state: str
    batch: Place | None = None


class RecordPage(Shown):
    items: list[Record]
    next: str | None = None
