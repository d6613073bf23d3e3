"""Keys of the crypto service on the command line: made, certified, rotated, retired, listed and logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_kit import OFFICE, Cli
from key_kit import key, openssl, self_signed

from ledger.assembly.app import App
from ledger.core.canonical import decode
from ledger.crypto import pem
from ledger.services.crypto_content import Content
from ledger.settings import load_settings

ACT = ("--org", OFFICE)


@pytest.fixture(autouse=True)
def _no_passphrase_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZHENGYIN_KEY_PASSPHRASE", "ZHENGYIN_KEY_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)


def listed(cli: Cli) -> dict[str, Any]:
    return {e["purpose"]: e for e in cli("key", "list", "--json").lines if e["name"] == "filing"}


def entries(cli: Cli) -> list[Any]:
    with App(load_settings(cli.home)) as app, app.store.read() as unit:
        found = [decode(entry) for _, entry, _ in unit.access.all_operations()]
    return [(e["act"], e["after"]) for e in found if e["act"].startswith("key.")]


def test_a_data_key_is_made_rotated_and_retired(demo: Cli) -> None:
    made = demo(*ACT, "key", "new", "data", "--name", "filing", "--json")
    assert (made.code, made.json["algorithm"]) == (0, "aes-256-gcm"), made.err
    turned = demo(*ACT, "key", "rotate", "filing", "--json")
    assert (turned.code, turned.json["version"]) == (0, 2)
    shown = listed(demo)["data"]
    assert (shown["algorithm"], shown["version"], shown["retired"]) == ("aes-256-gcm", 2, False)
    assert demo(*ACT, "key", "retire", "filing").code == 0
    assert listed(demo)["data"]["retired"]
    assert "(2)" in demo("key", "list").out
    again = demo(*ACT, "key", "rotate", "filing", "--json")
    assert (again.code, again.json["error"]["code"]) == (2, "KEYS_RETIRED")
    facts = {"name": "filing", "purpose": "data", "algorithm": "aes-256-gcm"}
    assert entries(demo)[-3:] == [
        ("key.new", facts | {"version": 1, "retired": False}),
        ("key.rotate", facts | {"version": 2, "retired": False}),
        ("key.retire", facts | {"version": 2, "retired": True}),
    ]
    unknown = demo(*ACT, "key", "rotate", "nothing", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (3, "KEYS_UNKNOWN")


def test_a_service_key_is_certified_here(demo: Cli) -> None:
    made = demo(*ACT, "key", "new", "service", "--name", "filing", "--certify", "--json")
    assert made.code == 0, made.err
    assert listed(demo)["service"]["algorithm"] == "ecdsa-p256"
    assert "bind-signer" not in made.err
    with App(load_settings(demo.home)) as app:
        assert app.crypto.sign(OFFICE, "filing", Content(b"x")).algorithm == "ecdsa-p256-sha256"
    assert entries(demo)[-1][1]["certificate"] is not None


def test_a_service_key_is_certified_by_a_real_ca(demo: Cli, tmp_path: Path) -> None:
    request = tmp_path / "y.csr"
    made = demo(*ACT, "key", "new", "service", "--name", "filing", "--algorithm", "sm2", "--csr", request)
    assert made.code == 0, made.err
    (tmp_path / "ca.pem").write_bytes(key("ecdsa-p256").to_pem(None))
    (tmp_path / "ca.crt").write_text(pem.write("CERTIFICATE", self_signed("ecdsa-p256")))
    sm2 = ("-vfyopt", "distid:1234567812345678")
    (tmp_path / "v3").write_text("basicConstraints=CA:FALSE\n")
    ca = ("-CA", "ca.crt", "-CAkey", "ca.pem", "-set_serial", "7", "-extfile", "v3")
    openssl(tmp_path, "x509", "-req", "-in", "y.csr", *ca, "-out", "y.crt", *sm2)
    other = demo(*ACT, "key", "import", tmp_path / "ca.crt", "--purpose", "certificate", "--name", "filing", "--json")
    assert (other.code, other.json["error"]["code"]) == (4, "KEYS_CERTIFICATE")
    put = demo(*ACT, "key", "import", tmp_path / "y.crt", "--purpose", "certificate", "--name", "filing")
    assert put.code == 0, put.err
    with App(load_settings(demo.home)) as app:
        assert app.crypto.sign(OFFICE, "filing", Content(b"x")).algorithm == "sm2-sm3"


@pytest.mark.parametrize("profile", ["gm", "dual"])
def test_the_profile_chooses_the_algorithms(demo: Cli, tmp_path: Path, monkeypatch: Any, profile: str) -> None:
    monkeypatch.setenv("ZHENGYIN_CRYPTO_PROFILE", profile)
    assert demo(*ACT, "key", "new", "data", "--name", "filing", "--json").json["algorithm"] == "sm4-gcm"
    assert demo(*ACT, "key", "new", "service", "--name", "filing", "--csr", tmp_path / "y.csr").code == 0
    assert listed(demo)["service"]["algorithm"] == "sm2"


def test_the_service_may_be_allowed_by_a_token(demo: Cli) -> None:
    made = demo(*ACT, "token", "add", "--action", "crypto", "--json")
    assert (made.code, made.json["actions"]) == (0, ["crypto"])
