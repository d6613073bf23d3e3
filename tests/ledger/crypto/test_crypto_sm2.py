"""SM2 with SM3: published vectors, both backends against each other, and everything that must be refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from crypto_kit import p256
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sm2_kit import VECTORS, code_of, missing

from ledger.crypto import der, sm2, sm2_backends
from ledger.crypto.algorithms import algorithm_of, sign_raw, verify_raw
from ledger.crypto.sm2 import Sm2PrivateKey, Sm2PublicKey
from ledger.crypto.sm2_backends import Backend, GmsslBackend, LibcryptoBackend
from ledger.crypto.sm2_encoding import N, P, read_private, spki_of
from ledger.errors import ConfigError

BACKENDS: list[type[LibcryptoBackend] | type[GmsslBackend]] = [LibcryptoBackend, GmsslBackend]
KEY = sm2.generate()
POINT = KEY.public_key().point
MESSAGE = "证照".encode()
SIGNATURE = KEY.sign(MESSAGE)
quick = settings(deadline=None, max_examples=60)


def made(backend: Callable[[], Backend]) -> Backend:
    """On its own: each must stand by itself, whichever is chosen on this machine."""
    try:
        return sm2.first_of([backend])
    except ConfigError:
        if backend is GmsslBackend:
            missing("gmssl-pyx is not installed")
        missing("this machine's libcrypto has no SM2")


def openssl_vectors() -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    """The private key in PEM; (hash, digest, signature) of each signature."""
    text = (VECTORS / "openssl_sm2_verify.txt").read_text("utf-8")
    pem = re.search(r"-----BEGIN.*?-----END PRIVATE KEY-----", text, re.S)
    assert pem
    found = re.findall(r"Ctrl = digest:(\w+)\nInput = (\w+)\nOutput = (\w+)", text)
    return pem[0].encode(), [(name, bytes.fromhex(e), bytes.fromhex(s)) for name, e, s in found]


@pytest.mark.parametrize("backend", BACKENDS)
def test_openssl_s_signatures_verify_and_changed_ones_do_not(backend: type[LibcryptoBackend]) -> None:
    found, (pem, vectors) = made(backend), openssl_vectors()
    _, public = read_private(pem)
    assert len(vectors) == 3
    for _, digest, signature in [one for one in vectors if one[0] == "SM3"]:
        assert found.verify(public, digest, signature)
        for at in (0, 15, 31):
            other = digest[:at] + bytes([digest[at] ^ 1]) + digest[at + 1 :]
            assert not found.verify(public, other, signature)
        for at in (10, len(signature) - 1):
            forged = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
            assert not found.verify(public, digest, forged)


def test_a_signature_over_another_hash_is_none_over_sm3() -> None:
    pem, vectors = openssl_vectors()
    (other,) = [one for one in vectors if one[0] == "SHA512"]
    _, public = read_private(pem)
    assert code_of(lambda: sm2.verify(public, other[1], other[2])) == "SM2_SIGNATURE"


def test_sm3_of_the_standard() -> None:
    text = (VECTORS / "pyca_sm3_oscca.txt").read_text("utf-8")
    vectors = re.findall(r"Len = (\d+)\nMsg = (\w+)\nMD = (\w+)", text)
    assert len(vectors) >= 5
    of = algorithm_of(spki_of(POINT)).digest.of
    for bits, message, digest in vectors:
        assert of(bytes.fromhex(message)[: int(bits) // 8]).hex() == digest


def test_hmac_sm3_of_wycheproof() -> None:
    groups = json.loads((VECTORS / "wycheproof" / "hmac_sm3_test.json").read_text("utf-8"))["testGroups"]
    seen = set()
    for group in groups:
        for test in group["tests"]:
            found = HMAC(bytes.fromhex(test["key"]), SM3())
            found.update(bytes.fromhex(test["msg"]))
            same = found.finalize()[: group["tagSize"] // 8].hex() == test["tag"]
            assert same is (test["result"] == "valid"), test["tcId"]
            seen.add(same)
    assert seen == {True, False}


@pytest.mark.parametrize("signing", BACKENDS)
@pytest.mark.parametrize("verifying", BACKENDS)
def test_what_one_backend_signs_the_other_verifies(
    signing: type[LibcryptoBackend], verifying: type[LibcryptoBackend]
) -> None:
    signer, verifier = made(signing), made(verifying)
    private, public = signer.generate()
    sign = signer.signer(private, public)
    for number in range(40):
        digest = hashlib.sha256(bytes([number])).digest()
        signature = sign(digest)
        assert verifier.verify(public, digest, signature)
        assert not verifier.verify(public, hashlib.sha256(digest).digest(), signature)


@quick
@given(st.binary(max_size=300), st.integers(0, 2**16))
def test_a_signature_holds_for_its_message_and_key_alone(message: bytes, place: int) -> None:
    signature = KEY.sign(message)
    KEY.public_key().verify(signature, message)
    at, forged = place % (8 * len(signature)), bytearray(signature)
    forged[at // 8] ^= 1 << at % 8
    assert code_of(lambda: sm2.verify(POINT, message, bytes(forged))) == "SM2_SIGNATURE"
    assert code_of(lambda: sm2.verify(POINT, message + b"\0", signature)) == "SM2_SIGNATURE"
    assert code_of(lambda: sm2.verify(OTHER, message, signature)) == "SM2_SIGNATURE"


OTHER = sm2.generate().public_key().point


@pytest.mark.parametrize("identifier", [b"", b"1234567812345679", b"ALICE123@YAHOO.COM"])
def test_another_identifier_is_another_signature(identifier: bytes) -> None:
    """OpenSSL's own default is the empty one."""
    assert code_of(lambda: sm2.verify(POINT, MESSAGE, SIGNATURE, identifier)) == "SM2_SIGNATURE"
    named = KEY.sign(MESSAGE, identifier)
    sm2.verify(POINT, MESSAGE, named, identifier)
    assert code_of(lambda: sm2.verify(POINT, MESSAGE, named)) == "SM2_SIGNATURE"


def test_an_identifier_of_endless_length() -> None:
    assert code_of(lambda: KEY.sign(MESSAGE, bytes(8192))) == "SM2_IDENTIFIER"
    sm2.verify(POINT, MESSAGE, KEY.sign(MESSAGE, bytes(8191)), bytes(8191))


def test_openssl_signs_what_we_verify_and_the_reverse(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        missing("openssl is not installed")
    files = [str(tmp_path / name) for name in ("key.pem", "message", "signature", "public.pem")]
    Path(files[0]).write_bytes(KEY.to_pkcs8())
    Path(files[1]).write_bytes(MESSAGE)
    Path(files[3]).write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    options = ["-rawin", "-in", files[1], "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    signing = ["openssl", "pkeyutl", "-sign", "-inkey", files[0], *options, "-out", files[2]]
    done = subprocess.run(signing, capture_output=True, check=False)
    if done.returncode:
        missing("this openssl has no SM2")
    sm2.verify(POINT, MESSAGE, Path(files[2]).read_bytes())
    Path(files[2]).write_bytes(SIGNATURE)
    verified = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", files[3], *options, "-sigfile", files[2]]
    assert subprocess.run(verified, capture_output=True, check=False).returncode == 0


# ---- bytes with slack


def integers(signature: bytes) -> tuple[bytes, bytes]:
    r, s = der.members(der.read(signature, der.SEQUENCE), der.INTEGER, der.INTEGER)
    return r.content, s.content


R, S = integers(SIGNATURE)
ORDER = b"\0" + N.to_bytes(32, "big")
SPELLINGS = {
    "trailing byte": SIGNATURE + b"\0",
    "leading zeros": der.write(0x30, der.write(2, b"\0\0" + R), der.write(2, S)),
    "long form of a length": b"\x30\x81" + SIGNATURE[1:],
    "r is zero": der.write(0x30, der.write(2, b"\0"), der.write(2, S)),
    "s is zero": der.write(0x30, der.write(2, R), der.write(2, b"\0")),
    "r is the order": der.write(0x30, der.write(2, ORDER), der.write(2, S)),
    "s is the order": der.write(0x30, der.write(2, R), der.write(2, ORDER)),
    "negative": der.write(0x30, der.write(2, b"\x80" + bytes(31)), der.write(2, S)),
    "no number": der.write(0x30, der.write(2), der.write(2, S)),
    "raw r and s": R[-32:].rjust(32, b"\0") + S[-32:].rjust(32, b"\0"),
    "nothing": b"",
    "three numbers": der.write(0x30, der.write(2, R), der.write(2, S), der.write(2, b"\1")),
    # (r + s) modulo n is zero: no such signature exists (GB/T 32918.2 clause 7.1)
    "r + s is the order": der.write(0x30, der.write(2, b"\1"), der.write(2, b"\0" + (N - 1).to_bytes(32, "big"))),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_signature_has_one_spelling(name: str) -> None:
    assert code_of(lambda: sm2.verify(POINT, MESSAGE, SPELLINGS[name])) == "SM2_SIGNATURE"


X, Y = POINT[1:33], POINT[33:]
POINTS = {
    "another curve's": p256().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
    "compressed": bytes([2 + Y[-1] % 2]) + X,
    "infinity": b"\0",
    "nothing": b"",
    "off the curve": POINT[:-1] + bytes([POINT[-1] ^ 1]),
    "zero": b"\4" + bytes(64),
    "beyond the prime": b"\4" + P.to_bytes(32, "big") + Y,
    "without its mark": X + Y,
    "hybrid": bytes([6 + Y[-1] % 2]) + X + Y,
    "trailing byte": POINT + b"\0",
}


@pytest.mark.parametrize("name", POINTS)
def test_a_key_is_an_uncompressed_point_of_the_curve(name: str) -> None:
    assert code_of(lambda: sm2.verify(POINTS[name], MESSAGE, SIGNATURE)) == "SM2_KEY"
    assert code_of(lambda: Sm2PublicKey(POINTS[name])) == "SM2_KEY"
    assert code_of(lambda: algorithm_of(spki_of(POINTS[name]))) == "SIGNATURE_KEY"


def test_a_p256_key_is_no_sm2_key_and_the_reverse() -> None:
    other = p256()
    spki = other.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert code_of(lambda: Sm2PublicKey.from_spki(spki)) == "SM2_KEY"
    pkcs8 = other.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert code_of(lambda: Sm2PrivateKey.load(pkcs8)) == "SM2_PRIVATE_KEY"
    for key, name in ((spki, "sm2-sm3"), (spki_of(POINT), "ecdsa-p256-sha256")):
        assert code_of(lambda key=key, name=name: verify_raw(key, name, SIGNATURE, MESSAGE)) == "SIGNATURE_ALGORITHM"
    ecdsa = sign_raw(other, MESSAGE)
    assert code_of(lambda: verify_raw(spki_of(POINT), "sm2-sm3", ecdsa, MESSAGE)) == "SIGNATURE_INVALID"
    assert code_of(lambda: verify_raw(spki, "ecdsa-p256-sha256", SIGNATURE, MESSAGE)) == "SIGNATURE_INVALID"


# ---- choosing the backend


class Agreeable:
    """Says yes to everything."""

    name = "agreeable"

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool:
        return True

    def signer(self, private: bytes, public: bytes) -> Callable[[bytes], bytes]:
        return lambda digest: bytes(64)

    def generate(self) -> tuple[bytes, bytes]:
        return bytes(32), bytes(65)


class Refusing(Agreeable):
    def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool:
        return False


@pytest.mark.parametrize("broken", [Agreeable, Refusing])
def test_a_backend_that_fails_the_known_answers_is_never_used(broken: Callable[[], Backend]) -> None:
    assert code_of(lambda: sm2.first_of([broken])) == "SM2_UNAVAILABLE"
    assert sm2.first_of([broken, lambda: sm2.backend()]) is sm2.backend()


def test_without_libcrypto_the_package_is_used_and_without_both_one_error_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sm2_backends, "LIBRARIES", ("libnothing.so.0",))
    assert code_of(LibcryptoBackend) == "SM2_UNAVAILABLE"
    made(GmsslBackend)
    assert isinstance(sm2.first_of(sm2.BACKENDS), GmsslBackend)
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    assert code_of(lambda: sm2.first_of(sm2.BACKENDS)) == "SM2_UNAVAILABLE"


def test_a_libcrypto_without_what_is_needed_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2_backends, "LIBRARIES", ("libc.so.6",))
    assert code_of(LibcryptoBackend) == "SM2_UNAVAILABLE"


def test_the_backend_in_use_has_a_name() -> None:
    assert sm2.available().startswith(("libcrypto", "gmssl-pyx"))
