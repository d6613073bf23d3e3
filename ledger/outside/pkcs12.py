"""PKCS#12 files (RFC 7292): one private key with its certificate and those above it, as CAs hand them out.

Read here rather than by ``cryptography``, which refuses SM2 and does as many iterations as a file asks for. The
container comes from many hands, some of which write BER, so ``asn1crypto`` takes it apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asn1crypto.tsp  # noqa: F401 (it adds names to those of cms, which is too late once one was used)
from asn1crypto import cms, core
from asn1crypto.pkcs12 import AuthenticatedSafe, Pfx, SafeContents

from ledger.crypto import der
from ledger.crypto.certificates import read_certificate
from ledger.errors import InputError
from ledger.outside import pkcs12_passwords
from ledger.outside.key_files import MAX_BYTES, MAX_KEY
from ledger.outside.key_material import certified_key
from ledger.outside.software_keys import SoftwareKey

MAX_PARTS = 8
"""Encrypted parts and keys of a file: each costs a derivation."""
_VERSION = b"\x02\x01\x03"
# what the library raises for what it cannot read; the last for nesting without end
_MALFORMED = (InputError, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True, repr=False)
class _Found:
    """PrivateKeyInfo and certificates, DER."""

    effort: pkcs12_passwords.Effort
    keys: list[bytes]
    certificates: list[bytes]


@dataclass(frozen=True, slots=True, repr=False)
class KeyFile:
    """``key``: PrivateKeyInfo; ``certificate``: for it, or ``None``; ``others``: whatever else the file holds; DER."""

    key: bytes
    certificate: bytes | None
    others: tuple[bytes, ...]


def is_pkcs12(data: bytes) -> bool:
    """Does it begin as a PFX does: a SEQUENCE, of whatever form of length, whose first member is INTEGER 3?"""
    if data[:1] != b"\x30" or len(data) < 8:
        return False
    length = data[1] & 0x7F if data[1] & 0x80 else 0
    return data[2 + length : 5 + length] == _VERSION


def read_pkcs12(data: bytes, passphrase: bytes | None) -> KeyFile:
    """The file's only key, and the certificates in it.

    Raises:
        InputError: ``PKCS12_FORM``; ``PKCS12_MAC`` no code over the file, or one of an unknown kind; ``PKCS12_KEYS``
            not exactly one key; ``KEY_ENCRYPTION``; ``KEY_PASSPHRASE``. None shows a byte of the file.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    if len(data) > MAX_BYTES:
        raise InputError("PKCS12_FORM")
    try:
        pfx = Pfx.load(data, strict=True)
        if pfx["auth_safe"]["content_type"].native != "data":
            raise InputError("PKCS12_FORM")
        content = pfx["auth_safe"]["content"].native
        if passphrase is None:
            raise InputError("KEY_PASSPHRASE")
        found = _Found(pkcs12_passwords.Effort(), [], [])
        _check_mac(pfx, content, passphrase, found.effort)
        for part in _parts(content, passphrase, found.effort):
            _collect(SafeContents.load(part, strict=True), passphrase, found)
    except _MALFORMED as error:
        if isinstance(error, InputError) and error.code.startswith(("KEY_", "PKCS12_")):
            raise InputError(error.code, **error.values) from None
        raise InputError("PKCS12_FORM") from None  # no cause: decrypted bytes may stand in it
    if len(found.keys) != 1:
        raise InputError("PKCS12_KEYS", count=len(found.keys))
    own = _certificate_of(found)
    return KeyFile(found.keys[0], own, tuple(dict.fromkeys(c for c in found.certificates if c != own)))


def _check_mac(pfx: Any, content: bytes, passphrase: bytes, effort: pkcs12_passwords.Effort) -> None:
    mac = pfx["mac_data"]
    if isinstance(mac, core.Void):
        raise InputError("PKCS12_MAC")
    hash_ = pkcs12_passwords.MAC_HASHES.get(mac["mac"]["digest_algorithm"]["algorithm"].dotted)
    if hash_ is None:
        raise InputError("PKCS12_MAC")
    salt, rounds, code = mac["mac_salt"].native, mac["iterations"].native, mac["mac"]["digest"].native
    pkcs12_passwords.check_mac(content, hash_, salt, rounds, code, passphrase, effort)


def _parts(content: bytes, passphrase: bytes, effort: pkcs12_passwords.Effort) -> Iterator[bytes]:
    """SafeContents of every part, decrypted."""
    safe = AuthenticatedSafe.load(content, strict=True)
    if len(safe) > MAX_PARTS:
        raise InputError("PKCS12_FORM")
    for part in safe:
        kind = part["content_type"].native
        if kind == "data":
            yield part["content"].native
        elif kind == "encrypted_data":
            sealed: cms.EncryptedContentInfo = part["content"]["encrypted_content_info"]
            scheme = sealed["content_encryption_algorithm"].dump()
            yield pkcs12_passwords.decrypt(scheme, sealed["encrypted_content"].native, passphrase, effort)
        else:
            raise InputError("KEY_ENCRYPTION")  # to a recipient's key


def _collect(bags: Any, passphrase: bytes, found: _Found) -> None:
    for bag in bags:
        kind, value = bag["bag_id"].native, bag["bag_value"]
        if len(found.keys) == MAX_PARTS:
            raise InputError("PKCS12_KEYS", count=MAX_PARTS)
        if kind == "key_bag":
            found.keys.append(_key(value.untag().dump()))
        elif kind == "pkcs8_shrouded_key_bag":
            scheme, sealed = value["encryption_algorithm"].dump(), value["encrypted_data"].native
            found.keys.append(_key(pkcs12_passwords.decrypt(scheme, sealed, passphrase, found.effort)))
        elif kind == "cert_bag" and value["cert_id"].native == "x509":
            found.certificates.append(value["cert_value"].parsed.dump())


def _key(data: bytes) -> bytes:
    """Read again, strictly, by whoever makes a key of it."""
    if len(data) > MAX_KEY:
        raise InputError("PKCS12_FORM")
    return der.read(data, der.SEQUENCE).outer


def _certificate_of(found: _Found) -> bytes | None:
    """The certificate that holds the key's public half; the others are of its CAs."""
    own = SoftwareKey(found.keys[0]).spki
    for certificate in found.certificates:
        try:
            certified_key(own, read_certificate(certificate).spki)
        except InputError:
            continue
        return certificate
    return None
