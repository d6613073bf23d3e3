"""``Signature.xml``: which files a seal covers, by which digests, and where it shows (GB/T 33190-2016 section 18.2)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from ledger.crypto.digests import sm3
from ledger.crypto.ofd.documents import Listed, locate
from ledger.crypto.ofd.package import Package
from ledger.crypto.ofd.xml import Node, parse
from ledger.errors import InputError

MAX_STAMPS = 4096
DIGEST_BYTES = 32
DIGESTS: dict[str, Callable[[bytes], bytes]] = {"SM3": sm3, "SHA-256": lambda data: hashlib.sha256(data).digest()}
_METHODS = {
    "SM3": "SM3", "1.2.156.10197.1.401": "SM3",
    "SHA256": "SHA-256", "SHA-256": "SHA-256", "2.16.840.1.101.3.4.2.1": "SHA-256",
}  # fmt: skip
_WEAK = frozenset({"MD5", "SHA1", "SHA-1", "1.2.840.113549.2.5", "1.3.14.3.2.26"})
_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
_BOX = re.compile(rf"{_NUMBER}(?: +{_NUMBER}){{3}}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A covered file: path in the package, digest (32 bytes)."""

    path: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a seal shows. ``page``: the page's id; ``boundary``: left, top, width, height in mm, as written."""

    page: str
    boundary: str


@dataclass(frozen=True, slots=True)
class Description:
    """``raw``: the bytes of Signature.xml, which the seal signs. ``method``: of ``DIGESTS``. ``algorithm``,
    ``claimed``: signature algorithm and time as written, which nothing depends on. ``seal``: path of Seal.esl;
    ``value``: of SignedValue.dat. ``missing``: covered files that are not there."""

    raw: bytes
    provider: str
    method: str
    algorithm: str | None
    claimed: str | None
    references: tuple[Reference, ...]
    missing: tuple[str, ...]
    stamps: tuple[Stamp, ...]
    seal: str | None
    value: str
    covered: frozenset[str]
    """The paths of ``references``."""


def read_description(package: Package, listed: Listed) -> Description:
    """What the signature says that it covers.

    Raises:
        InputError: ``OFD_XML_…``; ``OFD_PATH…``; ``OFD_MISSING``; ``OFD_DIGEST_WEAK`` MD5, which is also what no
            method at all means, or SHA-1; ``OFD_DIGEST_UNKNOWN``; ``OFD_REFERENCES_NONE``; ``OFD_REFERENCE_TWICE``;
            ``OFD_CHECK_VALUE``; ``OFD_BOUNDARY``; ``OFD_MANY``.
    """
    raw = package.files[listed.path]
    root = parse(raw, "Signature")
    info = root.one("SignedInfo")
    references = info.one("References")
    stamps = info.all("StampAnnot")
    if len(stamps) > MAX_STAMPS:
        raise InputError("OFD_MANY", limit=MAX_STAMPS)
    seal, method = info.maybe("Seal"), _method(references)
    covered, missing = _references(package, listed.path, references)
    return Description(
        raw,
        info.one("Provider").attribute("ProviderName") or "",
        method,
        _text(info, "SignatureMethod"),
        _text(info, "SignatureDateTime"),
        covered,
        missing,
        tuple(_stamp(node) for node in stamps),
        locate(package, listed.path, seal.one("BaseLoc").value()) if seal is not None else None,
        locate(package, listed.path, root.one("SignedValue").value()),
        frozenset(r.path for r in covered),
    )


def _text(info: Node, tag: str) -> str | None:
    found = info.maybe(tag)
    return found.value() if found is not None else None


def _method(references: Node) -> str:
    named = references.attribute("CheckMethod") or "MD5"  # GB/T 33190-2016 table 68: the default
    if named.upper() in _WEAK:
        raise InputError("OFD_DIGEST_WEAK", method=named)
    if named.upper() not in _METHODS:
        raise InputError("OFD_DIGEST_UNKNOWN", method=named)
    return _METHODS[named.upper()]


def _references(package: Package, base: str, node: Node) -> tuple[tuple[Reference, ...], tuple[str, ...]]:
    found: dict[str, Reference] = {}
    missing: list[str] = []
    for child in node.all("Reference"):
        text, digest = child.need("FileRef"), _digest(child.one("CheckValue").value())
        try:
            path = locate(package, base, text)
        except InputError as error:
            if error.code != "OFD_MISSING":
                raise
            missing.append(text)
            continue
        if path in found:
            raise InputError("OFD_REFERENCE_TWICE", path=path)
        found[path] = Reference(path, digest)
    if not found and not missing:
        raise InputError("OFD_REFERENCES_NONE")
    return tuple(found.values()), tuple(missing)


def _digest(text: str) -> bytes:
    try:
        found = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("OFD_CHECK_VALUE") from error
    if len(found) != DIGEST_BYTES:
        raise InputError("OFD_CHECK_VALUE")
    return found


def _stamp(node: Node) -> Stamp:
    boundary = node.need("Boundary")
    if not _BOX.fullmatch(boundary):
        raise InputError("OFD_BOUNDARY", boundary=boundary)
    return Stamp(node.need("PageRef"), boundary)
