"""Which files can hold seals, told by their content and never by their name; a line a format.

What reads a format is loaded when the first file of it comes.
"""

from __future__ import annotations

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
    """``prefix``: how each such file begins; ``most``: bytes that are read of one; ``recognises``: is it one?
    ``verify(data, moment, existed, judges)``: instants in seconds UTC, ``existed`` as in ``ses.judging.Expected``;
    never raises for bad data."""

    name: str
    prefix: bytes
    most: int
    recognises: Callable[[bytes], bool]
    verify: Callable[[bytes, int, int | None, Judges | None], SealedReport]


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


def _is_signed_pdf(data: bytes) -> bool:
    """What says which bytes a signature covers cannot lie in a compressed part of the file."""
    return b"/ByteRange" in data


def _verify_pdf(data: bytes, moment: int, existed: int | None, judges: Judges | None) -> SealedReport:
    from ledger.crypto.pdf.verifying import verify_pdf

    return verify_pdf(data, moment, judges, existed)


FORMATS = (
    SealFormat("ofd", b"PK\x03\x04", 64 << 20, _is_ofd, _verify_ofd),
    SealFormat("pdf", b"%PDF-", 64 << 20, _is_signed_pdf, _verify_pdf),
)
"""All that are known. A file that begins as none of them costs nothing more than its digest."""


def format_of(data: bytes) -> SealFormat | None:
    """The format of a whole file."""
    return next((f for f in FORMATS if data.startswith(f.prefix) and f.recognises(data)), None)


def format_named(name: str) -> SealFormat:
    return next(f for f in FORMATS if f.name == name)


def may_be_sealed(start: bytes) -> SealFormat | None:
    """By its first bytes (``PREFIX`` of them)."""
    return next((f for f in FORMATS if start.startswith(f.prefix)), None)


PREFIX = max(len(f.prefix) for f in FORMATS)
