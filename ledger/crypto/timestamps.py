"""Time-stamp tokens: RFC 3161 with RFC 5816, and GM/T 0033, which is the same but for SM2 and SM3.

Authorities write tokens in their own ways, and what frames the signed part is covered by no signature: bits of it
could be changed unnoticed. A token from elsewhere is therefore read as it comes (``verify_token``) and kept in one
form, the frame built anew around what was signed (``TimestampToken.form``); of a token that is kept, every byte must be
that form's (``verify_kept``).

    ContentInfo(id-signedData, SignedData
        version 3, {digest}, EncapsulatedContentInfo(id-ct-TSTInfo, TSTInfo), {the authority's certificate},
        {SignerInfo 1, issuer and serial number, digest, signed attributes, whole algorithm, signature})
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from ledger.crypto import der
from ledger.crypto import signed_data as sd
from ledger.crypto.certificates import MAX_BYTES as MAX_CERTIFICATE
from ledger.crypto.certificates import CertificateParts, fingerprint
from ledger.crypto.issuer_signatures import identifier_of
from ledger.crypto.tst_info import DigestOf, TstInfo, over, read_tst_info, require_imprint
from ledger.errors import InputError

__all__ = ["DigestOf", "TimestampToken", "TstInfo", "over", "stamper_of", "verify_kept", "verify_token"]

MAX_BYTES = 1 << 17  # of a token as it comes, with its chain
MAX_KEPT = 2 * MAX_CERTIFICATE
_TST_INFO = der.write_oid("1.2.840.113549.1.9.16.1.4")
_SIGNING_CERTIFICATE = der.write_oid("1.2.840.113549.1.9.16.2.12")
_SIGNING_CERTIFICATE_V2 = der.write_oid("1.2.840.113549.1.9.16.2.47")
_IMPLICIT_0, _DIRECTORY_NAME = 0xA0, 0xA4
_ONE, _THREE = der.write(der.INTEGER, b"\x01"), der.write(der.INTEGER, b"\x03")
_UNREADABLE = (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True)
class TimestampToken:
    """A verified token; the path of its certificate is judged elsewhere.

    ``certificate``: the authority's, DER; ``certificates``, ``crls``, ``ocsps``: what else came with the token, DER;
    ``algorithm``: how it is signed; ``received``: the token as it came, ``form``: as it is kept, DER.
    """

    info: TstInfo
    certificate: bytes
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    algorithm: str
    received: bytes
    form: bytes
    ocsps: tuple[bytes, ...] = ()

    @property
    def time(self) -> int:
        """genTime, seconds UTC."""
        return self.info.time


def verify_token(token: bytes, digest_of: DigestOf, certificates: Sequence[bytes] = ()) -> TimestampToken:
    """Verify a token over ``digest_of``; ``certificates``: where the authority's may be if it is not enclosed.

    Raises:
        InputError: ``CMS_…`` (``signed_data``) no SignedData of one signer, or a signature that does not verify;
            ``TIMESTAMP_CONTENT`` it holds no TSTInfo; ``TIMESTAMP_UNSIGNED`` unsigned attributes;
            ``TIMESTAMP_IMPRINT`` it is about something else; ``TIMESTAMP_SIGNING_CERTIFICATE`` the signed attributes
            name another certificate or none; ``TIMESTAMP_USAGE`` the certificate is not one for time-stamps alone;
            ``TIMESTAMP_SYNTAX``, ``TIMESTAMP_DIGEST``, ``TIMESTAMP_EXTENSION``.
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check a signature by SM2.
    """
    signed = sd.read_signed_data(token, MAX_BYTES)
    if signed.content_type != _TST_INFO or signed.content is None or signed.attributes is None:
        raise InputError("TIMESTAMP_CONTENT")
    if signed.unsigned:
        raise InputError("TIMESTAMP_UNSIGNED")
    info = read_tst_info(signed.content)
    certificate, parts = sd.find_signer(signed, certificates)
    sd.require_attributes(signed, sd.digest_of(signed.digest, signed.content))
    _require_named(signed, certificate, parts)
    algorithm = sd.verify_signature(signed, parts.spki, signed.content)
    _require_usage(certificate)
    require_imprint(info, digest_of)
    others = tuple(other for other in signed.certificates if other != certificate)
    form = _form(signed, certificate)
    return TimestampToken(info, certificate, others, signed.crls, algorithm, token, form, signed.ocsps)


# A pure function of its bytes, and a batch's records share them: a checker of many bundles pays once.
@lru_cache(64)
def verify_kept(token: bytes, data: bytes) -> TimestampToken:
    """As ``verify_token`` over ``data`` for a token of this project's form.

    Raises:
        InputError: ``TIMESTAMP_FORM`` for another; ``CMS_…`` and ``TIMESTAMP_…`` as there.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    if len(token) > MAX_KEPT:
        raise InputError("TIMESTAMP_FORM")
    found = verify_token(token, over(data))
    if found.form != token:
        raise InputError("TIMESTAMP_FORM")
    return found


def stamper_of(token: bytes) -> bytes:
    """The authority's certificate, DER, in a token of this project's form, which is not verified.

    Raises:
        InputError: ``CMS_…``, ``TIMESTAMP_FORM``.
    """
    certificates = sd.read_signed_data(token, MAX_KEPT).certificates
    if len(certificates) != 1:
        raise InputError("TIMESTAMP_FORM")
    return certificates[0]


def _form(signed: sd.SignedData, certificate: bytes) -> bytes:
    identifier = identifier_of(sd.whole_algorithm(signed)[1])
    digest = der.write(der.SEQUENCE, der.write_oid(sd.DIGESTS[signed.digest][0]))
    content, attributes = signed.content or b"", signed.signed or b""
    signer = der.write(
        der.SEQUENCE,
        _ONE,
        der.write(der.SEQUENCE, signed.signer),
        digest,
        der.write(_IMPLICIT_0, der.read(attributes, der.SET).content),
        identifier,
        der.write(der.OCTET_STRING, signed.signature),
    )
    whole = der.write(
        der.SEQUENCE,
        _THREE,
        der.write(der.SET, digest),
        der.write(der.SEQUENCE, _TST_INFO, der.write(_IMPLICIT_0, der.write(der.OCTET_STRING, content))),
        der.write(_IMPLICIT_0, certificate),
        der.write(der.SET, signer),
    )
    return der.write(der.SEQUENCE, sd.SIGNED_DATA, der.write(_IMPLICIT_0, whole))


def _require_named(signed: sd.SignedData, certificate: bytes, parts: CertificateParts) -> None:
    """The first certificate that the signed attributes name is the signer's (RFC 5816 section 2; before that, and in
    GM/T 0033, by SHA-1)."""
    attributes = signed.attributes or {}
    named = [attributes[oid] for oid in (_SIGNING_CERTIFICATE, _SIGNING_CERTIFICATE_V2) if oid in attributes]
    try:
        # both of them where there are both
        fits = [_names(one.children()[0].children()[0].children(), certificate, parts) for one in named]
    except (InputError, IndexError) as error:
        raise InputError("TIMESTAMP_SIGNING_CERTIFICATE") from error
    if not fits or not all(fits):
        raise InputError("TIMESTAMP_SIGNING_CERTIFICATE")


def _names(identifier: list[der.Element], certificate: bytes, parts: CertificateParts) -> bool:
    """Of an ESSCertID or ESSCertIDv2: digest, here by its length SHA-1 or SHA-256 where none is named, and perhaps
    issuer and serial number."""
    named = sd.digest_name(identifier.pop(0).outer) if identifier[0].tag == der.SEQUENCE else ""
    stated = identifier.pop(0)
    if named == "":
        allowed = [hashlib.sha1(certificate, usedforsecurity=False).digest(), fingerprint(certificate)]
    else:
        allowed = [sd.digest_of(named, certificate)] if named else []
    if stated.tag != der.OCTET_STRING or stated.content not in allowed or len(identifier) > 1:
        return False
    if not identifier:
        return True
    names, serial = der.members(identifier[0], der.SEQUENCE, der.INTEGER)
    return serial.outer == parts.serial and names.content == der.write(_DIRECTORY_NAME, parts.issuer)


def _require_usage(certificate: bytes) -> None:
    """Extended key usage critical, and id-kp-timeStamping alone (RFC 3161 section 2.3)."""
    try:
        found = x509.load_der_x509_certificate(certificate).extensions
        usage = found.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound as error:
        raise InputError("TIMESTAMP_USAGE") from error
    except _UNREADABLE as error:
        raise InputError("CERTIFICATE_SYNTAX") from error
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise InputError("TIMESTAMP_USAGE")
