"""What was read of a signed PDF, before anything is verified."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ledger.core.bundles import ValidationData

TOKEN_FILTER = "ETSI.RFC3161"  # noqa: S105 - the name of a format
CMS_FILTERS = frozenset({"adbe.pkcs7.detached", "ETSI.CAdES.detached"})


class Changes(Enum):
    """What came after the revision that a signature covers. ARCHIVAL: validation data and time-stamps; FORM: other
    signatures and values of fields; OTHER: anything else. UNCLEAR: the file breaks rules of its format, or has tables
    of two kinds, so that one reader finds other things in it than another."""

    NONE = "none"
    ARCHIVAL = "archival"
    FORM = "form"
    OTHER = "other"
    UNCLEAR = "unclear"


class Rules(Enum):
    """Which rules of the format a file is held to: all; those of objects, though not of tables (many programs write
    their tables wrongly); none."""

    ALL = "all"
    OBJECTS = "objects"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """``field``: its full name; ``sub_filter``: how ``contents`` (without the padding) is to be read; ``byte_range``:
    what it covers of ``file``; ``entire``: this is a whole revision of the file, but for the contents; ``to_end``: of
    the last one. ``changes``: what came later; ``permitted``: the signature itself allows such changes (DocMDP).
    ``stated``: the time in the signature's dictionary, seconds UTC. ``page`` (from 0) and ``box`` (left, bottom,
    right, top in points): where it is drawn, ``None`` if nowhere."""

    field: str
    sub_filter: str
    contents: bytes
    file: bytes
    byte_range: tuple[int, int, int, int]
    entire: bool
    to_end: bool
    changes: Changes
    permitted: bool
    stated: int | None
    page: int | None
    box: tuple[float, float, float, float] | None

    @property
    def covered(self) -> bytes:
        """The octets of its ByteRange, put together anew each time: a file of many signatures holds them once."""
        _, length, resume, rest = self.byte_range
        return self.file[:length] + self.file[resume : resume + rest]


@dataclass(frozen=True, slots=True)
class SignedPdf:
    """``signatures``: oldest first; ``lenient``: the file breaks rules of its format and was read all the same;
    ``stored``: what its Document Security Store holds, which no signature covers."""

    signatures: tuple[PdfSignature, ...]
    lenient: bool
    stored: ValidationData
