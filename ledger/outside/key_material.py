"""What is said of a key to others: the name of its algorithm, its certification request, its certificate."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import NameOID

from ledger.crypto import der, pem
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.certificates import read_certificate
from ledger.crypto.sm2_encoding import is_sm2_spki
from ledger.errors import ConfigError, InputError
from ledger.ports import PrivateKey

PSS_OID = der.write_oid("1.2.840.113549.1.1.10")
_RSA_OID = der.write_oid("1.2.840.113549.1.1.1")
RSA_ALGORITHM = der.write(der.SEQUENCE, _RSA_OID, der.write(der.NULL))
COUNCIL_ALGORITHMS = {"ed25519": "Ed25519", "ecdsa-p256": "ES256", "sm2": "SM2"}
"""Keys that sign the trust file, and their names there."""
CERTIFIED = ("signing", "service")
"""Purposes of keys that have a certificate and sign CMS."""
DEFAULTS = dict.fromkeys(CERTIFIED, "ecdsa-p256") | {"council": "ed25519", "account": "secp256k1", "node": "secp256k1"}
_ALLOWED = {"council": tuple(COUNCIL_ALGORITHMS), "account": ("secp256k1",), "node": ("secp256k1",)}
_LONGEST_NAME = 64  # ub-organization-name (X.520, RFC 5280 appendix A.1), in characters
_ATTRIBUTES = 0xA0
_CURVES = {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384"}


def algorithm_name(spki: bytes) -> str:
    """How a key of this SubjectPublicKeyInfo (DER) is called here: ``ecdsa-p256``, ``rsa-pss-3072``, ``sm2``, …; of
    other keys a word for people, which is no algorithm of this project."""
    if is_sm2_spki(spki):
        return "sm2"
    try:
        algorithm, bits = _parts(spki)
        restricted = algorithm.children()[0].outer == PSS_OID
        key = load_der_public_key(der.write(der.SEQUENCE, RSA_ALGORITHM, bits.outer) if restricted else spki)
    except (InputError, ValueError, IndexError, UnsupportedAlgorithm):
        return "unknown"
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-pss-{key.key_size}" if restricted else f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES.get(key.curve.name, key.curve.name)
    return "ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else type(key).__name__


def require_purpose(purpose: str, spki: bytes) -> None:
    """May a key of this SubjectPublicKeyInfo serve the purpose?

    Raises:
        ConfigError: ``KEYS_ALGORITHM``.
    """
    name = algorithm_name(spki)
    require_algorithm(purpose, name)
    if purpose in CERTIFIED:
        try:
            algorithm_of(spki)
        except InputError as error:
            raise ConfigError("KEYS_ALGORITHM", algorithm=name, purpose=purpose) from error


def require_algorithm(purpose: str, name: str) -> None:
    """As ``require_purpose`` for a key that is still to be made; for signing its maker knows what can be made."""
    if purpose not in CERTIFIED and name not in _ALLOWED.get(purpose, ()):
        raise ConfigError("KEYS_ALGORITHM", algorithm=name, purpose=purpose)


def certified_key(own: bytes, certified: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate for the key ``own``: the same, or of an RSA key that for PSS alone. A
    key for PSS alone has no certificate for other use (RFC 4055 section 1.2).

    Raises:
        InputError: ``SIGNATURE_KEY`` for another key.
    """
    if certified == own:
        return certified
    (mine, key), (theirs, other) = _parts(own), _parts(certified)
    kinds = (mine.children()[0].outer, theirs.children()[0].outer)
    if key.outer != other.outer or kinds not in ((_RSA_OID, PSS_OID), (PSS_OID, PSS_OID)):
        raise InputError("SIGNATURE_KEY")
    algorithm_of(certified)
    return certified


def signing_request(key: PrivateKey, organisation: str, organization_name: str) -> bytes:
    """A certification request (PKCS#10, RFC 2986, DER), signed with the key itself. The subject holds
    organizationName and the organisation's id as organizationIdentifier (X.520); a CA may write another.

    Raises:
        InputError: ``KEYS_REQUEST_NAME`` for a name that X.520 does not allow (1 to 64 characters).
        UnavailableError, ConfigError: from the key.
    """
    if not 1 <= len(organization_name) <= _LONGEST_NAME:
        raise InputError("KEYS_REQUEST_NAME", length=len(organization_name))
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization_name),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organisation),
        ]
    )
    # written here since the library signs only with key objects of its own
    version, attributes = der.write(der.INTEGER, b"\x00"), der.write(_ATTRIBUTES)
    information = der.write(der.SEQUENCE, version, subject.public_bytes(), key.spki, attributes)
    signature = der.write(der.BIT_STRING, b"\0", key.sign(information))
    return der.write(der.SEQUENCE, information, algorithm_of(key.spki).identifier, signature)


def certificate_pem(own: bytes, certificate: bytes, name: str) -> bytes:
    """PEM of a certificate (DER) for the key ``own`` (SubjectPublicKeyInfo).

    Raises:
        ConfigError: ``KEYS_DAMAGED``, ``KEYS_CERTIFICATE``.
    """
    try:
        x509.load_der_x509_certificate(certificate)
        spki = read_certificate(certificate).spki
    except (InputError, ValueError) as error:
        raise ConfigError("KEYS_DAMAGED", name=name) from error
    try:
        certified_key(own, spki)
    except InputError as error:
        raise ConfigError("KEYS_CERTIFICATE", name=name) from error
    return pem.write("CERTIFICATE", certificate).encode()


def _parts(spki: bytes) -> tuple[der.Element, der.Element]:
    algorithm, key = der.members(der.read(spki, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)
    return algorithm, key
