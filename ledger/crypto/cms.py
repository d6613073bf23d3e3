"""Detached signatures of one signer: CMS SignedData (RFC 5652) in the profiles CAdES-B-B and, with a time-stamp over
the signature, CAdES-B-T (ETSI EN 319 122-1 clause 6).

There is one template. Verification takes the parts out, builds the signature again and demands the same
bytes: a CMS otherwise has hundreds of bits that nobody reads and anyone may change.

    ContentInfo(id-signedData, SignedData
        version 1, {digest}, EncapsulatedContentInfo(id-data, no content), {signing certificate},
        {SignerInfo 1, issuer and serial number, digest,
         signed attributes {content type, message digest, signing certificate v2, signing time},
         algorithm of the key, signature,
         B-T: unsigned attributes {signature time-stamp token, in the form of ``timestamps``}})

The digest is the one that goes with the algorithm of the key, whatever names a certificate by SHA-256.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ledger.crypto import der
from ledger.crypto.algorithms import Algorithm, algorithm_of, verify_raw
from ledger.crypto.certificates import MAX_BYTES as MAX_CERTIFICATE
from ledger.crypto.certificates import CertificateParts, fingerprint, read_certificate
from ledger.crypto.signed_data import TIMESTAMP_TOKEN
from ledger.crypto.timestamps import MAX_KEPT, over, verify_token
from ledger.errors import InputError

_DATA = der.write_oid("1.2.840.113549.1.7.1")
_SIGNED_DATA = der.write_oid("1.2.840.113549.1.7.2")
_CONTENT_TYPE = der.write_oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = der.write_oid("1.2.840.113549.1.9.4")
_SIGNING_TIME = der.write_oid("1.2.840.113549.1.9.5")
_SIGNING_CERTIFICATE = der.write_oid("1.2.840.113549.1.9.16.2.47")
_ATTRIBUTES = {_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_TIME, _SIGNING_CERTIFICATE}
_IMPLICIT_0, _IMPLICIT_1, _DIRECTORY_NAME = 0xA0, 0xA1, 0xA4
MAX_BYTES = 2 * MAX_CERTIFICATE + MAX_KEPT  # the certificate, a few hundred bytes beside it, and the token
_ONE, _FIVE = der.write(der.INTEGER, b"\x01"), der.write(der.INTEGER, b"\x05")


@dataclass(frozen=True, slots=True)
class CmsSignature:
    """What a verified CMS says. ``signing_time``: seconds UTC, the signer's own word, for display only. ``token``: the
    time-stamp token over ``signature``, DER, which is *not* verified here (``timestamps.verify_kept``), or ``None``."""

    certificate: bytes
    certificate_sha256: bytes
    signing_time: int
    algorithm: str
    organization: str | None
    signature: bytes
    token: bytes | None


def signed_attributes(content: bytes, certificate: bytes, signing_time: int | None) -> bytes:
    """The signed attributes over ``content``: SET OF Attribute, DER; these are the bytes to be signed
    (RFC 5652 section 5.4).

    Raises:
        InputError: ``CERTIFICATE_SYNTAX``, ``SIGNATURE_KEY``.
    """
    digest = algorithm_of(read_certificate(certificate).spki).digest
    return attributes_over(digest.of(content), certificate, signing_time)


def attributes_over(digest: bytes, certificate: bytes, signing_time: int | None, *more: bytes) -> bytes:
    """As ``signed_attributes`` over a content known by its digest, which must be that of the key's algorithm. ``more``:
    further attributes, DER; with any of them it is no signature of the template."""
    parts = read_certificate(certificate)
    issuer = der.write(der.SEQUENCE, der.write(_DIRECTORY_NAME, parts.issuer))
    # ESSCertIDv2 (RFC 5035 section 4): SHA-256 is the default and left out in DER
    identifier = der.write(
        der.SEQUENCE,
        der.write(der.OCTET_STRING, fingerprint(certificate)),
        der.write(der.SEQUENCE, issuer, parts.serial),
    )
    time = () if signing_time is None else (_attribute(_SIGNING_TIME, der.write_time(signing_time)),)
    return der.write_set(
        _attribute(_CONTENT_TYPE, _DATA),
        _attribute(_MESSAGE_DIGEST, der.write(der.OCTET_STRING, digest)),
        *time,
        *more,
        _attribute(_SIGNING_CERTIFICATE, der.write(der.SEQUENCE, der.write(der.SEQUENCE, identifier))),
    )


def assemble(
    certificate: bytes,
    attributes: bytes,
    signature: bytes,
    token: bytes | None = None,
    others: Sequence[bytes] = (),
    revocation: Sequence[bytes] = (),
) -> bytes:
    """ContentInfo, DER, from the signing certificate, ``signed_attributes`` and the signature over them, and a token
    over that (see ``with_timestamp``). What is beside the template: ``others``, certificates that a PDF or a B-LT
    signature encloses, DER; ``revocation``, what ``signed_data.revocation_choices`` gives, for B-LT.

    Raises:
        InputError: ``CERTIFICATE_SYNTAX``, ``SIGNATURE_KEY``, ``DER_SHAPE``.
    """
    parts = read_certificate(certificate)
    algorithm = algorithm_of(parts.spki)
    signer = der.write(
        der.SEQUENCE,
        _ONE,
        der.write(der.SEQUENCE, parts.issuer, parts.serial),
        algorithm.digest.identifier,
        der.write(_IMPLICIT_0, der.read(attributes, der.SET).content),
        algorithm.identifier,
        der.write(der.OCTET_STRING, signature),
        b"" if token is None else der.write(_IMPLICIT_1, _attribute(TIMESTAMP_TOKEN, token)),
    )
    signed = der.write(
        der.SEQUENCE,
        # with revocation information that is no CRL (RFC 5652 section 5.1)
        _FIVE if any(choice[0] == _IMPLICIT_1 for choice in revocation) else _ONE,
        der.write(der.SET, algorithm.digest.identifier),
        der.write(der.SEQUENCE, _DATA),
        der.write(_IMPLICIT_0, der.read(der.write_set(certificate, *others), der.SET).content),
        der.write(_IMPLICIT_1, der.read(der.write_set(*revocation), der.SET).content) if revocation else b"",
        der.write(der.SET, signer),
    )
    return der.write(der.SEQUENCE, _SIGNED_DATA, der.write(_IMPLICIT_0, signed))


def with_timestamp(cms: bytes, content: bytes, token: bytes) -> bytes:
    """A verified CMS with the time-stamp ``token`` over its signature, as any authority wrote it: CAdES-B-T.

    Raises:
        InputError: as ``verify_detached`` and ``timestamps.verify_token``; ``CMS_UNSIGNED`` if it has a token.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    found = verify_detached(cms, content)
    if found.token is not None:
        raise InputError("CMS_UNSIGNED")
    kept = verify_token(token, over(found.signature)).form
    signed = signed_attributes(content, found.certificate, found.signing_time)
    return assemble(found.certificate, signed, found.signature, kept)


def verify_detached(cms: bytes, content: bytes) -> CmsSignature:
    """Verify ``cms`` over ``content``; the certificate's path is judged elsewhere.

    Raises:
        InputError: ``CMS_SYNTAX`` not DER of the profile; ``CMS_CERTIFICATES`` not exactly one certificate;
            ``CMS_SIGNERS`` not exactly one signer; ``CMS_UNSIGNED`` unsigned attributes other than one time-stamp
            token; ``CMS_ATTRIBUTES`` not exactly the four signed attributes; ``CMS_ALGORITHM`` a key that is not
            allowed; ``CMS_SIGNER_IDENTIFIER`` the signer names another certificate; ``CMS_MESSAGE_DIGEST`` other
            content; ``CMS_SIGNING_CERTIFICATE`` the attribute names another certificate; ``CMS_FORM`` other bytes
            than the template's; ``CMS_SIGNATURE`` the signature does not verify.
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check a signature by SM2.
    """
    if len(cms) > MAX_BYTES:
        raise InputError("CMS_SYNTAX", cause="size")
    return _verified(bytes(cms), bytes(content))


# A pure function of its bytes, and the records of a batch share one manifest with its signature.
@lru_cache(64)
def _verified(cms: bytes, content: bytes) -> CmsSignature:
    try:
        certificate, attributes, signer, signature, token = _take_apart(cms)
        parts = read_certificate(certificate)
        signing_time = der.read_time(attributes[_SIGNING_TIME])
    except InputError as error:
        if error.code.startswith("CMS_"):
            raise
        raise InputError("CMS_SYNTAX", cause=error.code) from error
    try:
        algorithm = algorithm_of(parts.spki)
    except InputError as error:
        raise InputError("CMS_ALGORITHM") from error
    _check_attributes(algorithm, content, certificate, parts, attributes, signer)
    signed = signed_attributes(content, certificate, signing_time)
    if assemble(certificate, signed, signature, token) != cms:
        raise InputError("CMS_FORM")
    try:
        verify_raw(parts.spki, algorithm.name, signature, signed)
    except InputError as error:
        raise InputError("CMS_SIGNATURE") from error
    return CmsSignature(
        certificate, fingerprint(certificate), signing_time, algorithm.name, parts.organization, signature, token
    )


def _attribute(type_: bytes, value: bytes) -> bytes:
    return der.write(der.SEQUENCE, type_, der.write(der.SET, value))


def _take_apart(cms: bytes) -> tuple[bytes, dict[bytes, der.Element], der.Element, bytes, bytes | None]:
    """Signing certificate, signed attributes by type, signer identifier, signature, token."""
    type_, explicit = der.members(der.read(cms, der.SEQUENCE), der.OID, _IMPLICIT_0)
    if type_.outer != _SIGNED_DATA:
        raise InputError("CMS_SYNTAX", cause="contentType")
    fields = der.read(explicit.content, der.SEQUENCE).children()
    if [field.tag for field in fields[:3]] != [der.INTEGER, der.SET, der.SEQUENCE]:
        raise InputError("CMS_SYNTAX", cause="SignedData")
    if [field.tag for field in fields[3:]] != [_IMPLICIT_0, der.SET]:
        raise InputError("CMS_CERTIFICATES")
    certificates, signers = fields[3].children(), fields[4].children()
    if len(certificates) != 1:
        raise InputError("CMS_CERTIFICATES")
    if len(signers) != 1:
        raise InputError("CMS_SIGNERS", count=len(signers))
    parts = signers[0].children()
    token = _token(parts.pop()) if parts and parts[-1].tag == _IMPLICIT_1 else None
    if len(parts) != 6 or parts[3].tag != _IMPLICIT_0:
        raise InputError("CMS_ATTRIBUTES")
    return certificates[0].outer, _attributes(parts[3]), parts[1], parts[5].content, token


def _token(unsigned: der.Element) -> bytes:
    attributes = unsigned.children()
    if len(attributes) != 1:
        raise InputError("CMS_UNSIGNED")
    type_, values = der.members(attributes[0], der.OID, der.SET)
    found = values.children()
    if type_.outer != TIMESTAMP_TOKEN or len(found) != 1 or found[0].tag != der.SEQUENCE:
        raise InputError("CMS_UNSIGNED")
    return found[0].outer


def _attributes(element: der.Element) -> dict[bytes, der.Element]:
    found: dict[bytes, der.Element] = {}
    for attribute in element.children():
        type_, values = der.members(attribute, der.OID, der.SET)
        value = values.children()
        if type_.outer in found or len(value) != 1:
            raise InputError("CMS_ATTRIBUTES")
        found[type_.outer] = value[0]
    if found.keys() != _ATTRIBUTES:
        raise InputError("CMS_ATTRIBUTES")
    return found


def _check_attributes(
    algorithm: Algorithm,
    content: bytes,
    certificate: bytes,
    parts: CertificateParts,
    attributes: dict[bytes, der.Element],
    signer: der.Element,
) -> None:
    """The equality with the template says all of this at once; these say *what* differs."""
    if signer.content != parts.issuer + parts.serial:
        raise InputError("CMS_SIGNER_IDENTIFIER")
    if attributes[_MESSAGE_DIGEST].content != algorithm.digest.of(content):
        raise InputError("CMS_MESSAGE_DIGEST")
    # another certificate with the same issuer and serial number must not be put in the place of the signed
    # one
    if der.write(der.OCTET_STRING, fingerprint(certificate)) not in attributes[_SIGNING_CERTIFICATE].content:
        raise InputError("CMS_SIGNING_CERTIFICATE")
