"""Reading SignedData that others made: RFC 5652, and GM/T 0010 (GB/T 35275), whose form is that of PKCS #7.

Their makers differ in versions, in algorithm names and in what they enclose, so there is no template to compare with.
What could be read in two ways is refused all the same: two signers, an attribute with two values, bytes behind the
end, unsigned attributes that nobody asked for. DER throughout, but for lengths of a frame that was streamed (``ber``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512

from ledger.core.hashing import sm3
from ledger.crypto import der
from ledger.crypto.ber import closed
from ledger.crypto.certificate_facts import extensions_of
from ledger.crypto.certificates import SM2_WITH_SM3, CertificateParts, read_certificate
from ledger.crypto.issuer_signatures import Scheme, scheme_of, verify_issued
from ledger.errors import InputError

DATA, SIGNED_DATA = der.write_oid("1.2.840.113549.1.7.1"), der.write_oid("1.2.840.113549.1.7.2")
GM_DATA, GM_SIGNED_DATA = der.write_oid("1.2.156.10197.6.1.4.2.1"), der.write_oid("1.2.156.10197.6.1.4.2.2")
CONTENT_TYPE = der.write_oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = der.write_oid("1.2.840.113549.1.9.4")
TIMESTAMP_TOKEN = der.write_oid("1.2.840.113549.1.9.16.2.14")
"""id-aa-signatureTimeStampToken (RFC 3161 appendix A)."""
OCSP_RESPONSE = der.write_oid("1.3.6.1.5.5.7.16.2")
"""id-ri-ocsp-response (RFC 5940 section 2)."""
MAX_BYTES = 1 << 20
MAX_CERTIFICATES = 32
NULL = der.write(der.NULL)

DIGESTS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "sha256": ("2.16.840.1.101.3.4.2.1", lambda data: sha256(data).digest()),
    "sha384": ("2.16.840.1.101.3.4.2.2", lambda data: sha384(data).digest()),
    "sha512": ("2.16.840.1.101.3.4.2.3", lambda data: sha512(data).digest()),
    "sm3": ("1.2.156.10197.1.401", sm3),
}
"""Name → object identifier, function."""
_DIGEST_NAMES = {
    der.write(der.SEQUENCE, der.write_oid(dotted), parameters): name
    for name, (dotted, _) in DIGESTS.items()
    for parameters in (b"", NULL)
}
# How signers name the algorithm where it is not the whole one: a key's or a curve's name, which leaves the digest to
# the field beside it (RFC 3370 section 3.2; standards in use for SM2).
_RSA = {der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.1"), parameters) for parameters in (b"", NULL)}
_SM2 = {
    der.write(der.SEQUENCE, der.write_oid(dotted), parameters)
    for dotted in ("1.2.156.10197.1.301", "1.2.156.10197.1.301.1")
    for parameters in (b"", NULL)
}
_RSA_WITH = {
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
_IMPLICIT_0, _IMPLICIT_1 = 0xA0, 0xA1
_KEY_IDENTIFIER = 0x80  # subjectKeyIdentifier of a SignerIdentifier (RFC 5652 section 5.3)
_SUBJECT_KEY = "2.5.29.14"


@dataclass(frozen=True, slots=True)
class SignedData:
    """One signer's SignedData, read and not yet verified.

    ``content_type``: OID, DER; ``content``: the octets, ``None`` where they are elsewhere; ``certificates``, ``crls``,
    ``ocsps``: DER, in the order given; ``signer``: Name ‖ serial number, or the identifier of the key where
    ``by_key``; ``digest``: name in ``DIGESTS``; ``attributes``: the signed ones by OID, one value each, ``None`` for
    none, and ``signed`` the SET OF they are; ``unsigned``: by OID.
    """

    content_type: bytes
    content: bytes | None
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    signer: bytes
    digest: str
    attributes: dict[bytes, der.Element] | None
    signed: bytes | None
    algorithm: bytes
    signature: bytes
    unsigned: dict[bytes, der.Element]
    by_key: bool


def read_signed_data(data: bytes, limit: int = MAX_BYTES, free: bool = False) -> SignedData:
    """Take a ContentInfo with SignedData apart. ``free``: its frame may be of other forms of RFC 5652, too: lengths
    left open, a signer named by a key identifier.

    Raises:
        InputError: ``CMS_SYNTAX``; ``CMS_CERTIFICATES_MANY``; ``CMS_SIGNERS`` not exactly one signer;
            ``CMS_SIGNER_IDENTIFIER`` a signer named in another way than is allowed; ``CMS_DIGEST`` an
            unknown digest; ``CMS_ATTRIBUTE_REPEATED``.
    """
    if len(data) > limit:
        raise InputError("CMS_SYNTAX", cause="size")
    try:
        found = _read(closed(data) if free else data)
    except InputError as error:
        if error.code.startswith("CMS_"):
            raise
        raise InputError("CMS_SYNTAX", cause=error.code) from error
    if found.by_key and not free:
        raise InputError("CMS_SIGNER_IDENTIFIER")
    return found


def _read(data: bytes) -> SignedData:
    type_, explicit = der.members(der.read(data, der.SEQUENCE), der.OID, _IMPLICIT_0)
    if type_.outer not in (SIGNED_DATA, GM_SIGNED_DATA):
        raise InputError("CMS_SYNTAX", cause="contentType")
    fields = der.read(explicit.content, der.SEQUENCE).children()
    if [field.tag for field in fields[:3]] != [der.INTEGER, der.SET, der.SEQUENCE]:
        raise InputError("CMS_SYNTAX", cause="SignedData")
    rest = fields[3:]
    certificates = _choices(rest.pop(0)) if rest and rest[0].tag == _IMPLICIT_0 else ()
    crls, ocsps = _revocation(rest.pop(0)) if rest and rest[0].tag == _IMPLICIT_1 else ((), ())
    if [field.tag for field in rest] != [der.SET]:
        raise InputError("CMS_SYNTAX", cause="SignedData")
    signers = rest[0].children()
    if len(signers) != 1:
        raise InputError("CMS_SIGNERS", count=len(signers))
    content_type, content = _content(fields[2])
    return _signer(signers[0], content_type, content, certificates, crls, ocsps)


def _content(element: der.Element) -> tuple[bytes, bytes | None]:
    parts = element.children()
    tags = [part.tag for part in parts]
    if tags == [der.OID]:
        return parts[0].outer, None
    if tags != [der.OID, _IMPLICIT_0]:
        raise InputError("CMS_SYNTAX", cause="content")
    return parts[0].outer, der.read(parts[1].content, der.OCTET_STRING).content


def _choices(element: der.Element) -> tuple[bytes, ...]:
    """Certificates; other choices of the type begin with another tag."""
    found = element.children()
    if any(one.tag != der.SEQUENCE for one in found):
        raise InputError("CMS_SYNTAX", cause="choice")
    if len(found) > MAX_CERTIFICATES:
        raise InputError("CMS_CERTIFICATES_MANY", limit=MAX_CERTIFICATES)
    return tuple(one.outer for one in found)


def _revocation(element: der.Element) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """CRLs, and OCSP responses (RFC 5652 section 10.2.1, RFC 5940 section 2); there are no other choices in use."""
    found = element.children()
    if len(found) > MAX_CERTIFICATES:
        raise InputError("CMS_CERTIFICATES_MANY", limit=MAX_CERTIFICATES)
    crls, ocsps = [], []
    for one in found:
        if one.tag == der.SEQUENCE:
            crls.append(one.outer)
            continue
        if one.tag != _IMPLICIT_1:
            raise InputError("CMS_SYNTAX", cause="choice")
        format_, response = der.members(one, der.OID, der.SEQUENCE)
        if format_.outer != OCSP_RESPONSE:
            raise InputError("CMS_SYNTAX", cause="choice")
        ocsps.append(response.outer)
    return tuple(crls), tuple(ocsps)


def revocation_choices(crls: Iterable[bytes], ocsps: Iterable[bytes]) -> list[bytes]:
    """Lists and responses (DER) as RevocationInfoChoice of a SignedData, DER."""
    return [*crls, *(der.write(_IMPLICIT_1, OCSP_RESPONSE, response) for response in ocsps)]


def _signer(
    element: der.Element,
    content_type: bytes,
    content: bytes | None,
    certificates: tuple[bytes, ...],
    crls: tuple[bytes, ...],
    ocsps: tuple[bytes, ...],
) -> SignedData:
    parts = element.children()
    tags = [part.tag for part in parts[:2]]
    if tags not in ([der.INTEGER, der.SEQUENCE], [der.INTEGER, _KEY_IDENTIFIER]):
        raise InputError("CMS_SIGNER_IDENTIFIER")
    unsigned = parts.pop() if parts[-1].tag == _IMPLICIT_1 else None
    attributes = parts.pop(3) if len(parts) > 3 and parts[3].tag == _IMPLICIT_0 else None
    if [part.tag for part in parts[2:]] != [der.SEQUENCE, der.SEQUENCE, der.OCTET_STRING]:
        raise InputError("CMS_SYNTAX", cause="SignerInfo")
    digest = digest_name(parts[2].outer)
    if digest is None:
        raise InputError("CMS_DIGEST")
    return SignedData(
        content_type,
        content,
        certificates,
        crls,
        ocsps,
        parts[1].content,
        digest,
        None if attributes is None else read_attributes(attributes),
        None if attributes is None else der.write(der.SET, attributes.content),
        parts[3].outer,
        parts[4].content,
        {} if unsigned is None else read_attributes(unsigned),
        tags[1] == _KEY_IDENTIFIER,
    )


def read_attributes(element: der.Element) -> dict[bytes, der.Element]:
    """Attributes by OID, none of them twice and each with one value, which every attribute in use here has.

    Raises:
        InputError: ``CMS_ATTRIBUTE_REPEATED``, ``DER_…``; also for no attribute at all.
    """
    found: dict[bytes, der.Element] = {}
    for attribute in element.children():
        type_, values = der.members(attribute, der.OID, der.SET)
        value = values.children()
        if type_.outer in found or len(value) != 1:
            raise InputError("CMS_ATTRIBUTE_REPEATED")
        found[type_.outer] = value[0]
    if not found:
        raise InputError("DER_SHAPE")
    return found


def digest_name(identifier: bytes) -> str | None:
    """Name of a digest's AlgorithmIdentifier, DER, its parameters absent or NULL; ``None`` for one not allowed."""
    return _DIGEST_NAMES.get(identifier)


def digest_of(name: str, data: bytes) -> bytes:
    """``data`` under the digest ``name`` of ``DIGESTS``."""
    return DIGESTS[name][1](data)


def find_signer(signed: SignedData, others: Sequence[bytes] = ()) -> tuple[bytes, CertificateParts]:
    """The signer's certificate, among those enclosed and ``others``, by issuer and serial number or by its key
    identifier.

    Raises:
        InputError: ``CMS_SIGNER_CERTIFICATE`` there is none; ``CMS_SIGNER_AMBIGUOUS`` there are two different ones.
    """
    found = {}
    for certificate in (*signed.certificates, *others):
        try:
            parts = read_certificate(certificate)
        except InputError:
            continue  # of somebody else, and no concern of this signature
        if (_key_identifier(certificate) if signed.by_key else parts.issuer + parts.serial) == signed.signer:
            found[certificate] = parts
    if not found:
        raise InputError("CMS_SIGNER_CERTIFICATE")
    if len(found) > 1:
        raise InputError("CMS_SIGNER_AMBIGUOUS")
    return next(iter(found.items()))


def _key_identifier(certificate: bytes) -> bytes | None:
    """Of its subject, as the certificate states it (RFC 5280 section 4.2.1.2)."""
    try:
        stated = extensions_of(certificate).get(_SUBJECT_KEY)
        return None if stated is None else der.read(stated.value, der.OCTET_STRING).content
    except InputError:
        return None


def require_attributes(signed: SignedData, digest: bytes) -> None:
    """The signed attributes are about this content type and a content of this digest (RFC 5652 section 5.3).

    Raises:
        InputError: ``CMS_CONTENT_TYPE``, ``CMS_MESSAGE_DIGEST``.
    """
    attributes = signed.attributes or {}
    named, stated = attributes.get(CONTENT_TYPE), attributes.get(MESSAGE_DIGEST)
    if named is None or named.outer != signed.content_type:
        raise InputError("CMS_CONTENT_TYPE")
    if stated is None or stated.outer != der.write(der.OCTET_STRING, digest):
        raise InputError("CMS_MESSAGE_DIGEST")


def whole_algorithm(signed: SignedData) -> tuple[bytes, Scheme]:
    """The AlgorithmIdentifier, DER, that says key and digest at once, and how it is signed by it.

    Raises:
        InputError: ``CMS_ALGORITHM`` none that is allowed, or one with another digest than the signer names.
    """
    identifier = signed.algorithm
    if identifier in _RSA and signed.digest in _RSA_WITH:
        identifier = der.write(der.SEQUENCE, der.write_oid(_RSA_WITH[signed.digest]), NULL)
    elif identifier in _SM2:
        identifier = der.write(der.SEQUENCE, der.write_oid(SM2_WITH_SM3))
    try:
        scheme = scheme_of(identifier)
    except InputError as error:
        raise InputError("CMS_ALGORITHM") from error
    expected = {"sm2": "sm3", "ed25519": "sha512"}.get(scheme.family) or scheme.hash.name
    if signed.digest != expected:
        raise InputError("CMS_ALGORITHM")
    return identifier, scheme


def verify_signature(signed: SignedData, spki: bytes, content: bytes) -> str:
    """Verify the signature over the signed attributes, or over ``content`` where there are none; returns the name of
    the algorithm.

    Raises:
        InputError: ``CMS_ALGORITHM``, ``CMS_SIGNATURE``. ConfigError: ``SM2_UNAVAILABLE``.
    """
    identifier, scheme = whole_algorithm(signed)
    over = content if signed.signed is None else signed.signed
    try:
        verify_issued(spki, identifier, signed.signature, over)
    except InputError as error:
        raise InputError("CMS_SIGNATURE" if error.code == "SIGNATURE_INVALID" else "CMS_ALGORITHM") from error
    return scheme.name
