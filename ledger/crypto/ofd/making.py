"""Putting an e-seal on an OFD document (GB/T 33190-2016 section 18, GM/T 0099-2020): the description with the digests
of every file, the seal, its signature, and the list that names them.

All other files stay as they are, byte for byte, but ``OFD.xml`` of a document that has no seal yet: it gets the place
of the list. What is made is verified like anybody else's before it is handed out.
"""

from __future__ import annotations

import base64
import io
import posixpath
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from ledger.core.verdicts import Outcome
from ledger.crypto.digests import sm3
from ledger.crypto.ofd.documents import ENTRY, Document, locate, read_documents
from ledger.crypto.ofd.package import Package, read_package
from ledger.crypto.ofd.verifying import verify_package
from ledger.crypto.ofd.xml import NAMESPACE, Node, parse
from ledger.crypto.ses.making import Sign, make_signature
from ledger.crypto.ses.parsing import parse_seal
from ledger.crypto.ses.pictures import counted
from ledger.crypto.ses.values import SM2_WITH_SM3, Picture
from ledger.errors import InputError

SM3 = "1.2.156.10197.1.401"
WRITTEN = (2026, 1, 1, 0, 0, 0)  # of every entry: the container says nothing about when
_END_OF_LIST = re.compile(rb"</((?:[A-Za-z_][\w.-]*:)?)Signatures\s*>\s*\Z")
_END_OF_BODY = re.compile(rb"</((?:[A-Za-z_][\w.-]*:)?)DocBody\s*>")
_NEWEST = re.compile(rb"(<(?:[A-Za-z_][\w.-]*:)?MaxSignId\s*>)[^<]*(</)")
_DIGITS = re.compile(r"[0-9]{1,9}\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """``page`` from 0, negative from the end; ``left``, ``bottom``: millimetres from the page's lower left corner."""

    page: int
    left: float
    bottom: float


def stamp_ofd(
    data: bytes,
    seal: bytes,
    certificate: bytes,
    sign: Sign,
    now: int,
    place: Place,
    provider: str,
    stamp: Sign | None = None,
) -> bytes:
    """The package ``data`` with ``seal`` (``.esl``) put on by the holder of ``certificate`` (DER), whose ``sign`` it
    is, over every file but the list of seals. ``now``: seconds UTC; ``provider``: of the software, as the description
    names it; ``stamp`` gets a time-stamp token over the signature's bytes.

    Raises:
        InputError: ``OFD_…``, ``SES_…``: the package or the seal cannot be read, there is no such page, the seal does
            not allow this signer, a seal on the package closed its list, or one on it does not hold.
    """
    package = read_package(data)
    documents = read_documents(package)
    if len(documents) != 1:
        raise InputError("OFD_ONE_DOCUMENT", count=len(documents))
    (document,) = documents
    page, boundary = _box(package, document, place, parse_seal(seal).info.picture)
    number, path = _free(package, document)
    folder = posixpath.dirname(path)
    files = dict(package.files) | {f"{folder}/Seal.esl": seal}
    if document.list_path is None:
        files[ENTRY] = _with_place(files[ENTRY], list_path(document))
    covered = {name: content for name, content in files.items() if name != document.list_path}
    description = _description(folder, covered, page, boundary, provider, now)
    signed = make_signature(seal, sm3(description), f"/{path}", now, certificate, sign, stamp)
    listing = _with_listed(files.get(list_path(document)), number, path)
    files |= {path: description, f"{folder}/SignedValue.dat": signed, list_path(document): listing}
    made = packed(files)
    _require(made, now, len(document.signatures) + 1)
    return made


def list_path(document: Document) -> str:
    """Where the document's seals are listed, or will be."""
    return document.list_path or posixpath.join(posixpath.dirname(document.root), "Signs/Signatures.xml")


def xml_file(tag: str, content: str, attributes: str = "") -> bytes:
    """A file whose root is ``tag``; ``attributes`` as they are written, with a blank before each."""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ofd:{tag} xmlns:ofd="{NAMESPACE}"{attributes}>{content}</ofd:{tag}>'
    )
    return text.encode()


def element(tag: str, content: str = "", **attributes: str) -> str:
    """``content`` as it is written; ``attributes`` plain."""
    named = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<ofd:{tag}{named}>{content}</ofd:{tag}>"


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The container, the same for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, WRITTEN), data, method)
    return out.getvalue()


def _description(folder: str, covered: Mapping[str, bytes], page: str, boundary: str, provider: str, now: int) -> bytes:
    references = "".join(
        element("Reference", element("CheckValue", base64.b64encode(sm3(data)).decode()), FileRef=f"/{path}")
        for path, data in covered.items()
    )
    info = (
        element("Provider", ProviderName=provider)
        + element("SignatureMethod", SM2_WITH_SM3)
        + element("SignatureDateTime", f"{datetime.fromtimestamp(now, UTC):%Y%m%d%H%M%SZ}")
        + element("References", references, CheckMethod=SM3)
        + element("StampAnnot", ID="1", PageRef=page, Boundary=boundary)
        + element("Seal", element("BaseLoc", escape(f"/{folder}/Seal.esl")))
    )
    value = element("SignedValue", escape(f"/{folder}/SignedValue.dat"))
    return xml_file("Signature", element("SignedInfo", info) + value)


def _free(package: Package, document: Document) -> tuple[str, str]:
    """The next id, and the path of its description: in a folder of its own, where nothing is."""
    used = [int(found[0]) for listed in document.signatures if (found := _DIGITS.search(listed.id))]
    number = max(used, default=0) + 1
    parent = posixpath.dirname(list_path(document))
    while any(name.casefold().startswith(f"{parent}/sign_{number}/".casefold()) for name in package.files):
        number += 1
    return f"s{number:03d}", f"{parent}/Sign_{number}/Signature.xml"


def _with_place(entry: bytes, path: str) -> bytes:
    """``OFD.xml`` with the path of the list as the last element of its only document."""
    ends = list(_END_OF_BODY.finditer(entry))
    if len(ends) != 1:
        raise InputError("OFD_XML_SHAPE", element="DocBody")
    prefix = ends[0][1].decode()
    named = f"<{prefix}Signatures>{escape('/' + path)}</{prefix}Signatures>".encode()
    return entry[: ends[0].start()] + named + entry[ends[0].start() :]


def _with_listed(listing: bytes | None, number: str, path: str) -> bytes:
    """The list with one signature more, as the last."""
    if listing is None:
        return xml_file(
            "Signatures",
            element("MaxSignId", number) + element("Signature", ID=number, Type="Seal", BaseLoc=f"/{path}"),
        )
    end = _END_OF_LIST.search(listing)
    if end is None:
        raise InputError("OFD_XML_SHAPE", element="Signatures")
    prefix = end[1].decode()
    named = f'<{prefix}Signature ID="{number}" Type="Seal" BaseLoc={quoteattr("/" + path)}/>'.encode()
    grown = listing[: end.start()] + named + listing[end.start() :]
    return _NEWEST.sub(lambda found: found[1] + number.encode() + found[2], grown, count=1)


def _box(package: Package, document: Document, place: Place, picture: Picture) -> tuple[str, str]:
    """Id of the page, and the picture's boundary on it: left, top, width, height from the upper left corner, mm."""
    root = parse(package.files[document.root], "Document")
    pages = root.one("Pages").all("Page")
    if not -len(pages) <= place.page < len(pages):
        raise InputError("OFD_PAGE", page=counted(place.page), pages=len(pages))
    page = pages[place.page]
    content = parse(package.files[locate(package, document.root, page.need("BaseLoc"))], "Page")
    height = _height(content.maybe("Area"))
    if height is None:
        common = root.maybe("CommonData")
        height = _height(common.maybe("PageArea") if common is not None else None)
    if height is None:
        raise InputError("OFD_PAGE_SIZE", page=counted(place.page))
    top = height - place.bottom - picture.height
    return page.need("ID"), f"{place.left:.2f} {top:.2f} {picture.width} {picture.height}"


def _height(area: Node | None) -> float | None:
    box = area.maybe("PhysicalBox") if area is not None else None
    if box is None:
        return None
    try:
        _, _, _, height = map(float, box.value().split())
    except ValueError as error:
        raise InputError("OFD_BOUNDARY", boundary=box.value()) from error
    return height


def _require(made: bytes, now: int, count: int) -> None:
    report = verify_package(made, now)
    for one in (report.whole, *report.seals):
        cause = one.cause
        if cause is not None and cause[1].outcome is Outcome.FAILED:
            raise InputError(cause[1].code, **cause[1].values)
    if len(report.seals) != count:
        raise InputError("OFD_XML_SHAPE", element="Signatures")
