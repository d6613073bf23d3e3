# mypy: allow-untyped-calls
"""Earlier revisions of a PDF as pyHanko shows them, and the ways by which what changed later can be come to.

Loaded with the library, when the first PDF comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath

from ledger.crypto.pdf.metering import MAX_DEPTH

_HOLDERS = (generic.DictionaryObject, generic.ArrayObject, generic.IndirectObject)

Way = tuple[str | int, ...]  # keys and places, from the trailer on


class Revision(HistoricalResolver):  # type: ignore[misc, unused-ignore]
    """The file as it was."""

    def __init__(self, reader: Any, revision: int) -> None:
        reader.meter.spend(16)
        super().__init__(reader, revision)
        self._decode_context = reader.decode_context  # one budget for all revisions
        self._meter = reader.meter
        self._parts, self._weights = 0, dict[Any, int]()
        self._searching = 1 + reader.total_revisions // 8  # steps to find an object among all revisions
        self._dangling = False

    def get_object(self, ref: Any, as_metadata_stream: bool = False) -> Any:
        known = self._weights.get(ref)
        if known is not None:
            self._meter.spend(1 + known // 2)
            return super().get_object(ref, as_metadata_stream)
        before = self._parts
        found = super().get_object(ref, as_metadata_stream)
        weight = self._weights[ref] = self._parts - before
        self._meter.spend(self._searching + 2 * weight)
        return found

    def _subsume_object(self, obj: Any) -> Any:
        self._parts += 1
        return super()._subsume_object(obj)

    def explicit_refs_in_revision(self) -> Any:
        found = super().explicit_refs_in_revision()
        self._meter.spend(4 * len(found))
        return found

    def names_later(self) -> bool:
        """Did something in it name an object that only later revisions have, so that its reader would have shown other
        things than a later one does?"""
        self._load_reverse_xref_cache()
        return self._dangling

    def has(self, ref: Any) -> bool:
        self._meter.spend(self._searching)
        return self.reader.xrefs.get_historical_ref(ref, self.revision) is not None

    def _load_reverse_xref_cache(self) -> None:
        """All ways from the trailer to what changed later, by the rules of the library, which goes all ways to all
        objects and does not come back from an outline of 2,000 items, each of which names the next. Of a page that
        changed, the way in the tree: by no other is its change approved."""
        if self._indirect_object_access_cache is None:
            self._meter.spend(self.revision)
            self._indirect_object_access_cache = self._ways(*self._changed())

    def _changed(self) -> tuple[set[Any], set[Any]]:
        """What a later revision writes and this one names, and all that leads there."""
        xrefs = self.reader.xrefs
        numbers = range(self.revision + 1, xrefs.total_revisions)
        later = {ref for number in numbers for ref in xrefs.explicit_refs_in_revision(number)}
        self._meter.spend(len(later))
        above = self._references({ref.idnum for ref in later})
        above.update(self._page_tree()[1])
        named = {ref for ref in later if ref in above}
        found, waiting = set[Any](), list(named)
        while waiting:
            for holder in above.get(waiting.pop(), ()):
                if holder not in found:
                    found.add(holder)
                    waiting.append(holder)
        return named, found

    def _references(self, written: set[int]) -> dict[Any, set[Any]]:
        """Each object that can be reached, and the objects that name it; each is read once."""
        above: dict[Any, set[Any]] = {}
        waiting: list[tuple[Any, Any]] = [(None, self.trailer_view)]
        while waiting:
            holder, content = waiting.pop()
            for key, ref in _named(content):
                if ref not in above:
                    above[ref] = set()
                    if self.has(ref):
                        waiting.append((ref, self(ref)))
                    else:
                        self._dangling |= ref.idnum in written
                if holder is not None and key != "/Parent":
                    above[ref].add(holder)
        return above

    def _page_tree(self) -> tuple[dict[Any, Way], dict[Any, set[Any]]]:
        """The way to each page in the tree, and what names it there: by no other way is a page entered."""
        first = self.root.raw_get("/Pages")
        ways: dict[Any, Way] = {}
        above: dict[Any, set[Any]] = {}
        if isinstance(first, generic.IndirectObject):
            ways[first.reference] = ("/Root", "/Pages")
        waiting: list[tuple[Way, Any]] = [(("/Root", "/Pages"), first)]
        while waiting:
            way, node = waiting.pop()
            listed = node.get_object().raw_get("/Kids")
            naming = {one.reference for one in (node, listed) if isinstance(one, generic.IndirectObject)}
            for at, kid in enumerate(listed.get_object()):
                below: Way = (*way, "/Kids", at)
                if isinstance(kid, generic.IndirectObject):
                    if kid.reference in ways:
                        raise PdfReadError("a page tree with loops")
                    ways[kid.reference], above[kid.reference] = below, naming
                if kid.get_object().get("/Type") == "/Pages":
                    if len(way) > 2 * MAX_DEPTH:
                        raise PdfReadError("pages nested too deeply")
                    waiting.append((below, kid))
        return ways, above

    def _structure(self) -> set[Any]:
        """The elements of the structure tree: entered from above only."""
        found: set[Any] = set()
        waiting = [self.root["/StructTreeRoot"]] if "/StructTreeRoot" in self.root else []
        while waiting:
            element = waiting.pop()
            below: Any = element["/K"] if "/K" in element else generic.ArrayObject()
            for child in below if isinstance(below, generic.ArrayObject) else (below,):
                one = child.get_object()
                if not isinstance(one, generic.DictionaryObject) or one.get("/Type", "/StructElem") != "/StructElem":
                    continue
                if isinstance(child, generic.IndirectObject):
                    if child.reference in found:
                        raise PdfReadError("a structure tree with loops")
                    found.add(child.reference)
                waiting.append(one)
        return found

    def _ways(self, wanted: set[Any], leading: set[Any]) -> dict[Any, set[RawPdfPath]]:
        pages, structure = self._page_tree()[0], self._structure()
        found: dict[Any, set[RawPdfPath]] = {}
        waiting: list[tuple[Any, Way, tuple[Any, ...], bool]] = [(self.trailer_view, (), (), False)]
        while waiting:
            one, way, seen, structured = waiting.pop()
            self._meter.spend(1 + len(way) // 4)
            if isinstance(one, generic.IndirectObject):
                ref = one.reference
                if ref in seen:
                    continue
                if ref in wanted:
                    found.setdefault(ref, set()).add(RawPdfPath(*way))
                if ref not in leading or pages.get(ref, way) != way or (ref in structure and not structured):
                    continue
                one, seen = self(ref), (*seen, ref)
                if isinstance(one, generic.IndirectObject):
                    waiting.append((one, way, seen, structured))
            waiting += [
                (part, (*way, key), seen, structured or (way == ("/Root", "/StructTreeRoot") and key == "/K"))
                for key, part in _parts(one)
                if not (key == "/Parent" or (structured and key == "/P"))
                and (
                    not isinstance(part, generic.IndirectObject)
                    or part.reference in wanted
                    or part.reference in leading
                )
            ]
        return found


def _parts(one: Any) -> Iterable[tuple[str | int, Any]]:
    """What of an object may hold references, by key or place."""
    if isinstance(one, generic.DictionaryObject):
        every: Iterable[tuple[str | int, Any]] = dict.items(one)
    elif isinstance(one, generic.ArrayObject):
        every = enumerate(list.__iter__(one))
    else:
        every = ()
    return ((key, part) for key, part in every if isinstance(part, _HOLDERS))


def _named(content: Any) -> Iterator[tuple[str, Any]]:
    """The references in an object, each with the key of its dictionary below which it stands."""
    waiting = [("", content)]
    while waiting:
        key, one = waiting.pop()
        if isinstance(one, generic.IndirectObject):
            yield key, one.reference
        elif isinstance(one, generic.DictionaryObject):
            waiting.extend(dict.items(one))
        elif isinstance(one, generic.ArrayObject):
            waiting.extend((key, part) for part in list.__iter__(one))
