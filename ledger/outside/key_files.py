"""Private keys as people hand them over, made into the one form that is kept: PrivateKeyInfo (PKCS#8), DER.

The bytes are read here rather than by a library because none knows every key that a CA may hand out (SM2, RSA for PSS
alone), and because a file must not be able to ask for hours of work.
"""

from __future__ import annotations

from ledger.crypto import der, pem
from ledger.errors import InputError
from ledger.outside import pkcs12_passwords

MAX_BYTES = 65_536
MAX_KEY = 4096
"""Bytes of a PrivateKeyInfo: an RSA key of 4096 bits has 2400; checking a longer one takes minutes."""
LABELS = ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "SM2 PRIVATE KEY", "RSA PRIVATE KEY")
_ZERO, _ONE = der.write(der.INTEGER, b"\x00"), der.write(der.INTEGER, b"\x01")
_EC = der.write_oid("1.2.840.10045.2.1")
_RSA = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.1"), der.write(der.NULL))
_PARAMETERS = 0xA0


def read_private_key(data: bytes, passphrase: bytes | None) -> bytes:
    """PrivateKeyInfo, DER, of a file: PKCS#8 (plain or encrypted), SEC 1 or PKCS#1, PEM or DER. Of PEM the only block
    that is a private key, whatever else the file holds.

    Raises:
        InputError: ``KEY_FILE_FORM``; ``KEY_ENCRYPTION``; ``KEY_PASSPHRASE``. None shows a byte of the file.
    """
    if len(data) > MAX_BYTES:
        raise InputError("KEY_FILE_FORM")
    try:
        found = _only_key(data)
        fields = _fields(found)
        if _tags(fields, der.SEQUENCE, der.OCTET_STRING) and len(fields) == 2:
            if passphrase is None:
                raise InputError("KEY_PASSPHRASE")
            found = pkcs12_passwords.decrypt(fields[0].outer, fields[1].content, passphrase, pkcs12_passwords.Effort())
            try:
                fields = _fields(found)
            except InputError:
                raise InputError("KEY_PASSPHRASE") from None  # one wrong passphrase in some hundred leaves a padding
        made = _private_key_info(found, fields)
    except InputError as error:
        code = error.code if error.code.startswith("KEY_") else "KEY_FILE_FORM"
        raise InputError(code) from None
    if len(made) > MAX_KEY:
        raise InputError("KEY_FILE_FORM")
    return made


def _only_key(data: bytes) -> bytes:
    if not pem.is_pem(data):
        return data
    keys = [found for label, found in pem.read(data) if label in LABELS]
    if len(keys) != 1:
        raise InputError("KEY_FILE_FORM")
    return keys[0]


def _fields(data: bytes) -> list[der.Element]:
    return der.read_all(der.read(data, der.SEQUENCE).content, 16)


def _tags(fields: list[der.Element], *tags: int) -> bool:
    return [field.tag for field in fields[: len(tags)]] == list(tags)


def _private_key_info(data: bytes, fields: list[der.Element]) -> bytes:
    if _tags(fields, der.INTEGER, der.SEQUENCE, der.OCTET_STRING):
        return data
    if _tags(fields, der.INTEGER, der.OCTET_STRING) and fields[0].outer == _ONE:  # SEC 1 (RFC 5915)
        (curve,) = [field.content for field in fields[2:] if field.tag == _PARAMETERS] or [b""]
        der.read(curve, der.OID)
        algorithm = der.write(der.SEQUENCE, _EC, curve)
    elif _tags(fields, *[der.INTEGER] * 9) and fields[0].outer == _ZERO:  # PKCS#1 (RFC 8017 appendix A.1.2)
        algorithm = _RSA
    else:
        raise InputError("KEY_FILE_FORM")
    return der.write(der.SEQUENCE, _ZERO, algorithm, der.write(der.OCTET_STRING, data))
