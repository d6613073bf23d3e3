"""The little XML that seals and metadata are written in: a hard reader for small files of one namespace.

No document type, so no entities and nothing from outside; UTF-8; bounded in bytes, depth, elements and attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn
from xml.parsers import expat

from ledger.core.canonical import FORBIDDEN
from ledger.errors import InputError

NAMESPACE = "http://www.ofdspec.org/2016"
MAX_XML = 4 << 20  # bytes
MAX_DEPTH = 16
MAX_ELEMENTS = 100_000
MAX_ATTRIBUTES = 32
MAX_VALUE = 4096  # characters of one attribute or text


@dataclass(frozen=True, slots=True)
class Node:
    """An element. ``tag``: its name in the OFD namespace; in another or none, with that in braces, which nobody asks
    for. ``text``: without the white space around it."""

    tag: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[Node, ...]

    def all(self, tag: str) -> list[Node]:
        return [child for child in self.children if child.tag == tag]

    def maybe(self, tag: str) -> Node | None:
        """The child of that name, if there is one. Raises InputError ``OFD_XML_SHAPE`` for several: readers would
        choose."""
        found = self.all(tag)
        if len(found) > 1:
            raise InputError("OFD_XML_SHAPE", element=tag)
        return found[0] if found else None

    def one(self, tag: str) -> Node:
        """Raises InputError ``OFD_XML_SHAPE``."""
        found = self.maybe(tag)
        if found is None:
            raise InputError("OFD_XML_SHAPE", element=tag)
        return found

    def value(self) -> str:
        """The text of a leaf, as people may be shown it. Raises InputError ``OFD_XML_SHAPE``, ``OFD_XML_TEXT``."""
        if self.children:
            raise InputError("OFD_XML_SHAPE", element=self.tag)
        return shown(self.text)

    def attribute(self, name: str) -> str | None:
        """Raises InputError ``OFD_XML_TEXT``."""
        found = self.attributes.get(name)
        return None if found is None else shown(found.strip())

    def need(self, name: str) -> str:
        """Raises InputError ``OFD_XML_SHAPE``, ``OFD_XML_TEXT``."""
        found = self.attribute(name)
        if not found:
            raise InputError("OFD_XML_SHAPE", element=f"{self.tag}/@{name}")
        return found


def shown(text: str) -> str:
    """Raises InputError ``OFD_XML_TEXT`` for what is too long or could steer a screen."""
    if len(text) > MAX_VALUE or FORBIDDEN.search(text):
        raise InputError("OFD_XML_TEXT")
    return text


def parse(data: bytes, root: str) -> Node:
    """The element ``root`` that is all of ``data``.

    Raises:
        InputError: ``OFD_XML_LIMIT``; ``OFD_XML_SYNTAX``; ``OFD_XML_DOCTYPE``; ``OFD_XML_ENCODING`` not UTF-8;
            ``OFD_XML_SHAPE`` another root.
    """
    if len(data) > MAX_XML:
        raise InputError("OFD_XML_LIMIT")
    try:
        data.decode("utf-8")  # a mark at the front would let the reader change to UTF-16
    except UnicodeDecodeError as error:
        raise InputError("OFD_XML_ENCODING") from error
    builder = _Builder()
    reader = expat.ParserCreate("utf-8", " ")
    reader.buffer_text = True
    reader.XmlDeclHandler = builder.declared
    reader.StartDoctypeDeclHandler = _refuse_doctype
    reader.EntityDeclHandler = _refuse_doctype
    reader.ExternalEntityRefHandler = _refuse_doctype
    reader.StartElementHandler = builder.start
    reader.EndElementHandler = builder.end
    reader.CharacterDataHandler = builder.characters
    try:
        reader.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError("OFD_XML_SYNTAX", line=error.lineno) from error
    found = builder.result
    if found is None or found.tag != root:
        raise InputError("OFD_XML_SHAPE", element=root)
    return found


def _refuse_doctype(*_: object) -> NoReturn:
    raise InputError("OFD_XML_DOCTYPE")


@dataclass(slots=True)
class _Open:
    tag: str
    attributes: Mapping[str, str]
    text: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


class _Builder:
    def __init__(self) -> None:
        self.result: Node | None = None
        self._open: list[_Open] = []
        self._count = 0

    def declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() not in ("UTF-8", "UTF8"):
            raise InputError("OFD_XML_ENCODING")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) == MAX_DEPTH or len(attributes) > MAX_ATTRIBUTES:
            raise InputError("OFD_XML_LIMIT")
        namespace, _, local = name.rpartition(" ")
        tag = local if namespace == NAMESPACE else f"{{{namespace}}}{local}"
        self._open.append(_Open(tag, MappingProxyType(attributes)))

    def end(self, _name: str) -> None:
        done = self._open.pop()
        node = Node(done.tag, done.attributes, "".join(done.text).strip(), tuple(done.children))
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.result = node

    def characters(self, text: str) -> None:
        self._open[-1].text.append(text)
