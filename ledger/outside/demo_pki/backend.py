"""certomancer with SM2: its keys and signatures by ``ledger.crypto.sm2``, and digests by SM3.

Imported only where certomancer is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import certomancer.default_plugins  # noqa: F401  (profiles and extensions that authorities.yml names)
from asn1crypto import keys, pem
from certomancer import crypto_utils, services
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

import ledger.crypto.path_signatures  # noqa: F401  (asn1crypto learns the names of SM2 and SM3)
from ledger.crypto.digests import sm3
from ledger.crypto.sm2 import Sm2PrivateKey
from ledger.crypto.sm2_encoding import CURVE

_SIGN: dict[str, Callable[[Any, bytes], bytes]] = {
    "sm3_sm2": lambda key, data: key.sign(data),
    "sha256_rsa": lambda key, data: key.sign(data, padding.PKCS1v15(), SHA256()),
    "sha256_ecdsa": lambda key, data: key.sign(data, ec.ECDSA(SHA256())),
    "ed25519": lambda key, data: key.sign(data),
}


class Sm2Backend(crypto_utils.PycaCryptographyBackend):
    """What certomancer has, and SM2; keys are taken in once (checking one of RSA takes a tenth of a second)."""

    def __init__(self) -> None:
        self._keys: dict[bytes, Any] = {}
        self._loaded: dict[bytes, tuple[Any, Any]] = {}

    def load_private_key(self, key_bytes: bytes, password: bytes | None) -> tuple[Any, Any]:
        if key_bytes not in self._loaded:
            self._loaded[key_bytes] = self._load(key_bytes, password)
        return self._loaded[key_bytes]

    def _load(self, key_bytes: bytes, password: bytes | None) -> tuple[Any, Any]:
        der = pem.unarmor(key_bytes)[2] if pem.detect(key_bytes) else key_bytes
        if CURVE in der:
            key: Any = Sm2PrivateKey.load(der)
            private = key.to_pkcs8(Encoding.DER)
        else:
            key = load_der_private_key(der, password)
            private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._keys[private] = key
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return keys.PrivateKeyInfo.load(private), keys.PublicKeyInfo.load(public)

    def generic_sign(self, private_key: Any, tbs_bytes: bytes, sd_algo: Any) -> bytes:
        sign, key = _SIGN.get(sd_algo["algorithm"].native), self._keys.get(private_key.dump())
        if sign is None or key is None:
            return bytes(super().generic_sign(private_key, tbs_bytes, sd_algo))
        return bytes(sign(key, tbs_bytes))


class _Sm3:
    """As much of a hash object of ``hashlib`` as a time-stamp needs."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def digest(self) -> bytes:
        return sm3(self._data)


class _Digests:
    """``hashlib`` with SM3: certomancer looks digests up there by name."""

    sm3 = _Sm3

    def __getattr__(self, name: str) -> Any:
        return getattr(hashlib, name)


def install() -> None:
    """Have certomancer, in this process, use this backend."""
    if not isinstance(crypto_utils.CRYPTO_BACKEND, Sm2Backend):
        crypto_utils.CRYPTO_BACKEND = Sm2Backend()
        services.hashlib = _Digests()  # type: ignore[attr-defined, assignment]
