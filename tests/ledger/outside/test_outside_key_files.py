"""Private keys as people hand them over; whatever the file, only our errors, and none of its bytes in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from key_kit import key, openssl

from ledger.crypto import der, pem
from ledger.errors import InputError
from ledger.outside.key_files import MAX_BYTES, read_private_key
from ledger.outside.software_keys import SoftwareKey

WORDS = b"geheim"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys as PKCS#8 PEM, and the passphrase in a file."""
    made = tmp_path_factory.mktemp("keys")
    for name in ("ecdsa-p256", "sm2", "rsa-2048", "ed25519"):
        (made / f"{name}.pem").write_bytes(key(name).to_pem(None))
    (made / "words").write_bytes(WORDS)
    return made


def refusal(data: bytes, passphrase: bytes | None = None) -> str:
    with pytest.raises(InputError) as caught:
        SoftwareKey(read_private_key(data, passphrase))
    assert caught.value.values == {} and caught.value.__cause__ is None
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


@pytest.mark.parametrize("form", ["PEM", "DER"])
@pytest.mark.parametrize("name", ["ecdsa-p256", "sm2", "rsa-2048"])
def test_the_old_forms_of_openssl(folder: Path, name: str, form: str) -> None:
    """SEC 1 and PKCS#1."""
    command = ("rsa", "-traditional") if name == "rsa-2048" else ("ec",)
    openssl(folder, *command, "-in", f"{name}.pem", "-outform", form, "-out", "old")
    data = (folder / "old").read_bytes()
    assert SoftwareKey(read_private_key(data, None)).spki == key(name).spki
    if form == "PEM":  # with its curve before it and a certificate behind, as some programs write
        before = b"Key of the office\n" + pem.write("EC PARAMETERS", b"\x05\x00").encode()
        beside = before + data + pem.write("CERTIFICATE", b"\x30\x00").encode()
        assert SoftwareKey(read_private_key(beside, None)).spki == key(name).spki


@pytest.mark.parametrize(
    "options",
    [
        ("-v2", "aes-128-cbc"), ("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"),
        ("-v2", "des3", "-v2prf", "hmacWithSHA1"), ("-v2", "sm4-cbc"),
        ("-v1", "PBE-SHA1-3DES"), ("-v1", "PBE-SHA1-2DES"),
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("name", ["sm2", "ed25519"])
def test_encrypted_pkcs8_of_openssl(folder: Path, name: str, options: tuple[str, ...]) -> None:
    openssl(folder, "pkcs8", "-topk8", "-in", f"{name}.pem", "-passout", "file:words", *options, "-out", "sealed.pem")
    data = (folder / "sealed.pem").read_bytes()
    assert SoftwareKey(read_private_key(data, WORDS)).spki == key(name).spki
    for wrong in (None, b"", b"other", b"\xff"):
        assert refusal(data, wrong) == "KEY_PASSPHRASE"


def test_encryption_that_is_not_read_is_named_with_the_remedy(folder: Path) -> None:
    command = ["pkcs8", "-topk8", "-in", "ed25519.pem", "-passout", "file:words", "-out", "sealed.pem"]
    openssl(folder, *command, "-scrypt")
    assert refusal((folder / "sealed.pem").read_bytes(), WORDS) == "KEY_ENCRYPTION"
    command = ["pkey", "-in", "ecdsa-p256.pem", "-traditional", "-passout", "file:words", "-out", "old.pem"]
    openssl(folder, *command, "-aes128")
    data = (folder / "old.pem").read_bytes()
    assert b"DEK-Info" in data and refusal(data, WORDS) == "KEY_FILE_FORM"


def test_none_or_two_keys_and_files_without_end() -> None:
    one = key("ecdsa-p256").to_pem(None)
    for data in (b"", one + one, pem.write("CERTIFICATE", b"\x30\x00").encode(), bytes(MAX_BYTES + 1), one * 400):
        assert refusal(data) == "KEY_FILE_FORM"
    assert refusal(one.replace(b"M", b"M=", 1)) == "KEY_FILE_FORM"


def test_a_key_of_so_many_bits_that_checking_it_would_take_hours() -> None:
    number = der.write(der.INTEGER, b"\x7f" + b"\xff" * 5000)
    numbers = der.write(der.SEQUENCE, der.write(der.INTEGER, b"\0"), *[number] * 8)
    assert refusal(numbers) == "KEY_FILE_FORM"


PLAIN = {name: pem.read(key(name).to_pem(None))[0][1] for name in ("ecdsa-p256", "ed25519", "sm2")}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(PLAIN)), st.data())
def test_hostile_key_files_are_refused_in_our_words_only(name: str, data: st.DataObject) -> None:
    whole = PLAIN[name]
    cut = data.draw(st.integers(0, len(whole)))
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    for offered in (whole[:cut], bytes(changed), whole + data.draw(st.binary(min_size=1)), data.draw(st.binary())):
        try:
            SoftwareKey(read_private_key(offered, b"words"))
        except InputError as error:
            assert error.code in {"KEY_FILE_FORM", "KEY_ENCRYPTION", "KEY_PASSPHRASE"} and error.__cause__ is None
