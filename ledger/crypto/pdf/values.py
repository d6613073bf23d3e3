"""What was read of a signed PDF, before anything is verified."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ledger.core.bundles import ValidationData

TOKEN_FILTER = "ETSI.RFC3161"  # noqa: S105 - the name of a format
CMS_FILTERS = frozenset({"adbe.pkcs7.detached", "ETSI.CAdES.detached"})


class Changes(Enum):
    """What came after the revision that a signature covers. ARCHIVAL: validation data and time-stamps; FORM: other
    signatures and values of fields; OTHER: anything else, or what could not be compared."""

    NONE = "none"
    ARCHIVAL = "archival"
    FORM = "form"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """``field``: its full name; ``sub_filter``: how ``contents`` (without the padding) is to be read; ``covered``: the
    octets of its ByteRange; ``entire``: these are a whole revision of the file, but for the contents; ``to_end``: of
    the last one. ``changes``: what came later; ``permitted``: the signature itself allows such changes (DocMDP).
    ``stated``: the time in the signature's dictionary, seconds UTC. ``page`` (from 0) and ``box`` (left, bottom,
    right, top in points): where it is drawn, ``None`` if nowhere."""

    field: str
    sub_filter: str
    contents: bytes
    covered: bytes
    entire: bool
    to_end: bool
    changes: Changes
    permitted: bool
    stated: int | None
    page: int | None
    box: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class SignedPdf:
    """``signatures``: oldest first; ``lenient``: the file breaks rules of its format and was read all the same;
    ``stored``: what its Document Security Store holds, which no signature covers."""

    signatures: tuple[PdfSignature, ...]
    lenient: bool
    stored: ValidationData
