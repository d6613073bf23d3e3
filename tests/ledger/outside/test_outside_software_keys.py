"""Keys in this process: every algorithm signs, is stored, asks a CA, and shows itself nowhere."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from cryptography import x509
from key_kit import ALGORITHMS, key, openssl, self_signed

from ledger.crypto import der, pem
from ledger.crypto.algorithms import ALGORITHMS as ROWS
from ledger.crypto.algorithms import algorithm_of, verify_raw
from ledger.crypto.cms import verify_detached
from ledger.errors import ConfigError, InputError
from ledger.outside.key_files import read_private_key
from ledger.outside.key_material import PSS_OID, algorithm_name, signing_request
from ledger.outside.signing_keys import SigningKey
from ledger.outside.software_keys import SoftwareKey
from ledger.ports import PrivateKey

ORG, DATA = "11430000006122244L", b"data"


def test_every_row_of_the_algorithms_has_a_key() -> None:
    assert {algorithm_of(key(name).spki).name for name in ALGORITHMS} == {row.name for row in ROWS}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_key_signs_and_comes_back_from_its_file(name: str) -> None:
    held: PrivateKey = key(name)
    assert algorithm_name(held.spki) == name
    verify_raw(held.spki, algorithm_of(held.spki).name, held.sign(DATA), DATA)
    again = SoftwareKey(read_private_key(key(name).to_pem(None), None))
    assert again.spki == held.spki
    verify_raw(held.spki, algorithm_of(held.spki).name, again.sign(DATA), DATA)


@pytest.mark.parametrize("name", ["sm2", "rsa-pss-2048"])
def test_a_stored_key_is_one_for_openssl_too_under_its_passphrase(name: str, tmp_path: Path) -> None:
    (tmp_path / "k.pem").write_bytes(key(name).to_pem("口令".encode()))
    (tmp_path / "words").write_text("口令\n")
    openssl(tmp_path, "pkey", "-in", "k.pem", "-passin", "file:words", "-pubout", "-out", "k.pub")
    assert pem.read((tmp_path / "k.pub").read_bytes()) == [("PUBLIC KEY", key(name).spki)]
    assert SoftwareKey(read_private_key((tmp_path / "k.pem").read_bytes(), "口令".encode())).spki == key(name).spki


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_request_to_a_ca_is_one_for_openssl(name: str, tmp_path: Path) -> None:
    made = signing_request(key(name), ORG, "甲市示范不动产登记中心")
    (tmp_path / "r.der").write_bytes(made)
    options = ("-vfyopt", "distid:1234567812345678") if name == "sm2" else ()
    words = openssl(tmp_path, "req", "-in", "r.der", "-inform", "DER", "-verify", "-noout", *options)
    assert "verify OK" in words
    request = x509.load_der_x509_csr(made)
    assert request.subject.rfc4514_string() == f"2.5.4.97={ORG},O=甲市示范不动产登记中心"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_detached_signature_by_every_algorithm(name: str) -> None:
    certificate = self_signed(name)
    since = int(x509.load_der_x509_certificate(certificate).not_valid_before_utc.timestamp())
    signing = SigningKey(key(name), certificate)
    found = verify_detached(signing.sign_detached(DATA, since), DATA)
    assert (found.algorithm, found.organization) == (algorithm_of(key(name).spki).name, "示范局")
    assert "SigningKey(" in repr(signing) and "sign" not in repr(signing)
    with pytest.raises(ConfigError, match="SIGNER_CERTIFICATE_DATES"):
        signing.sign_detached(DATA, since - 1)


@pytest.mark.parametrize("name", [*ALGORITHMS, "secp256k1"])
def test_a_private_key_shows_and_pickles_itself_nowhere(name: str) -> None:
    held = key(name)
    ((_, plain),) = pem.read(held.to_pem(None))
    shown = repr(held) + str(held)
    assert shown == f"SoftwareKey({name})" * 2 and plain.hex()[-40:] not in shown
    with pytest.raises(TypeError):
        pickle.dumps(held)


def certified_for_pss(spki: bytes) -> bytes:
    bits = der.members(der.read(spki, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)[1]
    return der.write(der.SEQUENCE, der.write(der.SEQUENCE, PSS_OID), bits.outer)


def test_an_rsa_key_certified_for_pss_alone_signs_so() -> None:
    spki = certified_for_pss(key("rsa-2048").spki)
    held = key("rsa-2048").certified_as(spki)
    verify_raw(spki, "rsa-pss-sha256", held.sign(DATA), DATA)
    assert key("rsa-2048").certified_as(key("rsa-2048").spki).spki == key("rsa-2048").spki


def test_a_certificate_of_another_key_or_for_more_than_the_key_may_do() -> None:
    loose = key("rsa-pss-2048")
    bits = der.members(der.read(loose.spki, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)[1]
    plain = der.members(der.read(key("rsa-2048").spki, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)[0]
    widened = der.write(der.SEQUENCE, plain.outer, bits.outer)
    others = (certified_for_pss(key("rsa-2048").spki), key("ecdsa-p256").spki, widened)
    for spki in others:
        with pytest.raises(InputError, match="SIGNATURE_KEY"):
            loose.certified_as(spki)


def test_an_algorithm_that_nobody_makes() -> None:
    with pytest.raises(ConfigError, match="KEYS_ALGORITHM"):
        SoftwareKey.generate("dsa")
    assert algorithm_name(b"\x30\x00") == "unknown"
