"""What was added to a signed PDF so that others see something else in it, by the names under which it is known."""

from __future__ import annotations

import re
import struct
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from pdf_kit import NOW, Kit, judges, sealed, verify_pdf
from raw_pdf import CONTENT, PAGE, PAGES, PARTS, RawPdf, catalog, field, page, signed, stream

from ledger.core.verdicts import Outcome
from ledger.crypto.pdf.reading import read_signed
from ledger.crypto.pdf.values import Changes
from ledger.errors import InputError

EVIL = stream(b"BT /F1 12 Tf (what nobody signed) Tj ET")
EMPTY = b"<</Type/Pages/Kids[]/Count 0>>"


def changes(data: bytes) -> Changes:
    (one,) = read_signed(data).signatures
    assert one.entire
    return one.changes


def table_stream(raw: RawPdf, number: int, size: int) -> RawPdf:
    """Ends a revision by a table in a stream, of this ``/Size``."""
    raw.places[number] = len(raw.out)
    rows = b"".join(b"\1" + struct.pack(">IB", place, 0) for _, place in sorted(raw.places.items()))
    index = b"".join(b" %d 1" % one for one in sorted(raw.places))
    before = b"/Prev %d" % raw.table if raw.table else b""
    raw.table = len(raw.out)
    raw.put(number, stream(rows, b"/Type/XRef/Size %d/Root 1 0 R/W[1 4 1]/Index[%s]%s" % (size, index, before)))
    return raw.finish()


def behind(content: bytes, *, revision: bool) -> bytes:
    """The table that was signed says that an object lies where the file then ended."""
    begun = {number: part for number, part in PARTS.items() if number != CONTENT}
    raw, end = RawPdf(), 0
    for _ in range(2):  # once for the length
        raw, end = RawPdf().put_all(begun).value(), len(raw.out)
        raw.places[CONTENT] = end
        raw.end()
    raw.put(CONTENT, content)
    raw.places = {}
    return (raw.put(9, b"<<>>").end() if revision else raw.finish()).bytes()


def over_the_end(*, revision: bool) -> bytes:
    """An object that begins in what was signed, and goes on behind it."""
    begun, tail, length = {n: part for n, part in PARTS.items() if n != CONTENT}, b"(evil) Tj", 0
    for _ in range(2):
        raw = RawPdf().put_all(begun).value()
        raw.places[CONTENT] = len(raw.out)
        raw.out += b"6 0 obj\n<</Length %08d>>\nstream\n" % length
        start = len(raw.out)
        raw.out += b"BT ET %"
        raw.end()
        length = len(raw.out) - start + len(tail)
    raw.out += tail + b"\nendstream\nendobj\n"
    return (raw.put(9, b"<<>>").end() if revision else raw.finish()).bytes()


def second_end() -> bytes:
    """Of two ends the library takes the one before ``%%EOF``, and other readers the last."""
    return signed().put(CONTENT, EVIL).end().bytes()[: -len(b"%%EOF\n")]


def second_tables() -> bytes:
    """A hybrid file (ISO 32000-2 section 7.5.8.4): some readers look into the stream, others do not."""
    raw = signed()
    raw.put(CONTENT, EVIL)
    place, table = raw.places[CONTENT], len(raw.out)
    rows = b"\1" + struct.pack(">IB", place, 0)
    raw.put(10, stream(rows, b"/Type/XRef/Size 11/W[1 4 1]/Index[6 1]"))
    raw.places = {}
    return raw.put(9, b"<<>>").end(b"/XRefStm %d" % table).bytes()


def small_size() -> bytes:
    """By a ``/Size`` that is too small, what is there already looks new."""
    raw = table_stream(RawPdf().put_all(PARTS).value(), 7, size=6)
    return table_stream(raw.put(CONTENT, EVIL), 8, size=9).bytes()


def odd_marker() -> bytes:
    raw = signed().put(CONTENT, EVIL)
    place = raw.places[CONTENT]
    return raw.end().bytes().replace(b"%010d 00000 n" % place, b"%010d 00000 N" % place)


def no_catalog() -> bytes:
    """A reader that finds none looks for objects by itself, and takes the last."""
    first, _, last = signed().put(9, b"<<>>").end().bytes().rpartition(b"/Root 1 0 R")
    return first + b"/Rood 1 0 R" + last


def dead_object() -> bytes:
    raw = signed().put(CONTENT, EVIL)
    raw.places = {}
    return raw.put(9, b"<<>>").end().bytes()


OTHER: dict[str, Callable[[], bytes]] = {
    "incremental saving: a page": lambda: signed().put(CONTENT, EVIL).end().bytes(),
    "octets that belong to no revision": lambda: signed().bytes() + b"6 0 obj",
    "startxref confusion": second_end,
    "shadow: an object behind what was signed": lambda: behind(EVIL, revision=False),
    "shadow: the same below a revision": lambda: behind(EVIL, revision=True),
    "shadow: an object over the end": lambda: over_the_end(revision=False),
    "shadow: the same over a revision": lambda: over_the_end(revision=True),
    "shadow: a name that is filled later": lambda: signed({PAGE: page(b"/X 30 0 R")}).put(30, EVIL).end().bytes(),
    "shadow: a parent that is filled later": lambda: (
        signed({PAGE: page(parent=30)}).put(30, b"<</Type/Pages/Kids[3 0 R]/Resources<<>>>>").end().bytes()
    ),
    "a table in the place of a page's content": lambda: table_stream(signed(), CONTENT, 7).bytes(),
}


def twice_in_a_table() -> bytes:
    """A first entry for the page's content leads into a stream that was signed; the second to what is there still."""
    raw = signed({20: stream(b"6 0 obj\n" + EVIL + b"\nendobj\n")})
    raw.put(CONTENT, PARTS[CONTENT])
    honest = b"6 1\n%010d 00000 n \n" % raw.places[CONTENT]
    hidden = b"6 1\n%010d 00000 n \n" % raw.bytes().index(b"6 0 obj\n" + EVIL)
    first, _, last = raw.end().bytes().rpartition(honest)
    return first + hidden + honest + last


UNCLEAR: dict[str, Callable[[], bytes]] = {
    "a page tree named twice in the catalog": lambda: (
        signed().put(1, catalog(b"/Pages 30 0 R")).put(30, EMPTY).end().bytes()
    ),
    "a catalog named twice in the trailer": lambda: (
        signed().put_all({20: catalog().replace(b"2 0 R", b"21 0 R"), 21: EMPTY}).end(b"/Root 20 0 R").bytes()
    ),
    "hybrid tables": second_tables,
    "a bound of numbers below the numbers": small_size,
    "an entry of neither kind": odd_marker,
    "two entries for one object": twice_in_a_table,
    "a trailer without a catalog": no_catalog,
    "an object that no table names": dead_object,
}


def test_what_is_only_added_is_harmless() -> None:
    assert changes(signed().bytes()) is Changes.NONE
    assert changes(signed().bytes() + b"\r\n\0 ") is Changes.NONE
    assert changes(signed().put(9, b"<<>>").end().bytes()) is Changes.ARCHIVAL
    assert changes(table_stream(signed().put(9, b"<<>>"), 10, 11).bytes()) is Changes.ARCHIVAL


@pytest.mark.parametrize("name", OTHER)
def test_a_change_that_others_show_is_found(name: str) -> None:
    data = OTHER[name]()
    try:
        assert changes(data) is Changes.OTHER
    except InputError as error:
        assert error.code == "PDF_SYNTAX"


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_readers_take_differently_is_not_called_unchanged(name: str) -> None:
    assert changes(UNCLEAR[name]()) is Changes.UNCLEAR


def test_two_fields_do_not_share_one_value() -> None:
    """A seal drawn once more, on another page, by whoever likes."""
    raw = signed().put(8, field(name=b"Copy")).put(1, catalog().replace(b"4 0 R]", b"4 0 R 8 0 R]"))
    with pytest.raises(InputError, match="PDF_SHARED"):
        read_signed(raw.end().bytes())


@pytest.mark.parametrize("numbers", [b"0 %d.0 %d %d", b"0.0 %d %d %d", b"0 %d %d %d 0", b"true %d %d %d", b"-0 %d %d"])
def test_a_range_of_other_than_four_whole_numbers_is_refused(numbers: bytes) -> None:
    data = signed().bytes()
    found = re.search(rb"/ByteRange\[0 0*(\d+) 0*(\d+) 0*(\d+)\]", data)
    assert found
    odd = numbers % tuple(map(int, found.groups()))[: numbers.count(b"%d")]
    with pytest.raises(InputError, match=r"PDF_BYTE_RANGE|PDF_SYNTAX"):
        read_signed(data.replace(found.group(0), (b"/ByteRange[" + odd + b"]").ljust(len(found.group(0)))))


def test_a_value_in_a_later_revision_covers_nothing_of_it() -> None:
    """Signature wrapping: the old value and range, in a place that was never signed."""
    raw = signed()
    value = raw.bytes()[
        raw.bytes().index(b"<</Type/Sig") : raw.bytes().index(b"endobj", raw.bytes().index(b"/Contents <"))
    ]
    (one,) = read_signed(raw.put(5, value.strip()).put(CONTENT, EVIL).end().bytes()).signatures
    assert not one.entire


def test_an_honest_seal_followed_by_a_second_page_tree_does_not_hold(pki: Kit) -> None:
    """From end to end, by an editor of text: the catalog once more, with another page tree behind the first."""
    data = sealed(pki, "ca-i", "ca-i")
    raw = RawPdf()
    raw.out, raw.table = bytearray(data), int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    root = re.findall(rb"/Root (\d+) 0 R", data)[-1]
    catalogs = re.findall(rb"\n" + root + rb" 0 obj\s*(<<.*?>>)\s*endobj", data, re.S)
    raw.size = 200
    raw.put_all({int(root): catalogs[-1][:-2] + b"/Pages 150 0 R>>", 150: EMPTY})
    forged = raw.end().bytes().replace(b"/Root 1 0 R/Prev", b"/Root %s 0 R/Prev" % root)
    found = verify_pdf(forged, NOW + 60, judges(pki, ["ca-i"]))
    assert (found.outcome, found.cause_code) == (Outcome.UNDETERMINED, "PDF_CHANGES_UNCLEAR")


# ---- what is honest, and large -----------------------------------------------------------------------------------


def with_outline(pages: int) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    output = BytesIO()
    canvas = Canvas(output, invariant=True)
    for number in range(pages):
        canvas.drawString(72, 720, f"Page {number}")
        canvas.bookmarkPage(f"p{number}")
        canvas.addOutlineEntry(f"Page {number}", f"p{number}")
        canvas.showPage()
    canvas.save()
    return output.getvalue()


def test_a_long_document_with_an_outline_is_read_to_its_end(pki: Kit) -> None:
    data = sealed(pki, data=with_outline(400))
    assert changes(data) is Changes.ARCHIVAL


def test_a_large_document_of_pictures_costs_nothing() -> None:
    pictures = {30 + n: stream(bytes(1 << 20)) for n in range(24)}
    names = b"/X[" + b"".join(b"%d 0 R " % number for number in pictures) + b"]"
    raw = signed({PAGE: page(names)} | pictures).put(99, b"<<>>").end()
    assert changes(raw.bytes()) is Changes.ARCHIVAL


def test_comments_behind_a_signature_need_no_memory() -> None:
    raw = signed()
    raw.out += b"%\n" * (1 << 20)
    data = raw.put(9, b"<<>>").end().bytes()
    tracemalloc.start()
    try:
        assert changes(data) is Changes.ARCHIVAL
        assert tracemalloc.get_traced_memory()[1] < 16 * len(data)
    finally:
        tracemalloc.stop()


def test_the_ways_to_what_changed_are_those_that_the_library_finds(pki: Kit) -> None:
    from pyhanko.pdf_utils.reader import PdfFileReader

    from ledger.crypto.pdf.bounds import open_reader
    from ledger.crypto.pdf.metering import metered
    from ledger.crypto.pdf.values import Rules

    tree = {1: catalog(b"/StructTreeRoot<</K[31 0 R 32 0 R]>>/Again[4 0 R[3 0 R]]"), 31: b"<</S/P/K<</Obj 4 0 R>>>>",
            32: b"<</S/P/P 31 0 R/K[33 0 R]>>", 33: b"<</S/P/P 32 0 R/K<</S/P/Obj 4 0 R>>/X 6 0 R>>"}  # fmt: skip
    raw = signed(tree).put_all({4: field(b"/X 1"), CONTENT: EVIL, PAGE: page(b"/Y 1"), PAGES: PARTS[PAGES]}).end()
    twice = sealed(pki, "ca-e", data=sealed(pki), field="Seal2")
    for data in (raw.bytes(), twice):
        with metered(len(data)) as meter:
            ours, theirs = open_reader(data, Rules.ALL, meter), PdfFileReader(BytesIO(data))
            for number in range(ours.total_revisions - 1):
                old: Any = ours.get_historical_resolver(number)
                again: Any = theirs.get_historical_resolver(number)
                old._load_reverse_xref_cache()
                again._load_reverse_xref_cache()
                for later in range(number + 1, ours.total_revisions):
                    for ref in ours.xrefs.explicit_refs_in_revision(later):
                        found, known = old._get_usages_of_ref(ref), again._get_usages_of_ref(ref)
                        if ref in old._page_tree()[0]:  # approved as it stands in the tree, or not at all
                            assert found <= known
                            found, known = ({way for way in ways if "/Kids" in way.path} for ways in (found, known))
                        assert found == known, (number, ref)
