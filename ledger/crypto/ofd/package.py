"""The ZIP container of an OFD document, read so that no other program can read anything else in it.

Local headers and central directory say the same of every entry, entries lie side by side from the first byte to the
directory, and nothing comes before, between or after them: what is digested here is what a reader shows.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ledger.core.canonical import FORBIDDEN
from ledger.errors import InputError

MAX_PACKAGE = 64 << 20  # bytes
MAX_TOTAL = 128 << 20  # bytes of all entries unpacked
MAX_RATIO, RATIO_FLOOR = 100, 4 << 20  # times the package, above so many bytes unpacked
MAX_ENTRIES = 16_384
MAX_NAME = 512  # bytes
MAX_DEPTH = 16  # folders

_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _STREAMED, _UTF8 = 1, 1 << 3, 1 << 11
_FLAGS = 0b110 | _STREAMED | _UTF8  # 1 and 2: how hard the writer tried
_FOREIGN_EXTRAS = frozenset({0x0001, 0x7075, 0x9901})  # ZIP64, a second name, AES
_SYMLINK = 0o120000
_OFD_LISTED = re.compile(rb"PK\x01\x02.{24}\x07\x00.{16}OFD\.xml", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Package:
    """``files``: by their path in the package, without a leading slash; folders are not kept."""

    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the central directory says of an entry. ``crc``, ``packed``, ``size``: as in the header."""

    raw_name: bytes
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


def is_package(data: bytes) -> bool:
    """Is ``data`` a ZIP that lists ``OFD.xml``? Tells what to read it as, and nothing else."""
    return data.startswith(b"PK\x03\x04") and _OFD_LISTED.search(data) is not None


def read_package(data: bytes) -> Package:
    """Unpack ``data`` in memory.

    Raises:
        InputError: ``OFD_SIZE``; ``OFD_ZIP_SYNTAX`` not a plain ZIP; ``OFD_ZIP_FEATURE`` ZIP64, several disks, another
            method than deflate, links; ``OFD_ZIP_ENCRYPTED``; ``OFD_ZIP_LIMIT`` too many entries, too large
            unpacked; ``OFD_ZIP_NAME`` a path that leaves the package or has two readings; ``OFD_ZIP_TWICE``;
            ``OFD_ZIP_HEADERS`` local header and directory differ; ``OFD_ZIP_SLACK`` bytes that are no part of an
            entry; ``OFD_ZIP_DATA`` an entry that is not what its header says.
    """
    if len(data) > MAX_PACKAGE:
        raise InputError("OFD_SIZE", length=len(data), limit=MAX_PACKAGE)
    entries, end = _directory(data)
    _require_limits(entries, len(data))
    _require_distinct(entries)
    files: dict[str, bytes] = {}
    at = 0
    for entry in sorted(entries, key=lambda e: e.offset):
        if entry.offset != at:
            raise InputError("OFD_ZIP_SLACK", offset=at)
        content, at = _unpack(data, entry, end)
        if not entry.is_folder:
            files[entry.name] = content
        elif content:
            raise InputError("OFD_ZIP_NAME", name=entry.name)
    if at != end:
        raise InputError("OFD_ZIP_SLACK", offset=at)
    return Package(MappingProxyType(files))


def _directory(data: bytes) -> tuple[list[_Entry], int]:
    """The entries, and where the directory begins. The end record must be the last bytes: no comment, no tail."""
    try:
        mark, disk, first_disk, here, count, size, start, comment = _END.unpack_from(data, len(data) - _END.size)
    except struct.error as error:
        raise InputError("OFD_ZIP_SYNTAX") from error
    if mark != b"PK\x05\x06" or comment:
        raise InputError("OFD_ZIP_SYNTAX")
    if disk or first_disk or here != count or 0xFFFF in (count, here) or 0xFFFFFFFF in (size, start):
        raise InputError("OFD_ZIP_FEATURE")
    if start + size + _END.size != len(data):
        raise InputError("OFD_ZIP_SLACK", offset=start + size)
    if not 0 < count <= MAX_ENTRIES:
        raise InputError("OFD_ZIP_LIMIT", limit=MAX_ENTRIES)
    entries, at = [], start
    for _ in range(count):
        entry, at = _central(data, at, start + size)
        entries.append(entry)
    if at != start + size:
        raise InputError("OFD_ZIP_SLACK", offset=at)
    return entries, start


def _central(data: bytes, at: int, end: int) -> tuple[_Entry, int]:
    if at + _CENTRAL.size > end:
        raise InputError("OFD_ZIP_SYNTAX")
    fields = _CENTRAL.unpack_from(data, at)
    mark, made_by, _, flags, method, _, _, crc, packed, size, name, extra, comment, disk, _, attributes, offset = fields
    body = at + _CENTRAL.size
    if mark != b"PK\x01\x02" or body + name + extra > end:
        raise InputError("OFD_ZIP_SYNTAX")
    if comment or disk:
        raise InputError("OFD_ZIP_FEATURE")
    if made_by >> 8 == 3 and attributes >> 16 & 0o170000 == _SYMLINK:  # 3: attributes of Unix
        raise InputError("OFD_ZIP_FEATURE")
    _require_plain(flags, method, data[body + name : body + name + extra])
    raw = data[body : body + name]
    return _Entry(raw, _name(raw), flags, method, crc, packed, size, offset), body + name + extra


def _require_plain(flags: int, method: int, extra: bytes) -> None:
    if flags & _ENCRYPTED:
        raise InputError("OFD_ZIP_ENCRYPTED")
    # a stored entry whose length comes after it ends for each reader elsewhere
    if flags & ~_FLAGS or method not in (_STORED, _DEFLATED) or (method == _STORED and flags & _STREAMED):
        raise InputError("OFD_ZIP_FEATURE")
    at = 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise InputError("OFD_ZIP_SYNTAX")
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4 + length
        if kind in _FOREIGN_EXTRAS:
            raise InputError("OFD_ZIP_FEATURE")
    if at != len(extra):
        raise InputError("OFD_ZIP_SYNTAX")


def _name(raw: bytes) -> str:
    """UTF-8 whether it says so or not: other encodings have a reading for each machine."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("OFD_ZIP_NAME", name=raw[:MAX_NAME].decode("latin-1")) from error
    parts = name.removesuffix("/").split("/")
    long = len(raw) > MAX_NAME or len(parts) > MAX_DEPTH
    if long or FORBIDDEN.search(name) or "\\" in name or ":" in name or not {"", ".", ".."}.isdisjoint(parts):
        raise InputError("OFD_ZIP_NAME", name=name[:MAX_NAME])
    return name


def _require_limits(entries: list[_Entry], length: int) -> None:
    total = sum(e.size for e in entries)
    if total > MAX_TOTAL or total > max(RATIO_FLOOR, MAX_RATIO * length):
        raise InputError("OFD_ZIP_LIMIT", limit=MAX_TOTAL)


def _require_distinct(entries: list[_Entry]) -> None:
    """Nor two names that are one on some disks, nor a file where others need a folder."""
    keys = [(_folded(e.name.removesuffix("/")), e) for e in entries]
    seen: set[str] = set()
    for key, entry in keys:
        if key in seen:
            raise InputError("OFD_ZIP_TWICE", name=entry.name)
        seen.add(key)
    folders = {parent for key, _ in keys for parent in _parents(key)}
    for key, entry in keys:
        if key in folders and not entry.is_folder:
            raise InputError("OFD_ZIP_TWICE", name=entry.name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _unpack(data: bytes, entry: _Entry, end: int) -> tuple[bytes, int]:
    """The content of ``entry``, and where it ends. ``end``: where the directory begins."""
    at = entry.offset
    if at + _LOCAL.size > end:
        raise InputError("OFD_ZIP_SYNTAX")
    mark, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack_from(data, at)
    at += _LOCAL.size
    if mark != b"PK\x03\x04":
        raise InputError("OFD_ZIP_SYNTAX")
    streamed = bool(flags & _STREAMED)
    expected = (entry.crc, entry.packed, entry.size)
    told = (crc, packed, size)
    if (flags, method, data[at : at + name]) != (entry.flags, entry.method, entry.raw_name):
        raise InputError("OFD_ZIP_HEADERS", name=entry.name)
    if told != expected and not (streamed and told == (0, 0, 0)):
        raise InputError("OFD_ZIP_HEADERS", name=entry.name)
    _require_plain(flags, method, data[at + name : at + name + extra])
    at += name + extra
    if at + entry.packed > end:
        raise InputError("OFD_ZIP_SYNTAX")
    content = _content(data[at : at + entry.packed], entry)
    at += entry.packed
    return content, _after_descriptor(data, at, end, entry) if streamed else at


def _content(packed: bytes, entry: _Entry) -> bytes:
    content = packed if entry.method == _STORED else _inflate(packed, entry)
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise InputError("OFD_ZIP_DATA", name=entry.name)
    return content


def _inflate(packed: bytes, entry: _Entry) -> bytes:
    """Never more than the header admits, which is within the limits: a bomb ends here."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(packed, entry.size + 1)
    except zlib.error as error:
        raise InputError("OFD_ZIP_DATA", name=entry.name) from error
    if not unpacker.eof or unpacker.unused_data or unpacker.unconsumed_tail:
        raise InputError("OFD_ZIP_DATA", name=entry.name)
    return content


def _after_descriptor(data: bytes, at: int, end: int, entry: _Entry) -> int:
    """Where the data descriptor ends; its mark may stand or not."""
    told = struct.pack("<3I", entry.crc, entry.packed, entry.size)
    for descriptor in (b"PK\x07\x08" + told, told):
        after = at + len(descriptor)
        if after <= end and data[at:after] == descriptor:
            return after
    raise InputError("OFD_ZIP_HEADERS", name=entry.name)
