"""How SM2 keys and signatures are written: points, SubjectPublicKeyInfo, PKCS#8 and SEC 1, all of them in one
spelling only.

Key objects of ``cryptography`` do not know the curve, so these bytes are read here.
"""

from __future__ import annotations

import base64
import binascii
import re

from ledger.crypto import der
from ledger.crypto.sealed_keys import open_key
from ledger.errors import InputError

# sm2p256v1 (GB/T 32918.5): y² = x³ + ax + b modulo P, order N
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
G = bytes.fromhex(
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123

PRIVATE_BYTES, PUBLIC_BYTES = 32, 65
MAX_KEY_FILE = 4096
EC_KEY = der.write_oid("1.2.840.10045.2.1")
CURVE = der.write_oid("1.2.156.10197.1.301")
_ALGORITHM = der.write(der.SEQUENCE, EC_KEY, CURVE)
_SPKI_START = bytes.fromhex("3059") + _ALGORITHM + bytes.fromhex("034200")
_PARAMETERS, _PUBLIC = 0xA0, 0xA1
_ZERO, _ONE = der.write(der.INTEGER, b"\x00"), der.write(der.INTEGER, b"\x01")
_LABELS = (b"PRIVATE KEY", b"EC PRIVATE KEY", b"ENCRYPTED PRIVATE KEY")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+)-----END \1-----")


def require_point(public: bytes) -> None:
    """``public`` must be 65 bytes, 04 ‖ x ‖ y of a point on the curve; the one at infinity has no such form.

    Raises:
        InputError: ``SM2_KEY``.
    """
    x, y = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
    shaped = len(public) == PUBLIC_BYTES and public[0] == 4 and x < P and y < P
    if not shaped or (y * y - (x * x * x + A * x + B)) % P != 0:
        raise InputError("SM2_KEY")


def require_signature(signature: bytes) -> None:
    """Strict DER (GB/T 35276 clause 7.3): SEQUENCE of r and s, both from 1 to N − 1, in the shortest form.

    Raises:
        InputError: ``SM2_SIGNATURE``.
    """
    try:
        numbers = der.members(der.read(signature, der.SEQUENCE), der.INTEGER, der.INTEGER)
    except InputError as error:
        raise InputError("SM2_SIGNATURE") from error
    for number in numbers:
        value = int.from_bytes(number.content, "big", signed=True)
        if not 1 <= value < N or len(number.content) != value.bit_length() // 8 + 1:
            raise InputError("SM2_SIGNATURE")


def spki_of(public: bytes) -> bytes:
    """SubjectPublicKeyInfo (GB/T 35276 clause 7.1, RFC 5480), 91 bytes, DER."""
    return _SPKI_START + public


def is_sm2_spki(spki: bytes) -> bool:
    """Does this SubjectPublicKeyInfo name the curve? Says nothing of the point."""
    try:
        return der.read(spki, der.SEQUENCE).children()[0].outer == _ALGORITHM
    except (InputError, IndexError):
        return False


def read_spki(spki: bytes) -> bytes:
    """The public key, 65 bytes, of a SubjectPublicKeyInfo with an uncompressed point.

    Raises:
        InputError: ``SM2_KEY`` for any other key or spelling.
    """
    public = spki[len(_SPKI_START) :]
    if not spki.startswith(_SPKI_START):
        raise InputError("SM2_KEY")
    require_point(public)
    return public


def write_pkcs8(private: bytes, public: bytes) -> bytes:
    """PrivateKeyInfo (RFC 5958, version 0) with an ECPrivateKey (RFC 5915) that holds the public key, DER."""
    bits = der.write(_PUBLIC, der.write(der.BIT_STRING, b"\0", public))
    inner = der.write(der.SEQUENCE, _ONE, der.write(der.OCTET_STRING, private), bits)
    return der.write(der.SEQUENCE, _ZERO, _ALGORITHM, der.write(der.OCTET_STRING, inner))


def read_private(data: bytes, passphrase: bytes | None = None) -> tuple[bytes, bytes]:
    """Private key (32 bytes) and public key (65) of a PKCS#8 or SEC 1 file, PEM or DER.

    That they belong together is not judged here. Files without the public key are refused: it is not made
    anew from the private one.

    Raises:
        InputError: ``SM2_PRIVATE_KEY``, without a word about the bytes; of encrypted PKCS#8, what ``open_key``
            raises.
    """
    try:
        if len(data) > MAX_KEY_FILE:
            raise InputError("SM2_PRIVATE_KEY")
        structure = _without_pem(data)
        if _is_sealed(structure):
            if passphrase is None:
                raise InputError("KEY_PASSPHRASE")
            structure = open_key(structure, passphrase)
        private, public = _read_structure(structure)
        require_point(public)
    except InputError as error:
        if error.code.startswith("KEY_"):
            raise
        raise InputError("SM2_PRIVATE_KEY") from None  # no cause: nothing of a file that holds a secret
    # GB/T 32918.1 clause 6.1: N − 1 itself has no signature
    if not 1 <= int.from_bytes(private, "big") <= N - 2:
        raise InputError("SM2_PRIVATE_KEY")
    return private, public


def _without_pem(data: bytes) -> bytes:
    if not data.lstrip().startswith(b"-----BEGIN"):
        return data
    # "openssl ecparam -genkey" writes the curve as a block of its own
    keys = [body for label, body in _PEM.findall(data) if label in _LABELS]
    if len(keys) != 1:
        raise InputError("SM2_PRIVATE_KEY")
    try:
        return base64.b64decode(b"".join(keys[0].split()), validate=True)
    except binascii.Error as error:
        raise InputError("SM2_PRIVATE_KEY") from error


def _is_sealed(data: bytes) -> bool:
    """EncryptedPrivateKeyInfo: an algorithm and octets; the others begin with a version."""
    return [field.tag for field in der.read(data, der.SEQUENCE).children()] == [der.SEQUENCE, der.OCTET_STRING]


def _read_structure(data: bytes) -> tuple[bytes, bytes]:
    fields = der.read(data, der.SEQUENCE).children()
    wrapped = fields[:2] and fields[0].outer == _ZERO
    if wrapped:
        if [field.outer for field in fields[:2]] != [_ZERO, _ALGORITHM] or len(fields) != 3:
            raise InputError("DER_SHAPE")
        fields = der.read(der.read(fields[2].outer, der.OCTET_STRING).content, der.SEQUENCE).children()
    if [field.tag for field in fields[:2]] != [der.INTEGER, der.OCTET_STRING] or fields[0].outer != _ONE:
        raise InputError("DER_SHAPE")
    optional = {field.tag: field.content for field in fields[2:]}
    named = optional.get(_PARAMETERS, CURVE if wrapped else b"")
    in_order = [field.tag for field in fields[2:]] in ([_PUBLIC], [_PARAMETERS, _PUBLIC])
    if not in_order or named != CURVE or len(fields[1].content) != PRIVATE_BYTES:
        raise InputError("DER_SHAPE")
    bits = der.read(optional[_PUBLIC], der.BIT_STRING).content
    if bits[:1] != b"\0":
        raise InputError("DER_SHAPE")
    return fields[1].content, bits[1:]
