"""OFD packages of every shape, sealed with the seals of ``ses_kit``: what an issuing system would write, and what an
attacker makes of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

import ses_kit as ses

from ledger.core.identifiers import make_license_identifier
from ledger.crypto import der
from ledger.crypto import signed_data as sd
from ledger.crypto.certificates import read_certificate
from ledger.crypto.digests import sm3
from ledger.crypto.ofd.making import element, packed
from ledger.crypto.ofd.making import xml_file as xml
from ledger.crypto.ofd.reports import PackageReport
from ledger.crypto.ofd.verifying import verify_package
from ledger.crypto.ses.judging import Judges
from ledger.crypto.ses.making import make_signature

NAMESPACE = "http://www.ofdspec.org/2016"
IDENTIFIER = make_license_identifier("11100000MB03271699001", "114401000700000148", "20230000403")
SIGNED = ses.NOW - ses.DAY
LIST = "Doc_0/Signs/Signatures.xml"
PAGE = "Doc_0/Pages/Page_0/Content.xml"
METADATA = (
    ("ZZBS", IDENTIFIER), ("ZZMC", "不动产权证书"), ("ZZLXDM", "11100000MB03271699001"),
    ("ZZBFJG", "示范登记中心"), ("ZZBFJGDM", "114401000700000148"), ("ZZBFRQ", "20230105"),
    ("CZZT", "张三"), ("CZZTDM", "11010519491231002X"), ("CZZTDMLXDM", "111"),
    ("CZZT", "李四"), ("CZZTDM", "440524188001010014"), ("CZZTDMLXDM", "111"),
    ("ZZYXQQSRQ", "2023年1月5日"), ("ZZYXQJZRQ", "长期"), ("KZ_BDCDYH", "440103001001GB00001"),
)  # fmt: skip
Files = dict[str, bytes]


def entry(metadata: Iterable[tuple[str, str]] = METADATA, sealed: bool = True, wrong: bool = False) -> bytes:
    """``OFD.xml``. ``wrong``: with the element misspelt."""
    tag = "CuslomData" if wrong else "CustomData"
    fields = "".join(element(tag, value, Name=name) for name, value in metadata)
    info = element("DocInfo", element("DocID", "1" * 32) + element(f"{tag}s", fields))
    listed = element("Signatures", f"/{LIST}") if sealed else ""
    return xml("OFD", element("DocBody", info + element("DocRoot", "Doc_0/Document.xml") + listed), ' Version="1.1"')


def plain(
    metadata: Iterable[tuple[str, str]] = METADATA, sealed: bool = True, wrong: bool = False, high: int = 0
) -> Files:
    """The files of a license of one page before it is sealed; ``sealed``: with the place for the list; ``high``: how
    high the document says that its pages are, mm."""
    area = element("PageArea", element("PhysicalBox", f"0 0 210 {high}"))
    common = element("CommonData", area) if high else ""
    return {
        "OFD.xml": entry(metadata, sealed, wrong),
        "Doc_0/Document.xml": xml(
            "Document", common + element("Pages", element("Page", ID="1", BaseLoc="Pages/Page_0/Content.xml"))
        ),
        "Doc_0/PublicRes.xml": xml("Res", ""),
        PAGE: xml("Page", element("Content", "准予登记")),
    }


@dataclass(frozen=True)
class Seal:
    """How one seal is put on. ``leaves``: files that it does not cover. ``closes``: it covers the list itself."""

    id: str = "s001"
    kind: str | None = "Seal"
    method: str | None = "1.2.156.10197.1.401"
    at: int = SIGNED
    closes: bool = False
    leaves: tuple[str, ...] = ()
    base: str | None = None
    stamps: str = element("StampAnnot", ID="9", PageRef="1", Boundary="120.5 200 40 40")
    extra: Mapping[str, str] = field(default_factory=dict)
    """Digests (Base64) of files to be named that are not there, or not so."""
    image: bytes | None = None
    """Another seal than the honest one, and ``sign(digest, path, at)`` what signs under it."""
    sign: Callable[[bytes, str, int], bytes] | None = None

    @property
    def folder(self) -> str:
        return f"Doc_0/Signs/Sign_{self.id}"

    @property
    def path(self) -> str:
        return f"{self.folder}/Signature.xml"


def digest(method: str | None, data: bytes) -> str:
    sums = {"SHA-256": lambda d: hashlib.sha256(d).digest(), "SHA1": lambda d: hashlib.sha1(d).digest()}  # noqa: S324
    return base64.b64encode(sums.get(method or "", sm3)(data)).decode()


def with_listed(files: Files, seal: Seal) -> Files:
    before = files.get(LIST, b"").decode()
    old = before[before.index("</ofd:MaxSignId>") + 16 : before.rindex("</ofd:Signatures>")] if before else ""
    named = {"ID": seal.id, "BaseLoc": f"/{seal.path}"}
    named |= {"Type": seal.kind} if seal.kind else {}
    named |= {"Relative": seal.base} if seal.base else {}
    return files | {LIST: xml("Signatures", element("MaxSignId", seal.id) + old + element("Signature", **named))}


def sealed(files: Files | None = None, *seals: Seal) -> Files:
    """``files`` with one seal after the other put on, each over all that is there."""
    files = dict(files or plain())
    for seal in seals or (Seal(),):
        files = _sealed(files, seal)
    return files


def _sealed(files: Files, seal: Seal) -> Files:
    files = with_listed(files, seal) | {f"{seal.folder}/Seal.esl": seal.image or image()}
    kept = [p for p in files if (p != LIST or seal.closes) and p not in seal.leaves]
    references = {f"/{p}": digest(seal.method, files[p]) for p in kept} | dict(seal.extra)
    covered = "".join(
        element("Reference", element("CheckValue", value), FileRef=path) for path, value in references.items()
    )
    method = {"CheckMethod": seal.method} if seal.method else {}
    info = (
        '<ofd:Provider ProviderName="kit" Company="示范" Version="1"/>'
        + element("SignatureMethod", "1.2.156.10197.1.501")
        + element("SignatureDateTime", "20260920000000Z")
        + element("References", covered, **method)
        + seal.stamps
        + element("Seal", element("BaseLoc", f"/{seal.folder}/Seal.esl"))
    )
    value = f"{seal.folder}/SignedValue.dat"
    description = xml("Signature", element("SignedInfo", info) + element("SignedValue", f"/{value}"))
    if seal.kind == "Sign":
        return files | {seal.path: description, value: plainly_signed(sm3(description), seal.at)}
    if seal.sign is not None:
        return files | {seal.path: description, value: seal.sign(sm3(description), f"/{seal.path}", seal.at)}
    return files | {seal.path: description, value: signed(description, f"/{seal.path}", seal.at)}


def plainly_signed(content: bytes | None, at: int | None = SIGNED, over: bytes = b"", token: bytes = b"") -> bytes:
    """SignedData of GB/T 35275 over ``content`` (None: it is not enclosed, and ``over`` is signed). ``at``: the time
    among the signed attributes; None: without any. ``token``: unsigned attribute, DER."""
    signer, octets = ses.party("signer"), over if content is None else content
    parts = read_certificate(signer.certificate)
    hashed, algorithm = (der.write(der.SEQUENCE, der.write_oid(f"1.2.156.10197.1.{n}")) for n in (401, 501))
    attributes = b""
    if at is not None:
        attributes = der.write_set(
            attribute("1.2.840.113549.1.9.3", sd.GM_DATA),
            attribute("1.2.840.113549.1.9.4", der.write(der.OCTET_STRING, sm3(octets))),
            attribute("1.2.840.113549.1.9.5", der.write_time(at)),
        )
    info = der.write(
        der.SEQUENCE,
        der.write(der.INTEGER, b"\1"),
        der.write(der.SEQUENCE, parts.issuer, parts.serial),
        hashed,
        der.write(0xA0, der.read(attributes, der.SET).content) if attributes else b"",
        algorithm,
        der.write(der.OCTET_STRING, signer.sign(attributes or octets)),
        der.write(0xA1, token) if token else b"",
    )
    enclosed = b"" if content is None else der.write(0xA0, der.write(der.OCTET_STRING, content))
    whole = der.write(
        der.SEQUENCE,
        der.write(der.INTEGER, b"\1"),
        der.write(der.SET, hashed),
        der.write(der.SEQUENCE, sd.GM_DATA, enclosed),
        der.write(0xA0, signer.certificate),
        der.write(der.SET, info),
    )
    return der.write(der.SEQUENCE, sd.GM_SIGNED_DATA, der.write(0xA0, whole))


def attribute(oid: str, value: bytes) -> bytes:
    return der.write(der.SEQUENCE, der.write_oid(oid), der.write(der.SET, value))


@cache
def image() -> bytes:
    return ses.seal()


def signed(description: bytes, path: str, at: int = SIGNED) -> bytes:
    signer = ses.party("signer")
    return make_signature(image(), sm3(description), path, at, signer.certificate, signer.sign)


def resigned(files: Files, path: str, description: bytes) -> Files:
    """Another description at ``path``, with a signature that fits it."""
    value = path.replace("Signature.xml", "SignedValue.dat")
    return files | {path: description, value: signed(description, f"/{path}")}


@cache
def honest() -> Files:
    """The files of an honest license under one seal, the same ones each time."""
    return sealed()


@cache
def license() -> bytes:
    return packed(honest())


def judged(data: bytes | Files, judges: Judges = ses.PASSING) -> PackageReport:
    return verify_package(data if isinstance(data, bytes) else packed(data), ses.NOW, judges)
