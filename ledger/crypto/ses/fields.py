"""Strict reading of the fields that seals are made of: bounded counts and lengths, one encoding for a value."""

from __future__ import annotations

from datetime import UTC, datetime

from ledger.core.canonical import FORBIDDEN
from ledger.crypto import der
from ledger.crypto.ses.values import MAX_EXTENSIONS, MAX_TEXT, Extension
from ledger.errors import InputError

BOOLEAN, UTF8_STRING, PRINTABLE_STRING, IA5_STRING, EXPLICIT_0 = 0x01, 0x0C, 0x13, 0x16, 0xA0
_TIMES = {der.UTC_TIME: "%y%m%d%H%M%SZ", der.GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}
_ENCODINGS = {UTF8_STRING: "utf-8", PRINTABLE_STRING: "ascii", IA5_STRING: "ascii"}
_DIGEST = 32


class Fields:
    """The members of a SEQUENCE, taken one after the other."""

    def __init__(self, element: der.Element, most: int) -> None:
        if element.tag != der.SEQUENCE:
            raise InputError("DER_SHAPE")
        self._waiting = der.read_all(element.content, most)
        self._waiting.reverse()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, *tags: int) -> der.Element:
        """The next one, which must bear one of ``tags``. Raises InputError ``DER_SHAPE``."""
        if not self._waiting or self._waiting[-1].tag not in tags:
            raise InputError("DER_SHAPE")
        return self._waiting.pop()

    def take_if(self, *tags: int) -> der.Element | None:
        return self._waiting.pop() if self._waiting and self._waiting[-1].tag in tags else None

    def end(self) -> None:
        if self._waiting:
            raise InputError("DER_SHAPE")


def text(element: der.Element, least: int = 1) -> str:
    """IA5String, UTF8String or PrintableString; it is shown to people, so nothing in it may steer a screen.

    Raises:
        InputError: ``SES_TEXT``.
    """
    try:
        found = element.content.decode(_ENCODINGS[element.tag])
    except UnicodeDecodeError as error:
        raise InputError("SES_TEXT") from error
    if not least <= len(element.content) <= MAX_TEXT or FORBIDDEN.search(found):
        raise InputError("SES_TEXT")
    return found


def integer(element: der.Element) -> int:
    """A small INTEGER, not negative. Raises InputError ``DER_SHAPE``."""
    body = element.content
    if not 1 <= len(body) <= 4 or body[0] & 0x80 or (len(body) > 1 and body[0] == 0 and not body[1] & 0x80):
        raise InputError("DER_SHAPE")
    return int.from_bytes(body, "big")


def bits(element: der.Element) -> bytes:
    """A BIT STRING of whole bytes, at least one. Raises InputError ``DER_SHAPE``."""
    if len(element.content) < 2 or element.content[0] != 0:
        raise InputError("DER_SHAPE")
    return element.content[1:]


def digest(data: bytes) -> bytes:
    """An SM3 digest. Raises InputError ``SES_DIGEST``."""
    if len(data) != _DIGEST:
        raise InputError("SES_DIGEST", length=len(data), expected=_DIGEST)
    return data


def instant(element: der.Element) -> int:
    """Seconds UTC of UTCTime or GeneralizedTime, with seconds and ``Z`` (X.690 sections 11.7, 11.8). Unlike in
    certificates a GeneralizedTime may be of any year.

    Raises:
        InputError: ``SES_TIME``.
    """
    try:
        shown = element.content.decode("ascii")
        found = datetime.strptime(shown, _TIMES[element.tag]).replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError("SES_TIME") from error
    if element.tag == der.UTC_TIME:  # RFC 5280 section 4.1.2.5.1 puts 50 to 68 into the last century, Python does not
        found = found.replace(year=found.year % 100 + (1900 if found.year % 100 >= 50 else 2000))
    year = f"{found.year % 100:02}" if element.tag == der.UTC_TIME else f"{found.year:04}"
    if f"{year}{found:%m%d%H%M%SZ}" != shown:
        raise InputError("SES_TIME")
    return int(found.timestamp())


def extensions(element: der.Element | None) -> tuple[Extension, ...]:
    """ExtensionDatas. The default FALSE may be written out, as makers do.

    Raises:
        InputError: ``DER_SHAPE``.
    """
    if element is None:
        return ()
    found, waiting = [], Fields(element, MAX_EXTENSIONS)
    while len(waiting):
        fields = Fields(waiting.take(der.SEQUENCE), 3)
        oid = fields.take(der.OID)
        critical = fields.take_if(BOOLEAN)
        value = fields.take(der.OCTET_STRING)
        fields.end()
        if critical is not None and critical.content not in (b"\x00", b"\xff"):
            raise InputError("DER_SHAPE")
        found.append(Extension(oid.outer, critical is not None and critical.content == b"\xff", value.content))
    return tuple(found)
