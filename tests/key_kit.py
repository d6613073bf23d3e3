"""Keys and self-signed certificates for tests, made once a run, and skipping where a tool is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger.crypto import pem
from ledger.outside.software_keys import SoftwareKey

ALGORITHMS = ("ecdsa-p256", "ecdsa-p384", "ed25519", "sm2", "rsa-2048", "rsa-pss-2048")
SM2_OPTIONS = ("-sm3", "-sigopt", "distid:1234567812345678")


def software_key(key: Any) -> SoftwareKey:
    """Of a key object of ``cryptography``."""
    return SoftwareKey(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


@cache
def key(algorithm: str) -> SoftwareKey:
    """The same for the whole run: making RSA keys is slow."""
    return SoftwareKey.generate(algorithm)


@cache
def self_signed(algorithm: str) -> bytes:
    """A certificate (DER) for ``key(algorithm)``, made by openssl, valid for a month from now."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "key.pem").write_bytes(key(algorithm).to_pem(None))
        openssl(
            here, "req", "-new", "-x509", "-key", "key.pem", "-utf8", "-subj", f"/O=示范局/CN={algorithm}",
            "-days", "30", "-out", "crt.pem", *(SM2_OPTIONS if algorithm == "sm2" else ()),
        )  # fmt: skip
        ((_, certificate),) = pem.read((here / "crt.pem").read_bytes())
        return certificate


def missing(what: str) -> NoReturn:
    """Skips; fails where nothing may be skipped."""
    if os.environ.get("ZHENGYIN_NO_SKIP") == "1":
        pytest.fail(what)
    pytest.skip(what)


def openssl(folder: Path, *arguments: str) -> str:
    """Run ``openssl`` in ``folder``; returns what it said on stderr and stdout."""
    if shutil.which("openssl") is None:
        missing("openssl is not installed")
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return (done.stderr + done.stdout).decode()
