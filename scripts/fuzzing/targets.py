"""What reads bytes from strangers, a callable each: it may raise a ``ZhengyinError`` and nothing else.

What is read is also shown, since a report that cannot be written is as bad as a parser that falls. Targets that judge
several things together take them as SEQUENCEs of DER, one after another.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ledger.core.backup_manifest import BackupManifest
from ledger.core.bundles import Bundle, ValidationData
from ledger.core.canonical import decode
from ledger.core.login import Challenge
from ledger.core.manifests import Manifest
from ledger.core.records import Record
from ledger.core.trust import Trust, TrustFile
from ledger.core.trust_documents import read_trust_document
from ledger.core.typefiles import parse_type_file
from ledger.crypto import certificate_files, cms, der, ocsp, pem, revocation, timestamp_exchange
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.certificate_facts import extensions_of, facts_of
from ledger.crypto.certificates import read_certificate
from ledger.crypto.conformance.findings import Entry, Material
from ledger.crypto.conformance.material import check
from ledger.crypto.crls import covers, read_crl
from ledger.crypto.foreign_cms import verify_foreign
from ledger.crypto.ofd import xml
from ledger.crypto.ofd.verifying import verify_package
from ledger.crypto.path_inquiry import inquire
from ledger.crypto.paths import find_paths
from ledger.crypto.pdf.verifying import verify_pdf
from ledger.crypto.revocation_info import read_subject
from ledger.crypto.ses.holders import read_holder
from ledger.crypto.ses.judging import Judges
from ledger.crypto.ses.paths import root_judges
from ledger.crypto.ses.verifying import verify_seal, verify_signature
from ledger.crypto.subject_identity import identities_of
from ledger.crypto.timestamps import over, stamper_of, verify_kept, verify_token
from ledger.crypto.trust_signatures import verify_trust_file
from ledger.errors import InputError, ZhengyinError
from ledger.outside.key_files import read_private_key
from ledger.outside.pkcs11_uris import read_pkcs11_file
from ledger.outside.pkcs12 import is_pkcs12, read_pkcs12
from ledger.outside.software_keys import SoftwareKey
from ledger.services.trust_lote import read_lote
from ledger.verification import Facts, verify
from scripts.fuzzing import protocols
from scripts.fuzzing.promises import each, require_told, shown

NOW = protocols.NOW
CONTENT = b"what the seeds sign"
PASSPHRASE = b"geheim"
REQUEST = timestamp_exchange.make_request("sha256", over(CONTENT), b"12345678")
KEPT = Path(__file__).resolve().parents[2] / "tests" / "fuzz" / "corpus"
_TRUST = KEPT.parents[1] / "vectors" / "bundles" / "trust-01.json"
_BUNDLE_NOW = 1_800_000_100
_PARTS, _MEMBERS = 5, 256


@dataclass(frozen=True)
class Target:
    """``form``: which mutator fits its input; ``most``: bytes; ``modules``: loaded late, and worth instrumenting."""

    run: Callable[[bytes], None]
    form: str
    most: int = 16_384
    modules: tuple[str, ...] = ()


def replay(name: str, data: bytes) -> None:
    """One input through its target. Raises whatever is no ``ZhengyinError``, and for one that cannot be told."""
    try:
        TARGETS[name].run(data)
    except ZhengyinError as error:
        require_told(error)


def _sequences(data: bytes) -> list[tuple[bytes, ...]]:
    found = [tuple(child.outer for child in der.read_all(one.content, _MEMBERS)) for one in der.read_all(data, _PARTS)]
    return found + [()] * (_PARTS - len(found))


def _der(data: bytes) -> None:
    def walk(content: bytes, depth: int) -> None:
        for element in der.read_all(content, 64):
            each(element.outer, lambda _, e=element: der.read_oid(e), lambda _, e=element: der.read_time(e))  # type: ignore[misc]
            if element.tag & 0x20 and depth:
                with suppress(InputError):
                    walk(element.content, depth - 1)

    walk(data, 8)


def _certificate(data: bytes) -> None:
    readers = (facts_of, extensions_of, identities_of, read_holder, read_subject)
    each(data, *readers, lambda d: algorithm_of(read_certificate(d).spki))


def _cms(data: bytes) -> None:
    cms.verify_detached(data, CONTENT)


def _foreign_cms(data: bytes) -> None:
    each(data, verify_foreign, lambda d: verify_foreign(d, CONTENT))


def _token(data: bytes) -> None:
    each(data, lambda d: verify_token(d, over(CONTENT)), lambda d: verify_kept(d, CONTENT), stamper_of)


def _token_response(data: bytes) -> None:
    timestamp_exchange.accept_response(data, REQUEST, over(CONTENT))


def _ocsp(data: bytes) -> None:
    found = ocsp.read_response(data)
    if found is not None:
        ocsp.read_response(ocsp.with_certificates(found, ()))


def _crl(data: bytes) -> None:
    found = read_crl(data)
    covers(found, _seed_certificate())


@cache
def _seed_certificate() -> Any:
    return read_subject((KEPT / "certificate" / "office").read_bytes()).x509


def _path(data: bytes) -> None:
    leaves, others, roots, crls, ocsps = _sequences(data)
    leaf = leaves[0] if leaves else b""
    each(leaf, lambda d: find_paths(d, others, roots, NOW), lambda d: inquire(d, others, roots, (crls, ocsps), NOW))


def _revocation(data: bytes) -> None:
    certificates, _, _, crls, ocsps = _sequences(data)
    subject, issuer = certificates[:2] if len(certificates) > 1 else (b"", b"")
    revocation.infos_about(subject, issuer, ValidationData((), tuple(sorted(set(crls))), tuple(sorted(set(ocsps)))))


def _ca_check(data: bytes) -> None:
    entries = [tuple(Entry(str(n), one, CONTENT) for n, one in enumerate(part)) for part in _sequences(data)]
    for fit in check(Material(*entries), NOW):
        if fit.cause is not None:
            require_told(fit.cause)


@cache
def _judges() -> Judges:
    return root_judges([(KEPT / "certificate" / "root").read_bytes()], ValidationData((), (), ()))


def _ofd(data: bytes) -> None:
    shown(verify_package(data, NOW, _judges()))


def _pdf(data: bytes) -> None:
    shown(verify_pdf(data, NOW, _judges()))


def _seal(data: bytes) -> None:
    shown(verify_seal(data, NOW, _judges()))


def _seal_signature(data: bytes) -> None:
    shown(verify_signature(data, NOW, None, _judges()))


def _xml(data: bytes) -> None:
    def walk(node: xml.Node) -> None:
        for child in node.children:
            walk(child)
        each(b"", lambda _: node.value(), lambda _: [node.need(name) for name in node.attributes])

    for root in ("OFD", "Document", "Signatures", "Signature"):
        with suppress(InputError):
            walk(xml.parse(data, root))


def _pkcs12(data: bytes) -> None:
    is_pkcs12(data)
    each(data, lambda d: read_pkcs12(d, None))
    key = read_pkcs12(data, PASSPHRASE).key
    SoftwareKey(key).sign(CONTENT)


def _key(data: bytes) -> None:
    each(data, lambda d: read_private_key(d, None), read_pkcs11_file)
    SoftwareKey(read_private_key(data, PASSPHRASE)).sign(CONTENT)


def _pem(data: bytes) -> None:
    readers = (certificate_files.read_certificates, certificate_files.read_lists, certificate_files.read_responses)
    each(data, pem.read, *readers, lambda d: certificate_files.leaf_first(certificate_files.read_certificates(d)))


def _trust_file(data: bytes) -> None:
    verify_trust_file(TrustFile.from_bytes(data), None, None)


def _lote(data: bytes) -> None:
    read_lote(data)


def _canonical(data: bytes) -> None:
    """Everything small that is written in canonical JSON."""
    each(data, decode, Record.from_bytes, Manifest.from_bytes, read_trust_document, Challenge.from_bytes)
    each(data, BackupManifest.from_bytes)


@cache
def _trust() -> Trust:
    return TrustFile.from_bytes(_TRUST.read_bytes()).content


def _bundle(data: bytes) -> None:
    """By the whole procedure: proofs, statements and tokens in it are read, too."""
    each(data, Bundle.from_bytes)
    report = verify(Facts(bundle=data, documents=(), trust=_trust(), now=_BUNDLE_NOW))
    json.dumps(report.to_json(), ensure_ascii=False).encode()


def _type_file(data: bytes) -> None:
    with suppress(UnicodeDecodeError):  # whoever reads the file decodes it
        parse_type_file(data.decode())


_PATHS = ("asn1crypto.x509", "pyhanko_certvalidator.validate")
_PDF = ("pyhanko.pdf_utils.reader", "pyhanko.sign.diff_analysis", "pyhanko.sign.validation.pdf_embedded")

TARGETS: dict[str, Target] = {
    "der": Target(_der, "der"),
    "certificate": Target(_certificate, "der", 8192),
    "cms": Target(_cms, "der"),
    "foreign-cms": Target(_foreign_cms, "der"),
    "token": Target(_token, "der"),
    "token-response": Target(_token_response, "der"),
    "ocsp": Target(_ocsp, "der"),
    "crl": Target(_crl, "der"),
    "path": Target(_path, "der", 32_768, _PATHS),
    "revocation": Target(_revocation, "der", 32_768),
    "ca-check": Target(_ca_check, "der", 32_768, _PATHS),
    "seal": Target(_seal, "der", 16_384, _PATHS),
    "seal-signature": Target(_seal_signature, "der", 16_384, _PATHS),
    "ofd": Target(_ofd, "zip", 65_536),
    "xml": Target(_xml, "raw", 8192),
    "pdf": Target(_pdf, "raw", 65_536, _PDF),
    "pkcs12": Target(_pkcs12, "der", 8192, ("asn1crypto.pkcs12",)),
    "key": Target(_key, "der", 8192),
    "pem": Target(_pem, "raw"),
    "login-response": Target(protocols.login_response, "der", 16_384, _PATHS),
    "login-answer": Target(protocols.login_answer, "json", 8192),
    "signer": Target(protocols.signer, "raw", 8192),
    "key-envelope": Target(protocols.key_envelope, "raw", 1024),
    "trust-file": Target(_trust_file, "json", 16_384),
    "lote": Target(_lote, "json", 16_384),
    "canonical": Target(_canonical, "json", 16_384),
    "bundle": Target(_bundle, "json", 65_536),
    "type-file": Target(_type_file, "raw", 8192),
}
