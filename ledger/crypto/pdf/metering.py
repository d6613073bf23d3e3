# mypy: allow-untyped-calls
"""Work that reading a PDF may take, counted where pyHanko does it.

The library reads octet by octet, walks trees as they come and compares every revision with every signed one: a small
file can ask for work without end. It has no budget of its own but for what streams unpack to, so that each place where
work is done once for something in the file takes its steps from one store; where that is empty, the file is refused.
Steps are counted and never timed: a file that is read on one machine is read on all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from typing import Any

from ledger.errors import InputError

BASE_STEPS, MAX_STEPS = 300_000, 3_000_000
"""Steps, a microsecond or so each: for any file, and at most, with two more for each of its octets."""
MAX_COPIED = 4  # times its own size, which a file's streams may be when read, those of earlier revisions among them
MAX_REVISIONS = 100
MAX_DEPTH = 64  # of arrays and dictionaries in each other, of fields and of pages
_NUMBER = 64  # reads of 16 octets
_ENDS = 4096  # reads behind the end
_ENTRY, _FREE = 3, 16  # steps for entries of a table: what was freed is looked for in every later one
_PREDICTED, _ASCII, _XML = 8, 2, 32  # octets for a step

_read = BytesIO.read


class Meter:
    """``steps`` and ``octets`` left."""

    __slots__ = ("depth", "octets", "sections", "steps")

    def __init__(self, size: int) -> None:
        self.steps = min(BASE_STEPS + 2 * size, MAX_STEPS)
        self.octets = (1 << 20) + MAX_COPIED * size
        self.sections = self.depth = 0

    def spend(self, steps: int) -> None:
        """Raises: InputError: ``PDF_BOMB``."""
        self.steps -= steps
        if self.steps < 0:
            raise InputError("PDF_BOMB")

    def copy(self, octets: int) -> None:
        """Raises: InputError: ``PDF_BOMB``."""
        self.octets -= octets
        if self.octets < 0:
            self.steps = -1
            raise InputError("PDF_BOMB")

    def enter_section(self) -> None:
        """A table of references. Raises: InputError: ``PDF_MANY``."""
        self.sections += 1
        if self.sections > 2 * MAX_REVISIONS:  # each may have a stream beside it
            raise InputError("PDF_MANY", limit=MAX_REVISIONS)


_METER: ContextVar[Meter | None] = ContextVar("pdf_meter", default=None)


@contextmanager
def metered(size: int) -> Iterator[Meter]:
    """A store for a file of this size, which everything below draws from.

    Raises:
        InputError: ``PDF_BOMB``, also where the library took the refusal for a fault of its own.
    """
    meter = Meter(size)
    token = _METER.set(meter)
    try:
        yield meter
    except Exception as error:
        if meter.steps < 0:
            raise InputError("PDF_BOMB") from error
        raise
    finally:
        _METER.reset(token)
    if meter.steps < 0:
        raise InputError("PDF_BOMB")


def spend(steps: int) -> None:
    """Where something is metered: what this project writes itself is not.

    Raises:
        InputError: ``PDF_BOMB``.
    """
    meter = _METER.get()
    if meter is not None:
        meter.spend(steps)


class MeteredOctets(BytesIO):
    """What the library reads from: a step for each time, and no number or comment without an end."""

    def __init__(self, data: bytes, meter: Meter) -> None:
        super().__init__(data)
        self._meter, self._size, self._digits, self._ends = meter, len(data), 0, 0

    def read(self, size: int | None = -1, /) -> bytes:
        meter = self._meter
        meter.steps -= 1
        if meter.steps < 0:
            raise InputError("PDF_BOMB")
        if size == 1:
            self._digits = 0
        elif size == 16:  # a piece of a number, which is put together in time of the square of its length
            self._digits += 1
            if self._digits > _NUMBER:
                raise ValueError("a number of more than 1024 digits")
        else:
            self._digits = 0
            if size is None or not 0 <= size < 64:
                left = max(self._size - self.tell(), 0)
                meter.copy(left if size is None or size < 0 else min(size, left))
        found = _read(self, size)
        if not found:
            self._ends += 1
            if self._ends > _ENDS:  # in a comment the library waits for the end of a line that never comes
                raise ValueError("read on behind the end")
        return found


@cache
def bound_library() -> None:
    """Tables of references, filters and XML take steps, too. The library gives no other place to ask first."""
    from pyhanko.pdf_utils import filters, generic, xref
    from pyhanko.pdf_utils.decode_limits import DecodePurpose
    from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfReadError, PdfStrictReadError
    from pyhanko.sign.diff_analysis import MetadataUpdateRule

    read_object = generic.read_object
    parse_table, parse_stream = xref.parse_xref_table, xref.parse_xref_stream
    undo_prediction, ascii85 = filters._png_decode, filters.ASCII85Decode.decode
    require_xml = MetadataUpdateRule.is_well_formed_xml
    hexadecimal = filters.ASCIIHexDecode.decode

    def nested(*arguments: Any, **named: Any) -> Any:
        """Not by the limit of recursion: py-evm lifts it for the whole process, beyond what the stack bears."""
        meter = _METER.get()
        if meter is None:
            return read_object(*arguments, **named)
        meter.depth += 1
        try:
            if meter.depth > MAX_DEPTH:
                raise PdfReadError("nested too deeply")
            return read_object(*arguments, **named)
        finally:
            meter.depth -= 1

    def entries(found: Iterator[Any], strict: bool) -> Iterator[Any]:
        meter = _METER.get()
        if meter is None:
            yield from found
            return
        meter.enter_section()
        seen: set[int] = set()
        for entry in found:
            if strict and entry.idnum in seen:  # of which this library takes the last, and others the first
                raise PdfStrictReadError("an object twice in one table")
            seen.add(entry.idnum)
            usual = entry.xref_type is not xref.XRefType.FREE and not entry.generation
            meter.spend(_ENTRY if usual else _FREE)
            yield entry

    def table(stream: Any, strict: bool) -> Iterator[Any]:
        return entries(parse_table(stream, strict), strict)

    def stream_of(xref_stream: Any, strict: bool = True) -> Iterator[Any]:
        """It says how many entries it has, and the library goes through so many even where no octets are there."""
        index = xref_stream.get("/Index", [0, xref_stream.get("/Size")])
        if sum(list(index)[1::2]) * _ENTRY > MAX_STEPS:
            raise PdfDecodeLimitError("too many entries")
        return entries(parse_stream(xref_stream, strict), strict)

    def predicted(data: memoryview, columns: int) -> bytes:
        spend(len(data) // _PREDICTED + len(data) // (columns + 1))
        return bytes(undo_prediction(data, columns))

    def decoded(self: Any, data: bytes, decode_params: Any = None) -> bytes:
        spend(len(data) // _ASCII)
        return bytes(ascii85(self, data, decode_params))

    def unhexed(self: Any, data: bytes, decode_params: Any = None) -> bytes:
        spend(len(data) // _ASCII)
        return bytes(hexadecimal(self, data, decode_params))

    def well_formed(reference: Any) -> None:
        """Read anew for each two revisions that are compared."""
        content = reference.get_object()
        if isinstance(content, generic.StreamObject):
            spend(len(content.read_data(DecodePurpose.XMP_METADATA)) // _XML)
        require_xml(reference)

    generic.read_object = nested
    xref.parse_xref_table, xref.parse_xref_stream = table, stream_of
    MetadataUpdateRule.is_well_formed_xml = staticmethod(well_formed)  # type: ignore[method-assign,assignment]
    filters._png_decode = predicted
    filters.ASCII85Decode.decode = decoded  # type: ignore[method-assign]
    filters.ASCIIHexDecode.decode = unhexed  # type: ignore[method-assign]
