"""Certificates and CRLs of SM2 authorities, and published ones."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from crypto_kit import CA_USAGE, certificate, crl, p256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sm2_signing import signed_again

from ledger.crypto.sm2 import Sm2PrivateKey, generate
from ledger.errors import ConfigError, InputError

VECTORS = Path(__file__).resolve().parents[3] / ".." / "shared" / "vectors" / "sm2"
_STAND_IN = p256()
_STAND_IN_SPKI = _STAND_IN.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def code_of(work: Callable[[], object]) -> str:
    """The code of our error that ``work`` ends in."""
    with pytest.raises((InputError, ConfigError)) as caught:
        work()
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def sm2_certificate(subject: str, public: Any, issuer: str, key: Sm2PrivateKey, **details: Any) -> bytes:
    made = certificate(subject, _STAND_IN.public_key(), issuer, _STAND_IN, **details)
    return signed_again(made, key, _STAND_IN_SPKI, public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def sm2_crl(issuer: str, key: Sm2PrivateKey, **details: Any) -> bytes:
    return signed_again(crl(issuer, _STAND_IN, **details), key)


class Sm2Chain:
    """root → issuing → leaf, all SM2."""

    def __init__(self, **leaf: Any) -> None:
        self.root_key, self.issuing_key, self.key = generate(), generate(), generate()
        public = [k.public_key() for k in (self.root_key, self.issuing_key, self.key)]
        self.root = sm2_certificate("Root", public[0], "Root", self.root_key, ca=True, key_usage=CA_USAGE)
        self.issuing = sm2_certificate("Issuing", public[1], "Root", self.root_key, ca=True, key_usage=CA_USAGE)
        self.leaf = sm2_certificate("Office", public[2], "Issuing", self.issuing_key, **leaf)


def stored_certificate(name: str, number: int = 0) -> bytes:
    """A published certificate; ``number``: which of the file."""
    text = (VECTORS / "tongsuo_certs" / name).read_text("utf-8")
    body = text.split("-----BEGIN CERTIFICATE-----")[number + 1].split("-----END")[0]
    return base64.b64decode("".join(body.split()))


def missing(reason: str) -> NoReturn:
    """Skips, or fails under ZHENGYIN_NO_SKIP=1."""
    (pytest.fail if os.environ.get("ZHENGYIN_NO_SKIP") == "1" else pytest.skip)(reason)
    raise AssertionError
