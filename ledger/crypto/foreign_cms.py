"""Verifying CMS signatures that others made: signers of citizens and companies, vendors' products, seals of an OFD.

The own CMS has one template (``cms``). These are read leniently and without a second reading (``signed_data``), and
only what their signature covers may be believed: not the certificates beside the signer's, not the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.crypto import der
from ledger.crypto import signed_data as sd
from ledger.crypto.service_cms import made_by_service
from ledger.crypto.tst_info import DigestOf
from ledger.errors import InputError, NotFoundError

_SIGNING_TIME = der.write_oid("1.2.840.113549.1.9.5")
_SIGNING_CERTIFICATE_V2 = der.write_oid("1.2.840.113549.1.9.16.2.47")


@dataclass(frozen=True, slots=True)
class ForeignSignature:
    """What a verified CMS says; the path of its certificate is judged elsewhere.

    ``certificate``: the signer's, DER; ``certificates``, ``crls``, ``ocsps``: what else is enclosed, DER; ``content``:
    the octets that are signed; ``signing_time``: the signer's own word, seconds UTC, or ``None``; ``algorithm``: its
    name; ``token``: a signature time-stamp over ``signature``, DER, not verified here, or ``None``; ``by_service``:
    made by a crypto service of this project for one of its callers (``service_cms``).
    """

    certificate: bytes
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    content: bytes
    organization: str | None
    signing_time: int | None
    algorithm: str
    signature: bytes
    token: bytes | None
    by_service: bool = False
    ocsps: tuple[bytes, ...] = ()


def verify_foreign(data: bytes, content: bytes | None = None, certificates: Sequence[bytes] = ()) -> ForeignSignature:
    """Verify a CMS of one signer over its enclosed content, or over ``content`` where it encloses none.

    ``content`` given beside an enclosed one must equal it. ``certificates``: where the signer's may be if it is not
    enclosed.

    Raises:
        InputError: ``CMS_SYNTAX``, ``CMS_SIGNERS``, ``CMS_SIGNER_IDENTIFIER``, ``CMS_SIGNER_CERTIFICATE``,
            ``CMS_SIGNER_AMBIGUOUS``, ``CMS_CERTIFICATES_MANY``, ``CMS_DIGEST``, ``CMS_ATTRIBUTE_REPEATED``,
            ``CMS_CONTENT_TYPE``, ``CMS_CONTENT_ABSENT``, ``CMS_CONTENT_DIFFERS``, ``CMS_UNSIGNED``,
            ``CMS_MESSAGE_DIGEST``, ``CMS_SIGNING_CERTIFICATE``, ``CMS_ALGORITHM``, ``CMS_SIGNATURE``.
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check a signature by SM2.
    """
    signed = _read(data)
    octets = _content(signed, content)
    return _verified(signed, certificates, octets, lambda name: sd.digest_of(name, octets))


def verify_digest(data: bytes, digest_of: DigestOf, certificates: Sequence[bytes] = ()) -> ForeignSignature:
    """As ``verify_foreign`` over a content that is known by its digest; ``content`` is empty then, where none is
    enclosed.

    Raises:
        As ``verify_foreign`` and ``digest_of``. NotFoundError: ``CMS_CONTENT_WANTED`` where there are no signed
            attributes: then it is the content itself that is signed.
    """
    signed = _read(data)
    if signed.attributes is None:
        raise NotFoundError("CMS_CONTENT_WANTED")
    octets = signed.content
    if octets is not None and sd.digest_of(signed.digest, octets) != digest_of(signed.digest):
        raise InputError("CMS_CONTENT_DIFFERS")
    return _verified(signed, certificates, octets or b"", digest_of)


def _read(data: bytes) -> sd.SignedData:
    signed = sd.read_signed_data(data, free=True)
    if signed.content_type not in (sd.DATA, sd.GM_DATA):
        raise InputError("CMS_CONTENT_TYPE")
    if not signed.unsigned.keys() <= {sd.TIMESTAMP_TOKEN}:
        raise InputError("CMS_UNSIGNED")
    return signed


def _verified(
    signed: sd.SignedData, certificates: Sequence[bytes], octets: bytes, digest_of: DigestOf
) -> ForeignSignature:
    certificate, parts = sd.find_signer(signed, certificates)
    if signed.attributes is not None:
        sd.require_attributes(signed, digest_of(signed.digest))
        _require_named(signed.attributes, certificate)
    algorithm = sd.verify_signature(signed, parts.spki, octets)
    token = signed.unsigned.get(sd.TIMESTAMP_TOKEN)
    return ForeignSignature(
        certificate=certificate,
        certificates=tuple(other for other in signed.certificates if other != certificate),
        crls=signed.crls,
        content=octets,
        organization=parts.organization,
        signing_time=_signing_time(signed.attributes or {}),
        algorithm=algorithm,
        signature=signed.signature,
        token=None if token is None else token.outer,
        by_service=made_by_service(signed.attributes),
        ocsps=signed.ocsps,
    )


def _content(signed: sd.SignedData, given: bytes | None) -> bytes:
    octets = given if signed.content is None else signed.content
    if octets is None:
        raise InputError("CMS_CONTENT_ABSENT")
    if given is not None and given != octets:
        raise InputError("CMS_CONTENT_DIFFERS")
    # RFC 5652 section 5.3 wants attributes around any other content type. Around plain data they are optional, and a
    # signature over attributes must not pass for one over a content that has their bytes.
    if signed.attributes is None and _are_attributes(octets):
        raise InputError("CMS_CONTENT_AMBIGUOUS")
    return octets


def _are_attributes(octets: bytes) -> bool:
    """Also those that would be refused as attributes, such as one with two values: others may have signed them."""
    try:
        return any(each.content.startswith(sd.MESSAGE_DIGEST) for each in der.read(octets, der.SET).children())
    except InputError:
        return False


def _require_named(attributes: dict[bytes, der.Element], certificate: bytes) -> None:
    """A signing-certificate attribute, if there is one, names this certificate first."""
    attribute = attributes.get(_SIGNING_CERTIFICATE_V2)
    if attribute is None:
        return
    try:
        first = attribute.children()[0].children()[0].children()
        digest = sd.digest_name(first.pop(0).outer) if first[0].tag == der.SEQUENCE else "sha256"
        fits = digest is not None and first[0].outer == der.write(der.OCTET_STRING, sd.digest_of(digest, certificate))
    except (InputError, IndexError) as error:
        raise InputError("CMS_SIGNING_CERTIFICATE") from error
    if not fits:
        raise InputError("CMS_SIGNING_CERTIFICATE")


def _signing_time(attributes: dict[bytes, der.Element]) -> int | None:
    """For display only: one that cannot be read is as good as none."""
    stated = attributes.get(_SIGNING_TIME)
    try:
        return None if stated is None else der.read_time(stated)
    except InputError:
        return None
