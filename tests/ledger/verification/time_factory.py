"""A time-stamp authority with its own hierarchy, and bundles whose signatures it stamped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import bundle_factory as f
from authority_factory import Certificate, T, moment
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from timestamp_kit import Tsa

from ledger.core.bundles import Bundle, ValidationData
from ledger.core.trust import Trust
from ledger.core.trust_lists import Authority, DatedState
from ledger.crypto.cms import assemble, signed_attributes, verify_detached, with_timestamp

ROOT, ISSUING, STAMPER, RIVAL = "TSA root", "TSA issuing", "TSA", "TSA of nobody"
PARENTS = {ROOT: ROOT, ISSUING: ROOT, STAMPER: ISSUING, RIVAL: RIVAL}
STAMPED = T - 10
"""When the honest token was made: between the block ``after`` and the anchor."""


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def certificate(name: str, since: int = T - 100 * 86_400, until: int = T + 1000 * 86_400) -> Certificate:
    authority, parent = name in (ROOT, ISSUING), PARENTS[name]
    usages = ("key_cert_sign", "crl_sign") if authority else ("digital_signature",)
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    every += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(parent))
        .public_key(key(name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment(since))
        .not_valid_after(moment(until))
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(x509.KeyUsage(**{u: u in usages for u in every}), True)
    )
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
    made = builder.sign(key(parent), hashes.SHA256())
    return Certificate(key(name), made.public_bytes(Encoding.DER))


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])


@cache
def crl(issuer: str, taken: int = T - 3600, revoked: int | None = None, reason: str = "superseded") -> bytes:
    """``revoked``: since when the authority's certificate is."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(_name(issuer))
    builder = builder.last_update(moment(taken)).next_update(moment(taken) + timedelta(days=7))
    if revoked is not None:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate(STAMPER).x509.serial_number)
        entry = entry.revocation_date(moment(revoked))
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags[reason]), False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key(issuer), hashes.SHA256()).public_bytes(Encoding.DER)


def validation(*lists: bytes, certificates: Sequence[bytes] | None = None) -> ValidationData:
    """That of the signer, and what the token needs beside it; ``lists``: in place of the authority's two."""
    own, crls = f.validation(), lists or (crl(ROOT), crl(ISSUING))
    above = (certificate(ISSUING).der,) if certificates is None else tuple(certificates)
    return ValidationData(tuple(sorted((*own.certificates, *above))), tuple(sorted((*own.crls, *crls))), ())


def tsa(name: str = STAMPER, **how: Any) -> Tsa:
    made = certificate(name)
    return Tsa(made.key, made.der, how)


def promised(signatures: int = 1, **changes: Any) -> Bundle:
    """A bundle that promises tokens and has none."""
    expects = {"expects": f.Expects(signatures, True)}
    return f.issue(manifest=expects, signatures=signatures, **{"validation": validation(), **changes})


def stamped(bundle: Bundle | None = None, time: int = STAMPED, by: Tsa | None = None, **info: Any) -> Bundle:
    """``bundle`` with a token over each of its signatures."""
    base, authority = bundle or promised(), by or tsa()
    content = base.manifest.to_bytes()
    signatures = []
    for cms in base.signatures:
        token = authority.stamp(verify_detached(cms, content).signature, time, **info)
        signatures.append(with_timestamp(cms, content, token))
    return replace(base, signatures=tuple(signatures))


def with_token(bundle: Bundle, token: bytes) -> Bundle:
    """``bundle`` with these bytes where its token is."""
    content, (cms,) = bundle.manifest.to_bytes(), bundle.signatures
    found = verify_detached(cms, content)
    attributes = signed_attributes(content, found.certificate, found.signing_time)
    return replace(bundle, signatures=(assemble(found.certificate, attributes, found.signature, token),))


def authority(name: str = ROOT, **changes: Any) -> Authority:
    made = Authority(name, certificate(name).der, (DatedState("granted", T - 10**6),), None, "tsa")
    return replace(made, **changes)


def trust(*authorities: Authority, **changes: Any) -> Trust:
    """That of the honest bundle and ``authorities``, by default the honest one."""
    listed = (f.make_authority(), *(authorities or (authority(),)))
    return f.make_trust(**{"authorities": listed, **changes})


def facts(bundle: Bundle | None = None, **changes: Any) -> Any:
    """A license with a token, stapled."""
    changes.setdefault("trust", trust())
    return f.facts(f.stapled(bundle or stamped()), **changes)
