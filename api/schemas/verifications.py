"""Questions of citizens and courts, and the reports that answer them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from api.schemas.common import Closed, Hex32, Number, Shown

_DOCUMENT: JsonDict = {"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "size": 4}
_NUMBER: JsonDict = {
    "id": "1.2.156.3005.2.11100000MB0143028R001.114401000700000148.0001.001.X",
    "code": "K7QD-3M2X-9TRA-HW5E",
}


class Document(Closed):
    """Digests and exact length of a file. The file itself stays where it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DOCUMENT]})

    sha256: Hex32
    sm3: Hex32 | None = None
    size: Annotated[int, Field(ge=0, le=2**53 - 1)]


class BundleAndDocuments(Closed):
    """``bundle``: its text, byte for byte; ``documents``: of the files that are said to belong to it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"bundle": '{"tag":"zhengyin/bundle/1",…}', "documents": [_DOCUMENT]}]}
    )

    bundle: str
    documents: Annotated[list[Document], Field(min_length=1, max_length=64)]


class NumberAndCode(Closed):
    """``code``: printed beside the number; needed unless the type is public."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NUMBER]})

    id: Number
    code: Annotated[str, StringConstraints(max_length=64)] | None = None


class Words(Shown):
    """``code``: of the words, which may say more than ``name``."""

    name: str
    code: str
    zh: str
    en: str


class Report(Shown):
    """See ``ledger/FORMATS.md``, "Verification"."""

    model_config = ConfigDict(frozen=True, extra="allow")

    indication: str
    exitCode: int
    headline: Words
    lines: list[dict[str, Any]]
    conclusions: list[dict[str, Any]]
    chains: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    remarks: list[dict[str, Any]]
    proved: dict[str, Any]
    claims: dict[str, Any]


class Reports(Shown):
    """``reports`` is empty where nothing was found, and has one for each office that has its own record of a document;
    ``headline`` is true of all of them: ``severalDiffer`` where theirs are not the same."""

    headline: Words
    reports: list[Report]
