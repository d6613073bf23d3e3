"""Reading the signatures of a PDF with pyHanko.

What a signature covers is asked twice: pyHanko looks at revisions and cross-reference tables, and the ByteRange itself
must leave out the contents and nothing else. A range that jumps, or a gap wider than the contents, hides what the
reader shows but no digest has seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from datetime import UTC
from math import isfinite
from typing import Any, TypeVar

from ledger.core.bundles import ValidationData
from ledger.crypto import der
from ledger.crypto.pdf import bounds
from ledger.crypto.pdf.comparing import compare
from ledger.crypto.pdf.metering import Meter, metered
from ledger.crypto.pdf.values import PdfSignature, Rules, SignedPdf
from ledger.errors import InputError

T = TypeVar("T")

MAX_FILE = 64 << 20
MAX_SIGNATURES = 32
MAX_DIGESTED = 256 << 20  # octets that all signatures together cover
MAX_STORED = 256  # certificates, lists and responses, each
MAX_STORED_BYTES = 16 << 20  # of all of them

_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    NotImplementedError,
    OSError,
    zlib.error,
)


def read_signed(data: bytes) -> SignedPdf:
    """The signatures of a PDF, with what came after each.

    Raises:
        InputError: ``PDF_SIZE``; ``PDF_SYNTAX``; ``PDF_ENCRYPTED``; ``PDF_BOMB``; ``PDF_MANY``; ``PDF_BYTE_RANGE``;
            ``PDF_CONTENTS``; ``PDF_SHARED``.
    """
    if len(data) > MAX_FILE:
        raise InputError("PDF_SIZE", length=len(data), limit=MAX_FILE)
    with metered(len(data)) as meter:
        for rules in (Rules.ALL, Rules.OBJECTS):
            try:
                return translated(lambda rules=rules: _read(data, rules, meter))  # type: ignore[misc]
            except InputError as error:
                if error.values.get("reason") != "PdfStrictReadError":  # another time would find the same fault
                    raise
        return translated(lambda: _read(data, Rules.NONE, meter))


def translated(read: Callable[[], T]) -> T:
    from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfError
    from pyhanko.sign.validation.errors import SignatureValidationError

    try:
        return read()
    except PdfDecodeLimitError as error:
        raise InputError("PDF_BOMB") from error
    except (PdfError, SignatureValidationError, *_UNREADABLE) as error:
        raise InputError("PDF_SYNTAX", reason=type(error).__name__) from error


def _read(data: bytes, rules: Rules, meter: Meter) -> SignedPdf:
    reader = bounds.open_reader(data, rules, meter)
    if reader.encrypted:
        raise InputError("PDF_ENCRYPTED")
    bounds.require_few_fields(reader)
    found = [_signature(reader, data, name, field) for name, field in _fields(reader)]
    if len({signature.byte_range for signature in found}) < len(found):
        raise InputError("PDF_SHARED")
    if sum(signature.byte_range[1] + signature.byte_range[3] for signature in found) > MAX_DIGESTED:
        raise InputError("PDF_BOMB")
    found.sort(key=lambda signature: signature.byte_range[1] + signature.byte_range[3])
    return SignedPdf(tuple(found), rules is not Rules.ALL, _stored(reader))


def _fields(reader: Any) -> Iterator[tuple[str, Any]]:
    from pyhanko.sign.fields import enumerate_sig_fields

    for count, (name, _, reference) in enumerate(enumerate_sig_fields(reader, filled_status=True), 1):
        if count > MAX_SIGNATURES:
            raise InputError("PDF_MANY", limit=MAX_SIGNATURES)
        yield name, reference.get_object()


def _signature(reader: Any, data: bytes, name: str, field: Any) -> PdfSignature:
    from pyhanko.sign.validation.pdf_embedded import extract_contents

    value = field["/V"]
    contents = extract_contents(value)
    numbers = _byte_range(data, value["/ByteRange"], contents)
    entire, changes, permitted = compare(reader, data, field, contents)
    page, box = _place(reader, field)
    return PdfSignature(
        field=name,
        sub_filter=str(_member(value, "/SubFilter", ""))[1:],
        contents=_unpadded(contents),
        file=data,
        byte_range=numbers,
        entire=entire,
        to_end=numbers[2] + numbers[3] == len(data),
        changes=changes,
        permitted=permitted,
        stated=_stated(value),
        page=page,
        box=box,
    )


def _stated(value: Any) -> int | None:
    """For display and for the rules of time, as a signing time is; one that cannot be read is as good as none."""
    from pyhanko.pdf_utils.generic import parse_pdf_date
    from pyhanko.pdf_utils.misc import PdfError

    try:
        moment = parse_pdf_date(value["/M"])
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (KeyError, ValueError, TypeError, OverflowError, PdfError):
        return None


def _byte_range(data: bytes, numbers: Any, contents: bytes) -> tuple[int, int, int, int]:
    """Everything from the first byte on but the string of the contents, angle brackets included (ISO 32000-2 section
    12.8.1)."""
    if len(numbers) != 4 or not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise InputError("PDF_BYTE_RANGE")
    start, length, resume, rest = map(int, numbers)
    gap = data[length:resume]
    fits = start == 0 and resume + rest <= len(data) and gap[:1] + gap[-1:] == b"<>"
    try:
        fits = fits and bytes.fromhex(gap[1:-1].decode("ascii")) == contents
    except ValueError:
        fits = False
    if not fits:
        raise InputError("PDF_BYTE_RANGE")
    return start, length, resume, rest


def _unpadded(contents: bytes) -> bytes:
    """The DER at the beginning. What follows must be zeros: nothing is hidden in what no digest covers."""
    length = _length(contents)
    if length is None or any(contents[length:]):
        raise InputError("PDF_CONTENTS")
    return contents[:length]


def _length(data: bytes) -> int | None:
    if len(data) < 2 or data[0] != der.SEQUENCE:
        return None
    first = data[1]
    if first < 0x80:
        return 2 + first
    size = first - 0x80
    whole = 2 + size + int.from_bytes(data[2 : 2 + size], "big")
    return whole if 1 <= size <= 4 and whole <= len(data) else None


def _place(reader: Any, field: Any) -> tuple[int | None, tuple[float, float, float, float] | None]:
    """Page and rectangle where the seal is drawn: as the file says, for display."""
    numbers = [float(n) for n in _member(field, "/Rect", ())]
    if len(numbers) != 4 or not all(map(isfinite, numbers)) or numbers[0] == numbers[2] or numbers[1] == numbers[3]:
        return None, None
    box = (numbers[0], numbers[1], numbers[2], numbers[3])
    on = getattr(field.raw_get("/P") if "/P" in field else None, "reference", None)
    return (bounds.page_number(reader, on) if on else None), box


def _member(dictionary: Any, key: str, default: Any) -> Any:
    """Followed to the object itself, which ``get`` of the library's dictionaries does not do."""
    try:
        return dictionary[key]
    except KeyError:
        return default


def _stored(reader: Any) -> ValidationData:
    """The Document Security Store (ETSI EN 319 142-1 clause 5.4.2), as far as it keeps to the limits."""
    store = _member(reader.root, "/DSS", {})
    left = MAX_STORED_BYTES
    found: list[tuple[bytes, ...]] = []
    for name in ("/Certs", "/CRLs", "/OCSPs"):
        streams = _member(store, name, ())
        parts = [streams[number].data for number in range(min(len(streams), MAX_STORED))]
        left -= sum(map(len, parts))
        found.append(tuple(sorted(set(parts))))
    if left < 0:
        raise InputError("PDF_BOMB")
    return ValidationData(*found)
