"""What a PDF may cost: bytes that its streams unpack to, and fields, pages and revisions to walk through.

pyHanko bounds the first more widely than a small file needs, and walks trees as they come: one whose every node names
the next one twice is no longer than others, and never walked to its end.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any

from ledger.errors import InputError

MAX_STREAM = 16 << 20  # bytes unpacked
MAX_TOTAL, MAX_RATIO = 16 << 20, 8  # bytes unpacked of all streams, or times the file if that is more
MAX_OBJECTS = 500_000  # in one cross-reference stream
MAX_REVISIONS = 256
MAX_FIELDS = 20_000  # in all revisions together
MAX_PAGES = 10_000
_LONG_NUMBER = re.compile(rb"(?<![0-9])[0-9]{500000}")  # in a file; a signature's padding is such a run, too

# The library writes what it makes of a file into the log, and names of fields, which may be anybody's, with it.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL + 1)


def open_reader(data: bytes, strict: bool) -> Any:
    """``PdfFileReader`` within these bounds.

    Raises:
        InputError: ``PDF_BOMB``; ``PDF_MANY``; what the library raises.
    """
    from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget, StreamDecodeLimits
    from pyhanko.pdf_utils.reader import PdfFileReader

    if _LONG_NUMBER.search(data):
        raise InputError("PDF_BOMB")  # read by the library in time of the square of its length, and more
    _bound_tables()
    each = StreamDecodeLimits(max_output_size=MAX_STREAM)
    limits = DecodeLimits(per_stream=each, document_budget=DocumentDecodeBudget(MAX_TOTAL, MAX_RATIO))
    reader = PdfFileReader(BytesIO(data), strict=strict, decode_limits=limits)
    if reader.total_revisions > MAX_REVISIONS:
        raise InputError("PDF_MANY", limit=MAX_REVISIONS)
    return reader


@cache
def _bound_tables() -> None:
    """A cross-reference stream says how many entries it has, and the library goes through so many even where there are
    no bytes for them. It gives no other place to ask first."""
    from pyhanko.pdf_utils import xref
    from pyhanko.pdf_utils.generic import StreamObject
    from pyhanko.pdf_utils.misc import PdfReadError

    parse = xref.parse_xref_stream

    def bounded(xref_stream: StreamObject, strict: bool = True) -> Iterator[Any]:
        index = xref_stream.get("/Index", [0, xref_stream.get("/Size")])
        if sum(list(index)[1::2]) > MAX_OBJECTS:
            raise PdfReadError("too many objects")
        return parse(xref_stream, strict)

    xref.parse_xref_stream = bounded


def require_few_fields(reader: Any) -> None:
    """The trees of form fields that comparing revisions walks through, the present one first.

    Raises:
        InputError: ``PDF_MANY``.
    """
    count = 0
    roots = [reader.root, *(reader.get_historical_root(number) for number in range(reader.total_revisions - 1))]
    for root in roots:
        for _ in _nodes(_entry(_entry(root, "/AcroForm"), "/Fields")):
            count += 1
            if count > MAX_FIELDS:
                raise InputError("PDF_MANY", limit=MAX_FIELDS)


def page_number(reader: Any, page: Any) -> int | None:
    """Where the page of this reference stands, from 0, among the first ``MAX_PAGES``."""
    number = 0
    for count, (reference, node) in enumerate(_nodes(_entry(_entry(reader.root, "/Pages"), "/Kids"))):
        if reference == page:
            return number
        if count == MAX_PAGES:
            return None
        number += "/Kids" not in node
    return None


def _nodes(kids: Any) -> Iterator[tuple[Any, Any]]:
    """Reference and dictionary of every node below, in order; again and again where the tree has loops."""
    waiting = [iter(kids)] if isinstance(kids, list) else []
    while waiting:
        kid = next(waiting[-1], None)
        if kid is None:
            waiting.pop()
            continue
        node = kid.get_object()
        if isinstance(node, dict):
            yield getattr(kid, "reference", None), node
            below = _entry(node, "/Kids")
            if isinstance(below, list):
                waiting.append(iter(below))


def _entry(holder: Any, key: str) -> Any:
    return holder[key] if isinstance(holder, dict) and key in holder else None
