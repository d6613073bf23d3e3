"""Keys that encrypt: versions, retirement, counted uses, and secrets that are seen nowhere."""

from __future__ import annotations

import pickle
import stat
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ConfigError, ConflictError, NotFoundError, UnavailableError, ZhengyinError
from ledger.outside import data_keys
from ledger.outside.data_keys import BLOCK, MAX_USES
from ledger.outside.keystore import KeyStore
from ledger.outside.service_keys import ServiceKeyring

OFFICE = "114401000700000148"


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys")


def file(store: KeyStore, tmp_path: Path, ending: str) -> Path:
    return tmp_path / "keys" / OFFICE / f"filing.data.{ending}"


def secret_of(key: Any) -> bytes:
    return bytes(key._secret)


def test_versions_count_from_one_and_old_ones_decrypt(store: KeyStore, tmp_path: Path) -> None:
    store.data.create(OFFICE, "filing", "sm4-gcm")
    first = store.data.current(OFFICE, "filing")
    sealed = first.encrypt(b"x", b"a")
    assert store.data.rotate(OFFICE, "filing") == 2
    second = store.data.current(OFFICE, "filing")
    assert (first.version, second.version, second.algorithm) == (1, 2, "sm4-gcm")
    assert secret_of(first) != secret_of(second)
    again = KeyStore(tmp_path / "keys").data.version(OFFICE, "filing", 1)
    assert again.decrypt(sealed, b"a") == b"x"
    assert [stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "keys" / OFFICE).iterdir()] == [0o600] * 3


def test_a_list_shows_the_key_once_with_its_newest_version(store: KeyStore) -> None:
    store.data.create(OFFICE, "filing", "aes-256-gcm")
    store.data.rotate(OFFICE, "filing")
    store.create(OFFICE, "filing", "service", "ecdsa-p256")
    store.data.current(OFFICE, "filing").encrypt(b"", b"")
    shown = {(e.name, e.purpose, e.algorithm, e.version, e.retired) for e in store.list()}
    assert shown == {
        ("filing", "data", "aes-256-gcm", 2, False), ("filing", "service", "ecdsa-p256", 1, False),
    }  # fmt: skip
    store.data.retire(OFFICE, "filing")
    assert next(e for e in store.list() if e.purpose == "data").retired
    assert secret_of(store.data.version(OFFICE, "filing", 2)).hex() not in repr(store.list())


def test_a_retired_key_only_decrypts(store: KeyStore) -> None:
    store.data.create(OFFICE, "filing", "sm4-gcm")
    sealed = store.data.current(OFFICE, "filing").encrypt(b"x", b"")
    store.data.retire(OFFICE, "filing")
    store.data.retire(OFFICE, "filing")
    for act in (store.data.current, store.data.rotate):
        with pytest.raises(ConflictError, match="KEYS_RETIRED"):
            act(OFFICE, "filing")
    assert ServiceKeyring(store).data_key(OFFICE, "filing", 1).decrypt(sealed, b"") == b"x"


def test_nothing_is_made_twice_or_by_another_algorithm(store: KeyStore) -> None:
    store.data.create(OFFICE, "filing", "sm4-gcm")
    with pytest.raises(ConflictError, match="KEYS_EXISTS"):
        store.data.create(OFFICE, "filing", "sm4-gcm")
    for algorithm in ("sm4-cbc", "ecdsa-p256", ""):
        with pytest.raises(ConfigError, match="KEYS_ALGORITHM"):
            store.data.create(OFFICE, "other", algorithm)
    with pytest.raises(ConfigError, match="KEYS_ALGORITHM"):
        store.create_in_token(OFFICE, "other", "data", "pkcs11:token=a;object=b?module-path=/x", "sm4-gcm")
    for act in (store.data.current, store.data.rotate, store.data.retire, store.data.state):
        with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
            act(OFFICE, "other")
    with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
        store.data.version(OFFICE, "filing", 2)


def test_uses_are_counted_over_processes_and_end_at_the_limit(store: KeyStore, tmp_path: Path) -> None:
    store.data.create(OFFICE, "filing", "sm4-gcm")
    uses = file(store, tmp_path, "1.uses")
    for _ in range(3):
        store.data.current(OFFICE, "filing").encrypt(b"", b"")
    assert int(uses.read_text()) == BLOCK  # one block for all three
    KeyStore(tmp_path / "keys").data.current(OFFICE, "filing").encrypt(b"", b"")
    assert int(uses.read_text()) == 2 * BLOCK  # another process has one of its own
    uses.write_text(f"{MAX_USES - BLOCK}\n")
    KeyStore(tmp_path / "keys").data.current(OFFICE, "filing").encrypt(b"", b"")
    spent = KeyStore(tmp_path / "keys")
    with pytest.raises(ConflictError, match="KEYS_USED_UP"):
        spent.data.current(OFFICE, "filing").encrypt(b"", b"")
    spent.data.rotate(OFFICE, "filing")
    spent.data.current(OFFICE, "filing").encrypt(b"", b"")


def test_a_block_is_used_up_before_the_next_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_keys, "BLOCK", 2)
    store = KeyStore(tmp_path / "keys")
    store.data.create(OFFICE, "filing", "sm4-gcm")
    for _ in range(5):
        store.data.current(OFFICE, "filing").encrypt(b"", b"")
    assert int(file(store, tmp_path, "1.uses").read_text()) == 6


def test_uses_that_cannot_be_read_or_written_are_not_none(store: KeyStore, tmp_path: Path) -> None:
    store.data.create(OFFICE, "filing", "sm4-gcm")
    uses = file(store, tmp_path, "1.uses")
    for text in ("", "-1", "many", "1e3"):
        uses.write_text(text)
        uses.chmod(0o600)
        with pytest.raises(ConfigError, match="KEYS_DAMAGED"):
            store.data.current(OFFICE, "filing").encrypt(b"", b"")
    uses.unlink()
    uses.mkdir(0o700)
    with pytest.raises(UnavailableError, match="KEYS_USES"):
        store.data.current(OFFICE, "filing").encrypt(b"", b"")


def test_a_passphrase_protects_every_version(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys", b"correct horse")
    store.data.create(OFFICE, "filing", "aes-256-gcm")
    secret = secret_of(store.data.current(OFFICE, "filing"))
    stored = file(store, tmp_path, "1.pem").read_bytes()
    assert b"BEGIN ENCRYPTED DATA KEY" in stored
    for passphrase in (None, b"wrong"):
        with pytest.raises(ConfigError, match="KEYS_PASSPHRASE") as caught:
            KeyStore(tmp_path / "keys", passphrase).data.current(OFFICE, "filing")
        assert caught.value.__cause__ is None
    assert secret_of(KeyStore(tmp_path / "keys", b"correct horse").data.current(OFFICE, "filing")) == secret


@pytest.mark.parametrize(
    "text",
    [b"", b"-----BEGIN DATA KEY-----\nAAAA\n-----END DATA KEY-----\n", b"sm4-gcm", b"\xff" * 40],
)
def test_a_damaged_file_says_nothing_of_what_it_holds(store: KeyStore, tmp_path: Path, text: bytes) -> None:
    store.data.create(OFFICE, "filing", "sm4-gcm")
    file(store, tmp_path, "1.pem").write_bytes(text)
    with pytest.raises(ConfigError, match="KEYS_DAMAGED") as caught:
        store.data.current(OFFICE, "filing")
    assert (caught.value.__cause__, caught.value.values) == (None, {"name": "filing"})


def test_a_key_shows_its_secret_nowhere(store: KeyStore) -> None:
    store.data.create(OFFICE, "filing", "aes-256-gcm")
    key = store.data.current(OFFICE, "filing")
    secret = secret_of(key)
    with pytest.raises(ZhengyinError) as caught:
        key.decrypt(bytes(40), b"")
    shown = [repr(key), str(key), repr(store), repr(store.data), repr(store.data.state(OFFICE, "filing"))]
    shown += [str(caught.value), caught.value.text("zh"), repr(caught.value.values)]
    assert not any(form in text for text in shown for form in (secret.hex(), repr(secret), str(secret)))
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_rights_of_others_on_a_file_are_refused(store: KeyStore, tmp_path: Path) -> None:
    store.data.create(OFFICE, "filing", "sm4-gcm")
    file(store, tmp_path, "1.pem").chmod(0o640)
    with pytest.raises(ConfigError, match="KEYS_PERMISSIONS"):
        store.data.current(OFFICE, "filing")
