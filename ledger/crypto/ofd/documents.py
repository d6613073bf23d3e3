"""``OFD.xml``: the documents of a package and where their seals are listed (GB/T 33190-2016 sections 7 and 18.1).

Paths (ST_Loc) are absolute in the package or relative to the file that holds them; makers also leave out the slash of
absolute ones. One that could be either is refused.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from ledger.crypto.ofd.package import Package
from ledger.crypto.ofd.xml import Node, parse
from ledger.errors import InputError

ENTRY = "OFD.xml"
MAX_DOCUMENTS = 64
MAX_SIGNATURES = 64
MAX_LIST = 64 << 10  # bytes of one list of signatures
MAX_DESCRIPTIONS = 8 << 20  # bytes of all of them
TYPES = ("Seal", "Sign")


@dataclass(frozen=True, slots=True)
class Listed:
    """A signature as its list names it. ``kind``: "Seal" with a picture (SES), "Sign" without (GB/T 35275). ``path``:
    of its description. ``base``: of OFD 2.0, the id of the signature it rests on."""

    id: str
    kind: str
    path: str
    base: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """``list_path``: of ``Signatures.xml``; ``signatures`` in the order of that list. ``versions``: there are several,
    and which one is shown is the reader's choice. ``info``: DocInfo."""

    root: str
    list_path: str | None
    signatures: tuple[Listed, ...]
    versions: bool
    info: Node


def read_documents(package: Package) -> tuple[Document, ...]:
    """Every DocBody of the package.

    Raises:
        InputError: ``OFD_XML_…``; ``OFD_ENTRY`` no OFD.xml; ``OFD_PATH…``; ``OFD_MISSING``; ``OFD_TYPE``;
            ``OFD_ID_TWICE``; ``OFD_MANY``; ``OFD_LIST_EMPTY`` a list of seals without any.
    """
    if ENTRY not in package.files:
        raise InputError("OFD_ENTRY")
    bodies = parse(package.files[ENTRY], "OFD").all("DocBody")
    if not 0 < len(bodies) <= MAX_DOCUMENTS:
        raise InputError("OFD_MANY", limit=MAX_DOCUMENTS)
    found = tuple(_document(package, body) for body in bodies)
    signatures = [listed for document in found for listed in document.signatures]
    if len({listed.path for listed in signatures}) != len(signatures):
        raise InputError("OFD_ID_TWICE")
    if len(signatures) > MAX_SIGNATURES or sum(len(package.files[s.path]) for s in signatures) > MAX_DESCRIPTIONS:
        raise InputError("OFD_MANY", limit=MAX_SIGNATURES)
    return found


def locate(package: Package, base: str, text: str) -> str:
    """The file that ``text`` names in the file ``base``.

    Raises:
        InputError: ``OFD_PATH`` leaves the package; ``OFD_PATH_TWO`` names two files; ``OFD_MISSING`` none.
    """
    if "\\" in text or not text:
        raise InputError("OFD_PATH", path=text)
    ways = ["/"] if text.startswith("/") else [posixpath.dirname(f"/{base}"), "/"]
    named = {_within(way, text) for way in ways}
    found = sorted(named & package.files.keys())
    if len(found) > 1:
        raise InputError("OFD_PATH_TWO", path=text)
    if not found:
        raise InputError("OFD_MISSING", path=text)
    return found[0]


def _within(folder: str, text: str) -> str:
    depth = folder.count("/") if folder != "/" else 0
    for part in text.strip("/").split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            raise InputError("OFD_PATH", path=text)
    return posixpath.normpath(posixpath.join(folder, text)).lstrip("/")


def _document(package: Package, body: Node) -> Document:
    root = locate(package, ENTRY, body.one("DocRoot").value())
    named = body.maybe("Signatures")
    path = locate(package, ENTRY, named.value()) if named is not None else None
    return Document(
        root,
        path,
        _list(package, path) if path is not None else (),
        body.maybe("Versions") is not None,
        body.one("DocInfo"),
    )


def _list(package: Package, path: str) -> tuple[Listed, ...]:
    if len(package.files[path]) > MAX_LIST:
        raise InputError("OFD_MANY", limit=MAX_SIGNATURES)
    found = [_listed(package, path, node) for node in parse(package.files[path], "Signatures").all("Signature")]
    if not found:
        raise InputError("OFD_LIST_EMPTY")
    if len({listed.id for listed in found}) != len(found):
        raise InputError("OFD_ID_TWICE")
    return tuple(found)


def _listed(package: Package, path: str, node: Node) -> Listed:
    kind = node.attribute("Type") or "Seal"
    if kind not in TYPES:
        raise InputError("OFD_TYPE", type=kind)
    return Listed(node.need("ID"), kind, locate(package, path, node.need("BaseLoc")), node.attribute("Relative"))
