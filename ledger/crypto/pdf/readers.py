# mypy: allow-untyped-calls
"""pyHanko's reader within the bounds of ``metering``, which remembers where what it read ended.

Loaded with the library, when the first PDF comes.
"""

from __future__ import annotations

from os import SEEK_CUR
from typing import Any

from pyhanko.pdf_utils import generic, xref
from pyhanko.pdf_utils.decode_limits import DecodeLimits, DecodePurpose, DocumentDecodeBudget, StreamDecodeLimits
from pyhanko.pdf_utils.misc import PdfReadError, PdfStrictReadError, read_non_whitespace, skip_over_whitespace
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType, read_object_header

from ledger.crypto.pdf.metering import Meter, MeteredOctets
from ledger.crypto.pdf.revisions import Revision
from ledger.crypto.pdf.values import Rules

MAX_STREAM = 16 << 20  # octets unpacked
MAX_UNPACKED, MAX_RATIO = 16 << 20, 2  # octets unpacked of all streams, or times the file if that is more

Number = tuple[int, int]  # of an object, and its generation


class BoundedReader(PdfFileReader):  # type: ignore[misc, unused-ignore]
    """``rules``: which rules of the format it holds the file to. ``ends``: where each object that was read ended in the
    file, by where it began."""

    def __init__(self, data: bytes, rules: Rules, meter: Meter) -> None:
        self.rules, self.meter, self.ends = rules, meter, dict[int, int]()
        self._directories: dict[int, tuple[Any, list[Number], bytes]] = {}
        meter.sections = 0
        each = StreamDecodeLimits(max_output_size=MAX_STREAM)
        limits = DecodeLimits(per_stream=each, document_budget=DocumentDecodeBudget(MAX_UNPACKED, MAX_RATIO))
        super().__init__(MeteredOctets(data, meter), strict=rules is Rules.ALL, decode_limits=limits)
        self.strict = rules is not Rules.NONE

    def get_historical_resolver(self, revision: int) -> Revision:
        found = self._historical_resolver_cache.get(revision)
        if not isinstance(found, Revision):
            found = self._historical_resolver_cache[revision] = Revision(self, revision)
        return found

    def trailer_end(self, revision: int) -> int:
        """Where its table of references ends, the trailer among it."""
        place = self.xrefs.get_xref_container_info(revision)
        if place.xref_section_type is XRefSectionType.STREAM:
            return int(place.end_location)
        self.stream.seek(place.end_location)
        generic.DictionaryObject.read_from_stream(self.stream, generic.TrailerReference(self))
        return int(self.stream.tell())

    def trailer_of(self, revision: int) -> Any:
        """As it stands in the file, without what earlier ones had."""
        return self.trailer._trailer_revisions[self.total_revisions - 1 - revision]

    def end_of(self, number: int, generation: int, revision: int) -> int:
        """Where an object ends that this revision wrote."""
        place = self.xrefs.get_xref_data(revision).standard_xrefs[number][1]
        if place not in self.ends:
            self.get_object(generic.Reference(number, generation, self), revision)
        return self.ends[place]

    def has_strict_table(self, revision: int) -> bool:
        """Is this table, which may have been read with less care, where it is said to be, and as the rules want it?"""
        place: Any = self.xrefs.get_xref_container_info(revision)
        of_stream = place.xref_section_type is XRefSectionType.STREAM
        self.stream.seek(place.declared_startxref)
        skip_over_whitespace(self.stream)
        if not of_stream:
            self.stream.seek(len(b"xref"), SEEK_CUR)
            skip_over_whitespace(self.stream)
        if not place.start_location <= self.stream.tell() <= place.start_location + 2:
            return False
        self.stream.seek(place.start_location)
        try:
            if of_stream:
                read_object_header(self.stream, strict=True)
                table: Any = generic.StreamObject.read_from_stream(self.stream, place.stream_ref)
                table.container_ref = place.stream_ref
                return all(True for _ in xref.parse_xref_stream(table))
            return all(True for _ in xref.parse_xref_table(self.stream, True)) and self.trailer_end(revision) > 0
        except (PdfReadError, ValueError, LookupError, TypeError, AssertionError):
            return False

    def get_object(self, ref: Any, *arguments: Any, **named: Any) -> Any:
        self.meter.spend(1)
        return super().get_object(ref, *arguments, **named)

    def _read_object(self, ref: Any, marker: Any, *arguments: Any, **named: Any) -> Any:
        found = super()._read_object(ref, marker, *arguments, **named)
        if isinstance(marker, int):
            self.ends[marker] = max(self.stream.tell(), self.ends.get(marker, 0))
        return found

    def _get_object_from_stream(self, idnum: int, stmnum: int, idx: int) -> Any:
        """ISO 32000-2 section 7.5.7. The library goes through the directory of the stream anew for each object."""
        holder = generic.Reference(stmnum, 0, self).get_object()
        if not isinstance(holder, generic.StreamObject) or holder["/Type"] != "/ObjStm":
            raise PdfReadError("not an object stream")
        known = self._directories.get(id(holder))
        if known is None:
            data = holder.read_data(DecodePurpose.OBJECT_STREAM)
            known = self._directories[id(holder)] = (holder, self._directory(holder, data), data)
        _, directory, data = known
        if not 0 <= idx < len(directory) or directory[idx][0] != idnum:
            if self.strict:
                raise PdfStrictReadError("no such object in the stream")
            self.meter.spend(len(directory) // 16)
            idx = next((at for at, (number, _) in enumerate(directory) if number == idnum), -1)
            if idx < 0:
                return generic.NullObject()
        stream = MeteredOctets(data, self.meter)
        stream.seek(int(holder["/First"]) + directory[idx][1])
        found = generic.read_object(stream, generic.Reference(idnum, 0, self))
        if isinstance(found, generic.StreamObject | generic.IndirectObject):
            raise PdfReadError("forbidden in an object stream")
        return found

    def _directory(self, holder: Any, data: bytes) -> list[Number]:
        stream, found = MeteredOctets(data, self.meter), list[Number]()
        for _ in range(int(holder["/N"])):
            pair = []
            for _ in range(2):
                read_non_whitespace(stream, seek_back=True)
                pair.append(int(generic.NumberObject.read_from_stream(stream)))
            found.append((pair[0], pair[1]))
        return found
