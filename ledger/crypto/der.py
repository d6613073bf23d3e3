"""The part of DER (ITU-T X.690) that this project writes and reads itself.

Tags are one byte, lengths definite and minimal: there is one encoding for one value, so what is built again
from its parts can be compared byte for byte. Certificates' extensions, CRLs and OCSP responses are left to
the libraries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.errors import InputError

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
_HIGH_TAG = 0x1F


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, its content and the whole encoding (``outer``)."""

    tag: int
    content: bytes
    outer: bytes

    def children(self) -> list[Element]:
        return read_all(self.content)


def write(tag: int, *parts: bytes) -> bytes:
    """Encode ``parts``, concatenated, under ``tag``."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def write_set(*parts: bytes) -> bytes:
    """SET OF in DER order (X.690 section 11.6)."""
    return write(SET, *sorted(parts))


def write_oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        body += bytes(reversed(groups))
    return write(OID, bytes(body))


def read_oid(element: Element) -> str:
    """The dotted form of what ``write_oid`` writes.

    Raises:
        InputError: ``DER_SHAPE`` for another tag, a cut or over-long arc, or more than 64 bytes.
    """
    body = element.content
    if element.tag != OID or not 0 < len(body) <= 64 or body[-1] & 0x80:
        raise InputError("DER_SHAPE")
    arcs, arc, fresh = [], 0, True
    for byte in body:
        if fresh and byte == 0x80:
            raise InputError("DER_SHAPE")  # a leading zero: a second spelling
        arc, fresh = arc << 7 | byte & 0x7F, not byte & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def write_time(instant: int) -> bytes:
    """``Time`` of RFC 5652 section 11.3: UTCTime from 1950 to 2049, GeneralizedTime outside, seconds UTC."""
    moment = datetime.fromtimestamp(instant, UTC)
    text = f"{moment.year:04}{moment:%m%d%H%M%SZ}"
    if 1950 <= moment.year < 2050:
        return write(UTC_TIME, text[2:].encode())
    return write(GENERALIZED_TIME, text.encode())


def read_time(element: Element) -> int:
    """Seconds UTC of what ``write_time`` writes.

    Raises:
        InputError: ``DER_TIME`` for another form.
    """
    try:
        text = element.content.decode("ascii")
        if element.tag == UTC_TIME:
            text = ("19" if text[:2] >= "50" else "20") + text
        instant = int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise InputError("DER_TIME") from error
    if write_time(instant) != element.outer:
        raise InputError("DER_TIME")
    return instant


def read_all(data: bytes, most: int | None = None) -> list[Element]:
    """Every element of ``data``, which must be used up.

    Raises:
        InputError: ``DER_SYNTAX`` for a cut, over-long or indefinite encoding or a tag of several bytes;
            ``DER_SHAPE`` for more elements than ``most``.
    """
    found: list[Element] = []
    at = 0
    while at < len(data):
        if len(found) == most:
            raise InputError("DER_SHAPE")
        start, tag = at, data[at]
        if tag & _HIGH_TAG == _HIGH_TAG or at + 2 > len(data):
            raise InputError("DER_SYNTAX", offset=start)
        length, at = data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size], "big")
            # one encoding for one length: no indefinite form, no leading zero, no long form of a short length
            if not 1 <= size <= 4 or at + size > len(data) or data[at] == 0 or length < 0x80:
                raise InputError("DER_SYNTAX", offset=start)
            at += size
        if at + length > len(data):
            raise InputError("DER_SYNTAX", offset=start)
        found.append(Element(tag, data[at : at + length], data[start : at + length]))
        at += length
    return found


def read(data: bytes, tag: int) -> Element:
    """The one element that is all of ``data``.

    Raises:
        InputError: ``DER_SYNTAX``, ``DER_SHAPE``.
    """
    found = read_all(data, 1)
    if len(found) != 1 or found[0].tag != tag:
        raise InputError("DER_SHAPE")
    return found[0]


def members(element: Element, *tags: int) -> list[Element]:
    """The children of a constructed element, which must bear exactly these tags."""
    found = read_all(element.content, len(tags))
    if [child.tag for child in found] != list(tags):
        raise InputError("DER_SHAPE")
    return found
