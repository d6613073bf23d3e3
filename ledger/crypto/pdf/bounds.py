"""What a PDF may have: revisions, and fields and pages to walk through. What it may cost is counted by ``metering``.

Trees are walked as they come: one whose every node names the next one twice is no longer than others, and never walked
to its end.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from ledger.crypto.pdf.metering import MAX_DEPTH, MAX_REVISIONS, Meter, bound_library
from ledger.crypto.pdf.values import Rules
from ledger.errors import InputError

MAX_FIELDS = 20_000  # in all revisions together
MAX_PAGES = 10_000

# The library writes what it makes of a file into the log, and names of fields, which may be anybody's, with it.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL + 1)


def open_reader(data: bytes, rules: Rules, meter: Meter) -> Any:
    """``BoundedReader``.

    Raises:
        InputError: ``PDF_BOMB``; ``PDF_MANY``; what the library raises.
    """
    bound_library()
    from ledger.crypto.pdf.readers import BoundedReader

    reader = BoundedReader(data, rules, meter)
    if reader.total_revisions > MAX_REVISIONS:
        raise InputError("PDF_MANY", limit=MAX_REVISIONS)
    return reader


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
                if len(waiting) == MAX_DEPTH:
                    raise InputError("PDF_MANY", limit=MAX_DEPTH)
                waiting.append(iter(below))


def _entry(holder: Any, key: str) -> Any:
    return holder[key] if isinstance(holder, dict) and key in holder else None
