"""Which files can hold seals, told by their content and never by their name; a line a format.

What reads a format is loaded when the first file of it comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ledger.core.records import FileDigest
from ledger.core.verdicts import Indication, Outcome
from ledger.errors import Language

if TYPE_CHECKING:
    from ledger.crypto.ses.judging import Judges
    from ledger.crypto.ses.reports import SealReport


class SealedReport(Protocol):
    """What verifying a file found. ``whole``: on the file; ``seals``: on each seal in it; ``identifiers``: of the
    licenses that the file says it is."""

    @property
    def whole(self) -> SealReport: ...
    @property
    def seals(self) -> tuple[SealReport, ...]: ...
    @property
    def identifiers(self) -> tuple[str, ...]: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def indication(self) -> Indication: ...
    @property
    def exit_code(self) -> int: ...
    def to_json(self) -> dict[str, Any]: ...
    def text(self, language: Language) -> str: ...


@dataclass(frozen=True, slots=True)
class SealFormat:
    """``prefix``: how each such file begins, after at most ``junk`` bytes that readers skip; ``most``: bytes that are
    read of one; ``recognises``: is it one? ``verify(data, moment, existed, judges)``: instants in seconds UTC,
    ``existed`` as in ``ses.judging.Expected``; never raises for bad data. ``parties``: certificates (DER) on which the
    seals rest and which the file does not itself bring data for."""

    name: str
    prefix: bytes
    junk: int
    most: int
    recognises: Callable[[bytes], bool]
    verify: Callable[[bytes, int, int | None, Judges | None], SealedReport]
    parties: Callable[[bytes], tuple[bytes, ...]]

    def begins(self, start: bytes) -> bool:
        return self.prefix in start[: self.junk + len(self.prefix)]


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A document handed in whole. ``format``: by its name in ``FORMATS``; ``data``: None where it is longer than that
    format admits, so that nobody has looked."""

    document: FileDigest
    format: str
    data: bytes | None


def _is_ofd(data: bytes) -> bool:
    from ledger.crypto.ofd.package import is_package

    return is_package(data)


def _verify_ofd(data: bytes, moment: int, existed: int | None, judges: Judges | None) -> SealedReport:
    from ledger.crypto.ofd.verifying import verify_package

    return verify_package(data, moment, judges, existed)


def _ofd_parties(data: bytes) -> tuple[bytes, ...]:
    from ledger.crypto.ofd.parties import package_parties

    return package_parties(data)


_BYTE_RANGE = re.compile(b"/" + b"".join(b"(?:%c|#(?i:%02x))" % (letter, letter) for letter in b"ByteRange"))


def _is_signed_pdf(data: bytes) -> bool:
    """What says which bytes a signature covers cannot lie in a compressed part of the file; but any letter of its name
    can be written as a number (ISO 32000-2 section 7.3.5)."""
    return _BYTE_RANGE.search(data) is not None


def _verify_pdf(data: bytes, moment: int, existed: int | None, judges: Judges | None) -> SealedReport:
    from ledger.crypto.pdf.verifying import verify_pdf

    return verify_pdf(data, moment, judges, existed)


def _pdf_parties(data: bytes) -> tuple[bytes, ...]:
    """Signers of a PDF bring their data along, in the CMS or in the Document Security Store (PAdES B-LT)."""
    return ()


FORMATS = (
    SealFormat("ofd", b"PK\x03\x04", 0, 64 << 20, _is_ofd, _verify_ofd, _ofd_parties),
    SealFormat("pdf", b"%PDF-", 1019, 64 << 20, _is_signed_pdf, _verify_pdf, _pdf_parties),
)
"""All that are known. A file that begins as none of them costs nothing more than its digest."""


def format_of(data: bytes) -> SealFormat | None:
    """The format of a whole file."""
    return next((f for f in FORMATS if f.begins(data) and f.recognises(data)), None)


def format_named(name: str) -> SealFormat:
    return next(f for f in FORMATS if f.name == name)


def may_be_sealed(start: bytes) -> list[SealFormat]:
    """By its first bytes (``PREFIX`` of them): a file may begin as two formats at once, for two readers."""
    return [f for f in FORMATS if f.begins(start)]


PREFIX = max(f.junk + len(f.prefix) for f in FORMATS)
