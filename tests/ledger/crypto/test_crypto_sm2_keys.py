"""Private keys for SM2: in files, under passphrases, hostile ones, and among threads."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from crypto_kit import p256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sm2_kit import code_of, missing

from ledger.crypto import der, sealed_keys, sm2
from ledger.crypto.sm2 import Sm2PrivateKey, Sm2PublicKey
from ledger.crypto.sm2_encoding import N, read_private, write_pkcs8
from ledger.errors import InputError

KEY = sm2.generate()
POINT = KEY.public_key().point
MESSAGE = "证照".encode()
quick = settings(deadline=None, max_examples=60)


def test_private_keys_come_back_and_are_not_shown() -> None:
    for encoding in (Encoding.PEM, Encoding.DER):
        again = Sm2PrivateKey.load(KEY.to_pkcs8(encoding))
        sm2.verify(POINT, MESSAGE, again.sign(MESSAGE))
    private, public = read_private(KEY.to_pkcs8())
    assert public == POINT and private.hex() not in repr(KEY) + repr(KEY.sign)
    assert repr(KEY) == str(KEY) == "Sm2PrivateKey(…)"
    sm2.verify(POINT, MESSAGE, sm2.sign(private, public, MESSAGE))


def test_sec1_files_of_openssl_are_read() -> None:
    private, _ = read_private(KEY.to_pkcs8())
    curve = der.write(0xA0, der.write_oid("1.2.156.10197.1.301"))
    public = der.write(0xA1, der.write(3, b"\0", POINT))
    plain = [der.write(2, b"\1"), der.write(4, private)]
    assert read_private(der.write(0x30, *plain, curve, public)) == (private, POINT)
    assert code_of(lambda: read_private(der.write(0x30, *plain, curve))) == "SM2_PRIVATE_KEY"
    assert code_of(lambda: read_private(der.write(0x30, *plain, public))) == "SM2_PRIVATE_KEY"
    p256_curve = der.write(0xA0, der.write_oid("1.2.840.10045.3.1.7"))
    assert code_of(lambda: read_private(der.write(0x30, *plain, p256_curve, public))) == "SM2_PRIVATE_KEY"


def test_a_private_key_with_another_public_key() -> None:
    private, _ = read_private(KEY.to_pkcs8())
    assert code_of(lambda: Sm2PrivateKey(private, sm2.generate().public_key().point)) == "SM2_PRIVATE_KEY"
    assert code_of(lambda: Sm2PrivateKey(private, b"\4" + bytes(64))) == "SM2_KEY"


@pytest.mark.parametrize("value", [0, N - 1, N, 2**256 - 1])
def test_private_keys_out_of_range(value: int) -> None:
    private = value.to_bytes(32, "big")
    assert code_of(lambda: Sm2PrivateKey(private, POINT)) == "SM2_PRIVATE_KEY"
    assert code_of(lambda: read_private(write_pkcs8(private, POINT))) == "SM2_PRIVATE_KEY"


@quick
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: KEY.to_pkcs8(Encoding.DER)[: len(b)] + b))
def test_hostile_key_files_are_refused_in_words_without_their_bytes(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        Sm2PrivateKey.load(data)
    assert (caught.value.code, caught.value.values) == ("SM2_PRIVATE_KEY", {})
    assert code_of(lambda: Sm2PublicKey.from_spki(data)) == "SM2_KEY"


def test_pem_with_two_keys_or_none() -> None:
    pem = KEY.to_pkcs8()
    for data in (pem + pem, b"-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n", pem.replace(b"\n", b"\n!", 3)):
        assert code_of(lambda data=data: Sm2PrivateKey.load(data)) == "SM2_PRIVATE_KEY"
    assert code_of(lambda: Sm2PrivateKey.load(bytes(5000))) == "SM2_PRIVATE_KEY"


PASSPHRASE = "口令".encode()


def test_a_key_under_a_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_keys, "ITERATIONS", 70_000)
    for encoding in (Encoding.PEM, Encoding.DER):
        sealed = KEY.to_pkcs8(encoding, PASSPHRASE)
        assert KEY.to_pkcs8(Encoding.DER)[-60:] not in sealed
        sm2.verify(POINT, MESSAGE, Sm2PrivateKey.load(sealed, PASSPHRASE).sign(MESSAGE))
        for wrong in (None, b"", PASSPHRASE + b"."):
            # one wrong passphrase in some hundred leaves a padding, hardly any a structure
            refused = code_of(lambda sealed=sealed, wrong=wrong: Sm2PrivateKey.load(sealed, wrong))
            assert refused == "KEY_PASSPHRASE"
    # the same scheme as that of other software
    other = p256().private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE))
    assert sealed_keys.open_key(other, PASSPHRASE)[:1] == b"\x30"
    plain = p256().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    load_der_private_key(sealed_keys.seal_key(plain, PASSPHRASE), PASSPHRASE)
    assert code_of(lambda: Sm2PrivateKey.load(other, PASSPHRASE)) == "SM2_PRIVATE_KEY"


def test_openssl_opens_a_key_under_a_passphrase(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        missing("openssl is not installed")
    file = tmp_path / "key.pem"
    file.write_bytes(KEY.to_pkcs8(passphrase=PASSPHRASE))
    command = [
        "openssl",
        "pkey",
        "-in",
        str(file),
        "-passin",
        f"pass:{PASSPHRASE.decode()}",
        "-aes-256-cbc",
        "-passout",
    ]
    done = subprocess.run([*command, "pass:other"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Sm2PrivateKey.load(done.stdout, b"other").public_key().point == POINT


def test_a_key_file_cannot_ask_for_hours_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_keys, "ITERATIONS", 70_000)
    sealed = KEY.to_pkcs8(Encoding.DER, PASSPHRASE)
    count = (70_000).to_bytes(3, "big")
    assert sealed.count(count) == 1
    for other in (b"\x7f\xff\xff", b"\xff\xff\xff", bytes(3)):
        monkeypatch.setattr(sealed_keys, "MAX_ITERATIONS", 100_000)
        assert (
            code_of(lambda other=other: Sm2PrivateKey.load(sealed.replace(count, other), PASSPHRASE))
            == "KEY_ENCRYPTION"
        )
    other_mode = sealed.replace(der.write_oid("2.16.840.1.101.3.4.1.42"), der.write_oid("2.16.840.1.101.3.4.1.43"))
    assert code_of(lambda: Sm2PrivateKey.load(other_mode, PASSPHRASE)) == "KEY_ENCRYPTION"


def test_threads_share_a_key() -> None:
    def work(number: int) -> None:
        message = bytes([number])
        KEY.public_key().verify(KEY.sign(message), message)

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(work, range(80)))) == 80
