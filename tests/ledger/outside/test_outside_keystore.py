"""Keys in files: private, whole, never overwritten, never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from coincurve import PublicKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_der_public_key,
)
from cryptography.x509 import load_der_x509_csr
from key_kit import key, openssl, self_signed
from sha3 import keccak_256

from ledger.core.trust import Trust, TrustFile
from ledger.crypto import pem
from ledger.crypto.algorithms import algorithm_of, verify_raw
from ledger.crypto.certificates import read_certificate
from ledger.crypto.trust_signatures import sign_trust, verify_trust_file
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError, ZhengyinError
from ledger.outside import private_files
from ledger.outside.accounts import AccountKey, make_account
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.keystore import KeyStore
from ledger.outside.passphrases import passphrase_from

NOW = 1_790_000_000
ORG, OTHER = "11430000006122244L", "91350100M000100Y43"


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys")


def modes(root: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in root.rglob("*")}


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "rsa-3072"])
def test_signing_key_and_its_certificate(store: KeyStore, tmp_path: Path, algorithm: str) -> None:
    spki = store.create(ORG, "office", "signing", algorithm)
    authority = DemoAuthority.create(tmp_path / "ca", "A", "ecdsa-p256", NOW)
    certificate = authority.issue(load_der_public_key(spki), "局", ORG, NOW, 1)
    with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
        store.signing(ORG, "office")
    store.put_certificate(ORG, "office", certificate)
    assert store.signing(ORG, "office").certificate == certificate
    assert "PRIVATE" not in repr(store.signing(ORG, "office"))


def test_a_key_that_waits_for_its_certificate_shows_its_public_half_and_asks_a_ca(
    store: KeyStore, tmp_path: Path
) -> None:
    """A crash between making the key and storing its certificate must not strand either."""
    spki = store.create(ORG, "office", "signing")
    assert store.public(ORG, "office", "signing") == spki
    request = load_der_x509_csr(store.request(ORG, "office", "甲市示范不动产登记中心"))
    assert request.is_signature_valid
    assert request.public_key() == load_der_public_key(spki)
    assert request.subject.rfc4514_string() == f"2.5.4.97={ORG},O=甲市示范不动产登记中心"
    authority = DemoAuthority.create(tmp_path / "ca", "A", "ecdsa-p256", NOW)
    certificate = authority.issue(request.public_key(), "局", ORG, NOW, 1)
    store.put_certificate(ORG, "office", certificate)
    store.put_certificate(ORG, "office", certificate)
    renewed = authority.issue(request.public_key(), "局", ORG, NOW, 2)
    with pytest.raises(ConflictError, match="KEYS_EXISTS"):
        store.put_certificate(ORG, "office", renewed)
    assert store.signing(ORG, "office").certificate == certificate


def test_an_office_of_a_long_chinese_name_is_certified(store: KeyStore, tmp_path: Path) -> None:
    name = "示范" * 30
    authority = DemoAuthority.create(tmp_path / "ca", name, "ecdsa-p256", NOW)
    certificate = authority.issue(load_der_public_key(store.create(ORG, "office", "signing")), name, ORG, NOW, 1)
    assert read_certificate(certificate).organization == name


@pytest.mark.parametrize("name", ["", "字" * 65])
def test_a_request_holds_a_name_that_a_ca_can_write(store: KeyStore, name: str) -> None:
    store.create(ORG, "office", "signing", "rsa-3072")
    with pytest.raises(InputError, match="KEYS_REQUEST_NAME"):
        store.request(ORG, "office", name)


def test_certificate_of_another_key(store: KeyStore, tmp_path: Path) -> None:
    store.create(ORG, "office", "signing")
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    authority = DemoAuthority.create(tmp_path / "ca", "A", "ecdsa-p256", NOW)
    certificate = authority.issue(other, "局", ORG, NOW, 1)
    for data, code in ((certificate, "KEYS_CERTIFICATE"), (b"\x30\x00", "KEYS_DAMAGED")):
        with pytest.raises(ConfigError, match=code):
            store.put_certificate(ORG, "office", data)


def test_files_are_private_and_never_overwritten(store: KeyStore, tmp_path: Path) -> None:
    store.create(ORG, "main", "account")
    store.create_secret(ORG, "source", "approval")
    assert modes(tmp_path) == {0o700, 0o600}
    before = store.list()
    with pytest.raises(ConflictError, match="KEYS_EXISTS"):
        store.create(ORG, "main", "account")
    with pytest.raises(ConflictError, match="KEYS_EXISTS"):
        store.create_secret(ORG, "source", "approval")
    assert store.list() == before and not [f for f in tmp_path.rglob(".*")]


def test_key_file_that_others_may_read(store: KeyStore, tmp_path: Path) -> None:
    store.create_secret(ORG, "source", "approval")
    for path, open_, private in (
        (tmp_path / "keys" / ORG / "source.approval.hex", 0o640, 0o600),
        (tmp_path / "keys" / ORG, 0o710, 0o700),
        (tmp_path / "keys", 0o705, 0o700),
    ):
        path.chmod(open_)
        with pytest.raises(ConfigError, match="KEYS_PERMISSIONS"):
            store.approval_keys(ORG)
        path.chmod(private)
    assert len(store.approval_keys(ORG)) == 1


def test_looking_for_a_key_makes_no_folder(store: KeyStore, tmp_path: Path) -> None:
    assert store.list() == []
    with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
        store.account(ORG, "main")
    with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
        store.approval_keys(ORG)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a.b", "-a"])
def test_name_that_leads_elsewhere(store: KeyStore, name: str) -> None:
    with pytest.raises(ConfigError, match="KEYS_NAME"):
        store.create(ORG, name, "account")


def test_organisation_that_leads_elsewhere(store: KeyStore, tmp_path: Path) -> None:
    hostile = "DE:A/../../../B"
    store.create(hostile, "main", "account")
    assert [folder.parent for folder in tmp_path.rglob("*.pem")] == [tmp_path / "keys" / "DE:A_.._.._.._B"]
    assert store.list()[0].organisation == hostile


def test_account_signs_as_its_address(store: KeyStore) -> None:
    account = store.import_account(ORG, "main", b"\x01" * 32)
    assert account.address.hex() == "1a642f0e3c3af545e7acbd38b07251b3990914f1"
    digest = keccak_256(b"data").digest()
    point = PublicKey.from_signature_and_message(account.key.sign_recoverable(digest), digest, hasher=None)
    assert keccak_256(point.format(compressed=False)[1:]).digest()[12:] == account.address
    assert store.account(ORG, "main").address == account.address
    assert account.key.reveal() == b"\x01" * 32


def test_secrets_are_in_no_repr_and_no_pickle(store: KeyStore) -> None:
    account = store.import_account(ORG, "main", b"\x01" * 32)
    secret = store.create_secret(ORG, "index", "index")
    shown = repr(account) + repr(store) + repr(store.list()) + str(account.key)
    assert "01" * 32 not in shown and secret.hex() not in shown and repr(secret) not in shown
    with pytest.raises(TypeError):
        account.key.__reduce__()


@pytest.mark.parametrize("secret", [b"", bytes(32), b"\xff" * 32, bytes(33)])
def test_secret_outside_the_curve(store: KeyStore, secret: bytes) -> None:
    with pytest.raises(InputError, match="ACCOUNT_SECRET"):
        AccountKey(secret)
    with pytest.raises(InputError, match="ACCOUNT_SECRET"):
        store.import_account(ORG, "main", secret)
    assert store.list() == []


def test_passphrase(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys", b"secret words")
    store.create(ORG, "main", "node")
    assert b"ENCRYPTED" in (tmp_path / "keys" / ORG / "main.node.pem").read_bytes()
    assert store.node(ORG, "main").address
    for other in (None, b"wrong"):
        with pytest.raises(ConfigError, match="KEYS_PASSPHRASE"):
            KeyStore(tmp_path / "keys", other).node(ORG, "main")


def test_passphrase_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "words"
    file.write_text("from file\n")
    named = {"ZHENGYIN_KEY_PASSPHRASE_FILE": str(file)}
    os.chmod(file, 0o644)
    with pytest.raises(ConfigError, match="KEYS_PERMISSIONS"):
        passphrase_from(named)
    os.chmod(file, 0o600)
    assert passphrase_from(named) == b"from file"
    assert passphrase_from({"ZHENGYIN_KEY_PASSPHRASE": "words"}) == b"words"
    assert passphrase_from({}) is None
    with pytest.raises(ConfigError, match="KEYS_PASSPHRASE"):
        passphrase_from({"ZHENGYIN_KEY_PASSPHRASE": ""})


def test_import_of_an_encrypted_key(store: KeyStore) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"old"))
    with pytest.raises(ConfigError, match="KEYS_PASSPHRASE"):
        store.import_key(ORG, "office", "signing", pem, b"wrong")
    store.import_key(ORG, "office", "signing", pem, b"old")
    assert [(e.name, e.purpose, e.algorithm) for e in store.list()] == [("office", "signing", "ecdsa-p256")]


@pytest.mark.parametrize("algorithm", ["ecdsa-p384", "ed25519", "sm2", "rsa-pss-2048"])
def test_signing_keys_of_every_algorithm_under_a_passphrase(tmp_path: Path, algorithm: str) -> None:
    root = tmp_path / "keys"
    spki = KeyStore(root, b"words").import_key(ORG, "office", "signing", key(algorithm).to_pem(None), None)
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in (root / ORG / "office.signing.pem").read_bytes()
    again = KeyStore(root, b"words")
    again.put_certificate(ORG, "office", self_signed(algorithm))
    held = again.signing(ORG, "office").private_key
    verify_raw(spki, algorithm_of(spki).name, held.sign(b"data"), b"data")
    with pytest.raises(ConfigError, match="KEYS_PASSPHRASE"):
        KeyStore(root).signing(ORG, "office")


def test_a_file_that_an_older_version_encrypted_opens(tmp_path: Path) -> None:
    old = ec.generate_private_key(ec.SECP256K1())
    store = KeyStore(tmp_path / "keys", b"words")
    store.create(ORG, "main", "account")
    file = tmp_path / "keys" / ORG / "main.account.pem"
    file.write_bytes(old.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"words")))
    assert (
        store.account(ORG, "main").address
        == make_account(old.private_numbers().private_value.to_bytes(32, "big")).address
    )


@pytest.fixture(scope="module")
def pkcs12(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("p12")
    (folder / "words").write_bytes(b"geheim")
    (folder / "k.pem").write_bytes(key("sm2").to_pem(None))
    (folder / "c.pem").write_text(pem.write("CERTIFICATE", self_signed("sm2")))
    command = ["pkcs12", "-export", "-inkey", "k.pem", "-in", "c.pem", "-passout", "file:words", "-out", "made"]
    openssl(folder, *command)
    return (folder / "made").read_bytes()


def test_pkcs12_brings_its_certificate(store: KeyStore, pkcs12: bytes) -> None:
    for words in (None, b"wrong"):
        with pytest.raises(ConfigError, match="KEYS_PASSPHRASE"):
            store.import_key(ORG, "office", "signing", pkcs12, words)
    store.import_key(ORG, "office", "signing", pkcs12, b"geheim")
    assert store.signing(ORG, "office").certificate == self_signed("sm2")
    store.import_key(ORG, "member", "council", pkcs12, b"geheim")
    assert store.council(ORG, "member")[0].alg == "SM2"
    assert {(e.name, e.algorithm, e.kept) for e in store.list()} == {
        ("office", "sm2", "file"),
        ("member", "sm2", "file"),
    }


def test_an_import_that_was_cut_short_is_completed_by_the_same_again(
    store: KeyStore, pkcs12: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = private_files.write_new

    def crash(path: Path, data: bytes) -> None:
        if path.suffix == ".pem":
            raise OSError(28, "No space left on device")
        write(path, data)

    with monkeypatch.context() as broken:
        broken.setattr(private_files, "write_new", crash)
        with pytest.raises(OSError, match="No space"):
            store.import_key(ORG, "office", "signing", pkcs12, b"geheim")
    assert store.list() == []
    store.import_key(ORG, "office", "signing", pkcs12, b"geheim")
    assert store.signing(ORG, "office").certificate == self_signed("sm2")
    with pytest.raises(ConflictError, match="KEYS_EXISTS"):
        store.import_key(ORG, "office", "signing", pkcs12, b"geheim")


def test_a_file_that_is_no_key_is_refused_before_anything_is_stored(store: KeyStore, tmp_path: Path) -> None:
    for data in (b"", b"-----BEGIN PRIVATE KEY-----", pem.write("PRIVATE KEY", b"\x30\x00").encode()):
        with pytest.raises(InputError, match="KEY_FILE_FORM"):
            store.import_key(ORG, "office", "signing", data, None)
    with pytest.raises(ConfigError, match="KEYS_ALGORITHM"):
        store.import_key(ORG, "office", "account", key("ecdsa-p256").to_pem(None), None)
    assert not list(tmp_path.iterdir())


def test_algorithms_that_are_not_for_a_purpose(store: KeyStore) -> None:
    wrong = (("signing", "secp256k1"), ("account", "ed25519"), ("council", "ecdsa-p384"), ("signing", "dsa"))
    for purpose, algorithm in (*wrong, ("approval", None), ("x", None)):
        with pytest.raises(ConfigError, match="KEYS_ALGORITHM"):
            store.create(ORG, "main", purpose, algorithm)
    with pytest.raises(ConfigError, match="KEYS_ALGORITHM"):
        store.create_secret(ORG, "main", "signing")


def test_damaged_files(store: KeyStore, tmp_path: Path) -> None:
    store.create_secret(ORG, "source", "approval")
    store.create(ORG, "main", "account")
    for file in (tmp_path / "keys" / ORG).iterdir():
        file.write_bytes(b"zz")
    for use in (lambda: store.approval_keys(ORG), lambda: store.account(ORG, "main")):
        with pytest.raises(ConfigError, match="KEYS_DAMAGED"):
            use()


def test_names_are_told_without_opening_a_key(store: KeyStore, tmp_path: Path) -> None:
    foreign = "DE:HRB/1"
    store.create(ORG, "main", "account")
    store.create(ORG, "member", "council")
    store.create(foreign, "main", "account")
    for file in (tmp_path / "keys").rglob("*.pem"):
        file.write_bytes(b"damaged")
    assert set(store.held("account")) == {(ORG, "main"), (foreign, "main")}
    assert (list(store.held("council")), list(store.held("signing"))) == ([(ORG, "member")], [])
    assert (list(store.names(ORG, "account")), list(store.names(OTHER, "account"))) == (["main"], [])


def test_a_key_that_was_opened_once_is_not_given_once_its_file_is_gone_open_to_others_or_another(
    store: KeyStore, tmp_path: Path
) -> None:
    store.create(ORG, "main", "account")
    store.create(ORG, "spare", "account")
    folder = tmp_path / "keys" / ORG
    file, spare = folder / "main.account.pem", folder / "spare.account.pem"
    address = store.account(ORG, "main").address
    assert store.account(ORG, "main").address == address
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="KEYS_PERMISSIONS"):
        store.account(ORG, "main")
    file.chmod(0o600)
    file.write_bytes(spare.read_bytes())
    assert store.account(ORG, "main").address == store.account(ORG, "spare").address != address
    file.unlink()
    with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
        store.account(ORG, "main")


def test_list_tells_keys_apart_without_showing_them(store: KeyStore) -> None:
    store.create(ORG, "member", "council")
    store.create(OTHER, "main", "account")
    secret = store.create_secret(ORG, "source", "approval")
    store.import_secret(OTHER, "source", "approval", secret)
    entries = store.list()
    assert [(e.organisation, e.name, e.purpose, e.algorithm) for e in entries] == [
        (ORG, "member", "council", "ed25519"),
        (ORG, "source", "approval", "hmac-sha256"),
        (OTHER, "main", "account", "secp256k1"),
        (OTHER, "source", "approval", "hmac-sha256"),
    ]
    assert entries[1].fingerprint == entries[3].fingerprint != entries[0].fingerprint


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256", "sm2"])
def test_council_key_signs_the_trust_file(store: KeyStore, algorithm: str) -> None:
    store.create(ORG, "member", "council", algorithm)
    listed, key = store.council(ORG, "member")
    trust = Trust(1, NOW, NOW + 1, (listed,), 1, (), (), (), (), ())
    verify_trust_file(TrustFile(trust, (sign_trust(trust, "member", key),)), None, NOW)


def test_every_code_has_words(store: KeyStore) -> None:
    with pytest.raises(ZhengyinError) as caught:
        store.account(ORG, "none")
    assert "none.account.pem" in caught.value.text("zh")


def test_a_certificate_is_told_without_opening_its_key(tmp_path: Path) -> None:
    """Which of an office's keys is bound must be known although another one's passphrase, or SM2, is not there."""
    root = tmp_path / "keys"
    made = KeyStore(root, b"words")
    made.import_key(ORG, "office", "signing", key("sm2").to_pem(None), None)
    made.put_certificate(ORG, "office", self_signed("sm2"))
    assert KeyStore(root).certificate(ORG, "office") == self_signed("sm2")
    with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
        KeyStore(root).certificate(ORG, "none")
    (root / ORG / "office.signing.crt").write_bytes(b"")
    with pytest.raises(ConfigError, match="KEYS_DAMAGED"):
        KeyStore(root).certificate(ORG, "office")
