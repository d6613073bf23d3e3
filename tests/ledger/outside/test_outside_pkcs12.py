"""PKCS#12 of CAs: every algorithm, new and old encryption, and files that are none."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto.cms import ContentInfo
from asn1crypto.keys import PrivateKeyInfo
from asn1crypto.pkcs12 import AuthenticatedSafe, Pfx, SafeBag, SafeContents
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from hypothesis import given, settings
from hypothesis import strategies as st
from key_kit import ALGORITHMS, key, openssl, self_signed

from ledger.crypto import pem
from ledger.errors import InputError
from ledger.outside import pkcs12_passwords
from ledger.outside.key_files import MAX_BYTES
from ledger.outside.pkcs12 import is_pkcs12, read_pkcs12
from ledger.outside.software_keys import SoftwareKey

WORDS = "机密 geheim".encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("p12")
    (made / "words").write_bytes(WORDS)
    return made


def pkcs12(folder: Path, name: str, *options: str) -> bytes:
    (folder / "key.pem").write_bytes(key(name).to_pem(None))
    (folder / "crt.pem").write_text(pem.write("CERTIFICATE", self_signed(name)))
    command = ["pkcs12", "-export", "-inkey", "key.pem", "-in", "crt.pem", "-passout", "file:words", "-out", "made.p12"]
    openssl(folder, *command, *options)
    return (folder / "made.p12").read_bytes()


def refusal(data: bytes, passphrase: bytes | None = WORDS) -> str:
    with pytest.raises(InputError) as caught:
        read_pkcs12(data, passphrase)
    assert caught.value.__cause__ is None
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


@pytest.mark.parametrize("options", [(), ("-legacy",)], ids=["today", "legacy"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_key_with_its_certificate(folder: Path, name: str, options: tuple[str, ...]) -> None:
    """``-legacy``: the certificate under 40 bits of RC2, the key under 3DES, SHA-1 over all."""
    data = pkcs12(folder, name, *options)
    assert is_pkcs12(data)
    found = read_pkcs12(data, WORDS)
    assert (SoftwareKey(found.key).spki, found.certificate) == (key(name).spki, self_signed(name))
    assert refusal(data, b"other") == refusal(data, None) == refusal(data, b"\xff") == "KEY_PASSPHRASE"


@pytest.mark.parametrize(
    "options",
    [
        ("-keypbe", "SM4-CBC", "-certpbe", "SM4-CBC", "-macalg", "sm3"),
        ("-keypbe", "PBE-SHA1-RC2-40", "-certpbe", "PBE-SHA1-RC2-128", "-legacy"),
        ("-keypbe", "PBE-SHA1-2DES", "-certpbe", "NONE", "-macalg", "sha384", "-legacy"),
        ("-keypbe", "NONE", "-certpbe", "NONE", "-macalg", "sha512"),
    ],
    ids=["gm", "rc2", "2des", "plain"],
)
def test_an_sm2_key_under_other_encryptions(folder: Path, options: tuple[str, ...]) -> None:
    found = read_pkcs12(pkcs12(folder, "sm2", *options), WORDS)
    assert (SoftwareKey(found.key).spki, found.certificate) == (key("sm2").spki, self_signed("sm2"))


def test_certificates_of_the_authorities_beside_are_not_taken_for_the_keys(folder: Path) -> None:
    (folder / "more.pem").write_text(pem.write("CERTIFICATE", self_signed("sm2")))
    data = pkcs12(folder, "ecdsa-p256", "-certfile", "more.pem")
    found = read_pkcs12(data, WORDS)
    assert (found.certificate, found.others) == (self_signed("ecdsa-p256"), (self_signed("sm2"),))
    (folder / "alone.pem").write_bytes(key("ecdsa-p256").to_pem(None))
    command = ["pkcs12", "-export", "-nocerts", "-inkey", "alone.pem", "-out", "alone.p12"]
    openssl(folder, *command, "-passout", "file:words")
    assert read_pkcs12((folder / "alone.p12").read_bytes(), WORDS).certificate is None


def test_a_file_that_cannot_be_checked_or_opened_is_refused_with_the_remedy(folder: Path) -> None:
    assert refusal(pkcs12(folder, "ecdsa-p256", "-nomac")) == "PKCS12_MAC"
    assert refusal(pkcs12(folder, "ecdsa-p256", "-macalg", "sha224")) == "PKCS12_MAC"
    rc4 = pkcs12(folder, "ecdsa-p256", "-legacy", "-keypbe", "PBE-SHA1-RC4-128")
    assert refusal(rc4) == "KEY_ENCRYPTION"
    assert refusal(bytes(MAX_BYTES + 1)) == "PKCS12_FORM"


def sealed_again(data: bytes, content: bytes) -> bytes:
    """With other contents, under a good code: who knows the passphrase may be hostile, too."""
    pfx = Pfx.load(data)
    pfx["auth_safe"]["content"] = core.OctetString(content)
    salt, rounds = pfx["mac_data"]["mac_salt"].native, pfx["mac_data"]["iterations"].native
    code = HMAC(pkcs12_passwords.derive(SHA256, WORDS, salt, rounds, pkcs12_passwords.MAC, 32), SHA256())
    code.update(content)
    pfx["mac_data"]["mac"]["digest"] = code.finalize()
    return bytes(pfx.dump(force=True))


def test_the_two_keys_of_a_pair_of_certificates_are_not_guessed_between(folder: Path) -> None:
    data = pkcs12(folder, "ecdsa-p256")
    for names in ((), ("ecdsa-p256", "ed25519"), ("ed25519",) * 9):
        keys = [PrivateKeyInfo.load(pem.read(key(name).to_pem(None))[0][1]) for name in names]
        bags = SafeContents([SafeBag({"bag_id": "key_bag", "bag_value": each}) for each in keys])
        safe = AuthenticatedSafe([ContentInfo({"content_type": "data", "content": core.OctetString(bags.dump())})])
        assert refusal(sealed_again(data, safe.dump())) == "PKCS12_KEYS"


def test_a_file_cannot_ask_for_hours_of_work(folder: Path) -> None:
    data = pkcs12(folder, "ecdsa-p256")
    counts = [("iterations", n) for n in (0, -1, pkcs12_passwords.MAX_ITERATIONS + 1, 2**64)]
    for name, value in [*counts, ("mac_salt", bytes(1000))]:
        pfx = Pfx.load(data)
        pfx["mac_data"][name] = value
        assert refusal(pfx.dump(force=True)) == "KEY_ENCRYPTION"


@cache
def sample() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "words").write_bytes(WORDS)
        return pkcs12(Path(folder), "sm2", "-iter", "2", "-maciter")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_hostile_files_are_refused_in_our_words_only(data: st.DataObject) -> None:
    whole = sample()
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    deep = data.draw(st.sampled_from([b"\x30\x80", b"\x24\x80", b"\xa0\x80"])) * data.draw(st.integers(1, 9000))
    for offered in (bytes(changed), cut, whole[:5] + deep, data.draw(st.binary())):
        is_pkcs12(offered)
        try:
            read_pkcs12(offered, WORDS)
        except InputError as error:
            assert error.code.startswith(("PKCS12_", "KEY_")) and error.__cause__ is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_hostile_contents_under_a_good_code(content: bytes) -> None:
    assert refusal(sealed_again(sample(), content)).startswith(("PKCS12_", "KEY_"))
