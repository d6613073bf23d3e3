"""PDF files written octet by octet, revision after revision, for what no library would write: attacks and bombs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

PAGES, PAGE, CATALOG, VALUE, FIELD, CONTENT = 2, 3, 1, 5, 4, 6
DER = bytes.fromhex("3003020101")
_BLANK = b"/ByteRange[0 %010d %010d %010d]"


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n" % (len(data), entries) + data + b"\nendstream"


class RawPdf:
    """``places``: where each object of the revision begins that is being written."""

    def __init__(self) -> None:
        self.out = bytearray(b"%PDF-1.7\n")
        self.places: dict[int, int] = {}
        self.size, self.table, self._unsigned = 1, 0, list[int]()

    def put(self, number: int, content: bytes) -> Self:
        self.places[number] = len(self.out)
        self.out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
        return self

    def put_all(self, contents: Mapping[int, bytes]) -> Self:
        for number, content in contents.items():
            self.put(number, content)
        return self

    def value(self, number: int = VALUE, entries: bytes = b"", room: int = 16, contents: bytes = DER) -> Self:
        """A signature, whose range is filled in at the end of its revision."""
        self.put(number, b"<</Type/Sig/Filter/X/SubFilter/ETSI.CAdES.detached" + _BLANK % (0, 0, 0) + entries
                 + b"/Contents <" + contents.hex().encode().ljust(2 * room, b"0") + b">>>")  # fmt: skip
        self._unsigned.append(self.places[number])
        return self

    def end(self, trailer: bytes = b"", size: int | None = None, tail: bytes = b"") -> Self:
        """The revision's table. ``tail``: behind the end of the file, and signed with it."""
        self.size = size if size is not None else max(self.size, *(number + 1 for number in self.places))
        before = b"/Prev %d" % self.table if self.table else b""
        self.table = len(self.out)
        self.out += b"xref\n" + (b"" if before else b"0 1\n0000000000 65535 f \n")
        for number, place in sorted(self.places.items()):
            self.out += b"%d 1\n%010d 00000 n \n" % (number, place)
        self.out += b"trailer\n<</Size %d/Root 1 0 R%s%s>>\n" % (self.size, before, trailer)
        return self.finish(tail)

    def finish(self, tail: bytes = b"") -> Self:
        self.out += b"startxref\n%d\n%%%%EOF\n" % self.table + tail
        self.places = {}
        for place in self._unsigned:
            start = self.out.index(b"/Contents <", place) + len(b"/Contents ")
            stop = self.out.index(b">", start) + 1
            blank, filled = _BLANK % (0, 0, 0), _BLANK % (start, stop, len(self.out) - stop)
            at = self.out.index(blank, place)
            self.out[at : at + len(blank)] = filled
        self._unsigned = []
        return self

    def bytes(self) -> bytes:
        return bytes(self.out)


def catalog(entries: bytes = b"") -> bytes:
    return b"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[4 0 R]>>%s>>" % entries


def page(entries: bytes = b"", parent: int = PAGES) -> bytes:
    return b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 300 300]/Contents 6 0 R/Annots[4 0 R]%s>>" % (parent, entries)


def field(entries: bytes = b"", name: bytes = b"Seal", value: int = VALUE) -> bytes:
    return b"<</Type/Annot/Subtype/Widget/FT/Sig/T(%s)/V %d 0 R/P 3 0 R/Rect[0 0 0 0]%s>>" % (name, value, entries)


PARTS = {
    CATALOG: catalog(),
    PAGES: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    PAGE: page(),
    FIELD: field(),
    CONTENT: stream(b"BT /F1 12 Tf (what was signed) Tj ET"),
}


def signed(changed: Mapping[int, bytes] | None = None, entries: bytes = b"", **end: object) -> RawPdf:
    """One signature over a file of one page. ``changed``: other objects, or more; ``entries``: of its value."""
    raw = RawPdf().put_all(PARTS | dict(changed or {})).value(entries=entries)
    return raw.end(**end)  # type: ignore[arg-type]
