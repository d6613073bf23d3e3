"""Keys in a token, on a real SoftHSM2: they sign, they are never asked for, and each fault has its own code."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from key_kit import key, openssl, self_signed
from softhsm import SoftHsm, furnish, softhsm

from ledger.crypto import der, pem
from ledger.crypto.algorithms import algorithm_of, verify_raw
from ledger.crypto.certificates import read_certificate
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError, UnavailableError, ZhengyinError
from ledger.outside.key_material import PSS_OID
from ledger.outside.keystore import KeyStore
from ledger.outside.pkcs11_keys import Pkcs11Key, Place, open_key
from ledger.outside.pkcs11_sessions import login, restart
from ledger.outside.pkcs11_uris import KeyUri, read_pkcs11_file

ORG, DATA = "11430000006122244L", b"data"
KINDS = ("ecdsa-p256", "ecdsa-p384", "rsa-2048", "ed25519")


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    with softhsm(tmp_path_factory.mktemp("hsm")) as made:
        furnish(made)
        yield made


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys", b"words")


def parsed(token: SoftHsm, name: str) -> KeyUri:
    return KeyUri.parse(token.uri(name))


@pytest.mark.parametrize("name", KINDS)
def test_a_key_in_a_token_signs_for_a_ca_and_for_the_office(
    token: SoftHsm, store: KeyStore, tmp_path: Path, name: str
) -> None:
    spki = store.import_token(ORG, "office", "signing", token.uri(name))
    (tmp_path / "r.der").write_bytes(store.request(ORG, "office", "示范局"))
    assert "verify OK" in openssl(tmp_path, "req", "-in", "r.der", "-inform", "DER", "-verify", "-noout")
    (tmp_path / "ca.pem").write_bytes(key("ecdsa-p256").to_pem(None))
    (tmp_path / "v3").write_text("basicConstraints=CA:FALSE\n")
    (tmp_path / "ca.crt").write_text(pem.write("CERTIFICATE", self_signed("ecdsa-p256")))
    openssl(
        tmp_path, "x509", "-req", "-inform", "DER", "-in", "r.der", "-CA", "ca.crt", "-CAkey", "ca.pem", "-set_serial",
        "7", "-extfile", "v3", "-out", "crt.der", "-outform", "DER",
    )  # fmt: skip
    certificate = (tmp_path / "crt.der").read_bytes()
    assert read_certificate(certificate).spki == spki
    store.put_certificate(ORG, "office", certificate)
    held = store.signing(ORG, "office").private_key
    verify_raw(spki, algorithm_of(spki).name, held.sign(DATA), DATA)
    (entry,) = store.list()
    assert (entry.algorithm, entry.kept) == (name, "pkcs11")


def test_an_rsa_key_in_a_token_certified_for_pss_alone(token: SoftHsm) -> None:
    found, _ = open_key(parsed(token, "rsa-2048"))
    bits = der.members(der.read(found.spki, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)[1]
    spki = der.write(der.SEQUENCE, der.write(der.SEQUENCE, PSS_OID), bits.outer)
    for made in (found.certified_as(spki), open_key(parsed(token, "rsa-2048"), spki)[0]):
        verify_raw(spki, "rsa-pss-sha256", made.sign(DATA), DATA)


def test_sm2_in_a_token_is_refused_with_the_reason(token: SoftHsm, store: KeyStore) -> None:
    """The token would sign with the key, and compute ECDSA, which nobody could verify."""
    for attempt in (
        lambda: open_key(parsed(token, "sm2")),
        lambda: open_key(parsed(token, "sm2"), key("sm2").spki),
        lambda: store.import_token(ORG, "office", "signing", token.uri("sm2"), self_signed("sm2")),
    ):
        with pytest.raises(ConfigError, match="PKCS11_SM2"):
            attempt()
    assert store.list() == []


def test_the_file_says_where_the_key_lies_and_nothing_secret(token: SoftHsm, store: KeyStore, tmp_path: Path) -> None:
    spki = store.import_token(ORG, "office", "signing", token.uri("ecdsa-p256"))
    data = (tmp_path / "keys" / ORG / "office.signing.pem").read_bytes()
    assert data.startswith(b"-----BEGIN PKCS#11 PROVIDER URI-----")
    where, public = read_pkcs11_file(data)
    assert public == spki and b"1234-test" not in data
    assert str(where) == str(parsed(token, "ecdsa-p256")) and KeyUri.parse(str(where)) == where
    with pytest.raises(ConflictError, match="KEYS_EXISTS"):
        store.import_token(ORG, "office", "signing", token.uri("ed25519"))
    with pytest.raises(ConfigError, match="KEYS_ALGORITHM"):
        store.import_token(ORG, "main", "account", token.uri("ecdsa-p256"))


def test_a_certificate_that_lies_in_the_token_comes_along(token: SoftHsm, store: KeyStore) -> None:
    store.import_token(ORG, "office", "signing", token.uri("certified").replace("object=certified", "id=%20"))
    assert store.signing(ORG, "office").certificate == self_signed("rsa-2048")


def test_a_certificate_of_another_key_is_found_out_before_anything_is_stored(token: SoftHsm, store: KeyStore) -> None:
    with pytest.raises(ConfigError, match="PKCS11_PUBLIC"):
        store.import_token(ORG, "office", "signing", token.uri("ecdsa-p256"), self_signed("ecdsa-p256"))
    assert store.list() == []


def test_a_key_that_was_exchanged_in_the_token_gives_signatures_that_are_never_used(token: SoftHsm) -> None:
    swapped = Pkcs11Key(Place(parsed(token, "ecdsa-p256")), key("ecdsa-p256").spki)
    with pytest.raises(InputError, match="SIGNATURE_INVALID"):
        verify_raw(swapped.spki, "ecdsa-p256-sha256", swapped.sign(DATA), DATA)


def test_a_wrong_pin_is_tried_once_only(token: SoftHsm, tmp_path: Path) -> None:
    """A worker that tries again every minute would lock the token."""
    right, _ = open_key(parsed(token, "ecdsa-p256"))
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_text("0000-wrong")
    uri = KeyUri.parse(token.uri("ecdsa-p256", wrong))
    with pytest.raises(ConfigError, match="PKCS11_PIN"):
        open_key(uri)  # while the token has the right one
    restart(token.module)
    with pytest.raises(ConfigError, match="PKCS11_PIN") as first:
        open_key(uri)
    with pytest.raises(ConfigError, match="PKCS11_PIN") as again:
        open_key(uri)
    assert first.value.__cause__ is not None and again.value.__cause__ is None
    assert "0000" not in str(first.value) + repr(first.value.values)
    wrong.write_text(token.pin.read_text())
    assert open_key(uri)[0].sign(DATA) and right.sign(DATA)


def test_where_the_pin_comes_from(token: SoftHsm, tmp_path: Path) -> None:
    source = f"&pin-source=file:{token.pin}"
    bare = token.uri("ecdsa-p256").replace(source, "")
    named = token.uri("ecdsa-p256").replace(source, "&pin-source=env:OFFICE_PIN")
    assert open_key(KeyUri.parse(bare), environment={"ZHENGYIN_TOKEN_PIN": "1234-test"})
    assert open_key(KeyUri.parse(named), environment={"OFFICE_PIN": "1234-test"})
    for uri in (bare, named):
        with pytest.raises(ConfigError, match="PKCS11_PIN_MISSING"):
            open_key(KeyUri.parse(uri), environment={})
    loose = tmp_path / "loose"
    loose.write_text("1234-test")
    loose.chmod(0o644)
    with pytest.raises(ConfigError, match="KEYS_PERMISSIONS"):
        open_key(KeyUri.parse(token.uri("ecdsa-p256", loose)))
    with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
        open_key(KeyUri.parse(token.uri("ecdsa-p256", tmp_path / "none")))


def code_of(uri: str) -> tuple[type[ZhengyinError], str]:
    with pytest.raises(ZhengyinError) as caught:
        open_key(KeyUri.parse(uri))
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return type(caught.value), caught.value.code


def test_each_fault_of_a_device_has_its_code(token: SoftHsm) -> None:
    assert code_of(token.uri("ecdsa-p256", token="gone")) == (UnavailableError, "PKCS11_TOKEN")
    assert code_of(token.uri("none")) == (ConfigError, "PKCS11_KEY")
    assert code_of(token.uri("none").replace(token.module, "/usr/lib/none.so")) == (ConfigError, "PKCS11_MODULE")
    assert code_of(token.uri("ed25519") + "&pin-source=file:/x") == (InputError, "PKCS11_URI")


def test_a_session_that_was_lost_is_opened_again(token: SoftHsm) -> None:
    found, _ = open_key(parsed(token, "ecdsa-p256"))
    login(parsed(token, "ecdsa-p256"), {}).session.close()
    verify_raw(found.spki, "ecdsa-p256-sha256", found.sign(DATA), DATA)


def test_no_key_signs_with_the_handle_of_another_after_a_restart(token: SoftHsm) -> None:
    """Numbers of sessions and objects are given again."""
    first, second = (open_key(parsed(token, name))[0] for name in ("ecdsa-p256", "ecdsa-p384"))
    for held in (second, first, second):
        restart(token.module)
        verify_raw(held.spki, algorithm_of(held.spki).name, held.sign(DATA), DATA)


def test_a_token_that_goes_away_is_unavailable_and_serves_again_once_it_is_back(token: SoftHsm) -> None:
    found, _ = open_key(parsed(token, "ecdsa-p256"))
    away = token.folder.with_name("away")
    token.folder.rename(away)
    token.folder.mkdir()
    for _ in range(2):
        with pytest.raises(UnavailableError, match=r"PKCS11_(DEVICE|TOKEN)") as caught:
            found.sign(DATA)
        assert caught.value.values["token"] == "zhengyin test"
    for made in token.folder.iterdir():  # the library's empty place for a new token
        made.rmdir() if made.is_dir() else made.unlink()
    token.folder.rmdir()
    away.rename(token.folder)
    verify_raw(found.spki, "ecdsa-p256-sha256", found.sign(DATA), DATA)


def test_a_key_in_a_token_is_not_pickled() -> None:
    uri = KeyUri.parse("pkcs11:token=t;object=k?module-path=/m.so")
    held = Pkcs11Key(Place(uri), key("ed25519").spki)
    assert repr(held) == "Pkcs11Key(ed25519)"
    with pytest.raises(TypeError):
        pickle.dumps(held)
    with pytest.raises(ConfigError, match="KEYS_ALGORITHM"):
        Pkcs11Key(Place(uri), key("secp256k1").spki)


GOOD = (
    "pkcs11:token=My%20token;serial=0123;id=%00%FF;object=%E7%AD%BE;type=private?module-path=/m.so&pin-source=file:///p"
)

TEXTS = st.text(max_size=60)


def test_uris_are_read_and_written() -> None:
    found = KeyUri.parse(GOOD)
    assert found == KeyUri("/m.so", (("token", "My token"), ("serial", "0123")), "签", b"\0\xff", "file:/p")
    assert KeyUri.parse(str(found)) == found


@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        (("pkcs11:", "pkcs12:"), "pkcs11:"), (("token=My%20token;serial=0123;", ""), "token"),
        (("id=%00%FF;object=%E7%AD%BE;", ""), "object"), (("type=private", "type=public"), "type"),
        (("?module-path=/m.so&", "?"), "module-path"), (("/m.so", "m.so"), "module-path"),
        (("file:///p", "|cat /p"), "pin-source"), (("file:///p", "http://p"), "pin-source"),
        (("serial=0123", "serial="), "serial"),
        (("file:///p", "file:p"), "pin-source"), (("file:///p", "env:A=B"), "pin-source"),
        (("serial=0123", "slot-id=1"), "slot-id"), (("serial=0123", "token=b"), "token"),
        (("%E7%AD%BE", "%E7"), "object"), (("%E7%AD%BE", "a%0A"), "object"), (("0123", "9" * 3000), "pkcs11:"),
    ],
)  # fmt: skip
def test_a_uri_that_names_no_key_or_more_than_is_honoured(change: tuple[str, str], attribute: str) -> None:
    with pytest.raises(InputError, match="PKCS11_URI") as caught:
        KeyUri.parse(GOOD.replace(*change))
    assert caught.value.values == {"attribute": attribute}


def test_a_pin_in_a_uri_is_refused_and_not_repeated() -> None:
    """It would stand in the file, in backups and in the list of processes."""
    with pytest.raises(InputError, match="PKCS11_URI_PIN") as caught:
        KeyUri.parse(GOOD + "&pin-value=1234")
    assert "1234" not in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(TEXTS | TEXTS.map(lambda t: GOOD[: len(t)] + t + GOOD[len(t) :]), st.binary(max_size=90))
def test_hostile_uris_and_files_are_refused_in_our_words(text: str, data: bytes) -> None:
    try:
        assert KeyUri.parse(str(KeyUri.parse(text))) == KeyUri.parse(text)
    except InputError as error:
        assert error.code.startswith("PKCS11_URI")
    file = KeyUri.parse(GOOD).to_pem(b"\x30\x00")
    for offered in (data, file[: len(data)] + data, pem.write("PKCS#11 PROVIDER URI", data).encode() + file[-60:]):
        with pytest.raises(InputError):
            read_pkcs11_file(offered)
