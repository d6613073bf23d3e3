"""What came after a signature in a PDF.

pyHanko compares revisions. That the revision which was signed is what a reader of the whole file finds there is asked
here: an object whose place lies behind the octets that were signed, a name that only later revisions fill, a second
way to the tables, all show what nobody signed, without a change that a comparison of revisions would see.
"""

from __future__ import annotations

import re
from typing import Any

from ledger.crypto.pdf.values import Changes, Rules

_BLANK = b"\0\t\n\f\r "
_END = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF[\0\s]*\Z")
# Possessive: what could be taken back would be kept, a hundred octets for each of the file.
_BETWEEN = re.compile(rb"(?:[\0\s]++|startxref\s++\d{1,10}+\s|%(?![^\r\n]*\bobj\b)[^\r\n]*+(?:[\r\n]|\Z))*+")
_LOOKED_AT = 32  # octets for a step
_LAST = 2048  # octets in which the end is looked for


def compare(reader: Any, data: bytes, field: Any, contents: bytes) -> tuple[bool, Changes, bool]:
    """Does the range end a revision, what came after it, and did the signer allow that?"""
    from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    placed = _placed(reader, field, contents)
    entire = placed.coverage >= SignatureCoverageLevel.ENTIRE_REVISION
    if not entire:
        return False, Changes.OTHER, False
    end = int(placed.byte_range[2]) + int(placed.byte_range[3])
    if not data[end:].strip(_BLANK):
        return True, Changes.NONE, True
    if _continues(reader, data, placed.signed_revision, end):
        return True, Changes.OTHER, False
    if _ambiguous(reader, placed.signed_revision):
        return True, Changes.UNCLEAR, False
    found = placed.evaluate_modifications(DEFAULT_DIFF_POLICY)
    old = reader.get_historical_resolver(placed.signed_revision)
    if not isinstance(found, DiffResult) or old.names_later() or _reaches(reader, placed.signed_revision, end):
        return True, Changes.OTHER, False
    if not _explained(reader, data, placed.signed_revision, end):
        return True, Changes.UNCLEAR, False
    level = found.modification_level
    kinds = {
        ModificationLevel.NONE: Changes.NONE,
        ModificationLevel.LTA_UPDATES: Changes.ARCHIVAL,
        ModificationLevel.FORM_FILLING: Changes.FORM,
    }
    allowed = placed.docmdp_level
    return True, kinds.get(level, Changes.OTHER), allowed is None or level.value <= allowed.value


def _placed(reader: Any, field: Any, contents: bytes) -> Any:
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

    # its constructor reads the contents as CMS, which they need not be
    placed: Any = EmbeddedPdfSignature.__new__(EmbeddedPdfSignature)
    reference = field.raw_get("/V")
    placed.reader, placed.sig_field, placed.sig_object = reader, field, reference.get_object()
    placed.byte_range, placed.pkcs7_content = placed.sig_object["/ByteRange"], contents
    placed.signed_revision = reader.xrefs.get_last_change(reference.reference)
    placed._docmdp = placed._fieldmdp = None
    placed._docmdp_queried = placed._fieldmdp_queried = False
    placed.coverage = placed.evaluate_signature_coverage()
    return placed


def _continues(reader: Any, data: bytes, signed: int, end: int) -> bool:
    """More than revisions follows: octets that belong to none, or another end than the one that the library took, which
    is where other readers begin. And does what was signed end with itself?"""
    last = _END.search(data[-_LAST:])
    if reader.total_revisions == signed + 1 or last is None or int(last[1]) != reader.last_startxref:
        return True
    return _reaches(reader, signed, end)


def _reaches(reader: Any, signed: int, end: int) -> bool:
    """Does anything of what was signed begin, or was anything of it read, behind its end?"""
    for number in range(signed + 1):
        section = reader.xrefs.get_xref_data(number)
        parts = [section] if section.hybrid is None else [section, section.hybrid.xref_data]
        places = [place for part in parts for _, place in part.standard_xrefs.values()]
        reader.meter.spend(len(places) // 4)
        if any(place >= end or reader.ends.get(place, 0) > end for place in places):
            return True
        if reader.trailer_end(number) > end:
            return True
    return False


def _ambiguous(reader: Any, signed: int) -> bool:
    """Rules are broken on which the comparison relies: objects as the format wants them, and tables of what came later;
    tables of one kind; numbers below their bound, by which an object is known for new."""
    if reader.rules is Rules.NONE or reader.xrefs.hybrid_xrefs_present:
        return True
    later = range(signed + 1, reader.total_revisions)
    if reader.rules is Rules.OBJECTS and not all(map(reader.has_strict_table, later)):
        return True
    highest = 0
    for number in range(reader.total_revisions - 1):
        numbers = reader.xrefs.get_xref_data(number).explicit_refs_in_revision
        reader.meter.spend(len(numbers) // 4)
        highest = max(highest, max((one for one, _ in numbers), default=0))
        if number >= signed and highest >= reader.xrefs.get_xref_container_info(number).size:
            return True
    return False


def _explained(reader: Any, data: bytes, signed: int, end: int) -> bool:
    """Is all that follows an object or a table that a reader comes to, and does each table name the catalog? A reader
    that finds a file broken takes whatever looks like an object, wherever it stands."""
    root = reader.root_ref
    known: list[tuple[int, int]] = []
    for number in range(signed + 1, reader.total_revisions):
        table, objects = reader.xrefs.get_xref_container_info(number), reader.xrefs.get_xref_data(number).standard_xrefs
        named = reader.trailer_of(number).get("/Root")
        if getattr(named, "reference", None) != root:
            return False
        known.append((table.declared_startxref, reader.trailer_end(number)))
        known += [(place, reader.end_of(one, generation, number)) for one, (generation, place) in objects.items()]
    at = end
    reader.meter.spend((len(data) - end) // _LOOKED_AT)
    for start, stop in sorted(known):
        if not _BETWEEN.fullmatch(data, at, max(at, start)):
            return False
        at = max(at, stop)
    return _BETWEEN.fullmatch(data, at) is not None
