"""The small client against the real server: a key of the keystore, a session that is kept and given up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_kit import zhengyin
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_der_x509_certificate
from ledger_world import World
from login_kit import HALL, HERE, Door, People, open_door
from pki_kit import NOW, Kit

from ledger.cli.session import Session
from ledger.outside.software_keys import SoftwareKey


@dataclass
class Served:
    door: Door
    server: str

    def challenge(self) -> str:
        return self.door.login.challenge(HALL, HERE, 2, "person", 3600).address


@pytest.fixture
def served(world: World, pki: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The client's data folder is the server's, too, and so is its clock."""
    from serving_kit import running

    from api.app import create_app

    world.clock.now = NOW + 1
    door = open_door(world, pki, tmp_path / "authorities", ("ca-h",))
    person = People(pki)("ca-h")
    key = person.signer.private_key
    assert isinstance(key, SoftwareKey)
    world.app.keys.import_key(HALL.organisation, "zhang", "signing", key.to_pem(None), None)
    world.app.keys.put_certificate(HALL.organisation, "zhang", person.signer.certificate)

    @contextmanager
    def app(_: Session) -> Iterator[Any]:
        yield world.app

    monkeypatch.setattr(Session, "app", app)
    made = create_app(world.app)
    world.app.login = door.login
    with running(made) as (host, port):
        door.login._server = f"http://{host}:{port}"
        yield Served(door, door.login._server)


def client(*arguments: object) -> Any:
    return zhengyin("--org", HALL.organisation, *arguments)


def test_a_session_is_opened_kept_and_given_up(served: Served, tmp_path: Path) -> None:
    kept = tmp_path / "session.json"
    done = client("login", served.challenge(), "--key", "zhang", "--audience", HALL, "-o", kept)
    assert done.code == 0, done.err
    assert str(HALL) in done.err + done.out
    assert kept.stat().st_mode & 0o777 == 0o600
    token = json.loads(kept.read_text("utf-8"))["token"]
    assert token not in done.out
    assert served.door.login.introspect(HALL, token)
    again = client("login", served.challenge(), "--key", "zhang", "--audience", HALL, "-o", kept, "--json")
    assert (again.code, again.json["error"]["code"]) == (2, "LOGIN_FILE_EXISTS")
    assert client("logout", kept).code == 0
    assert served.door.login.introspect(HALL, token) is None
    assert not kept.exists()


def test_without_a_file_the_token_is_printed(served: Served) -> None:
    done = client("login", served.challenge(), "--key", "zhang", "--audience", HALL, "--json", "--quiet")
    assert served.door.login.introspect(HALL, done.json["token"])


def test_certificates_between_can_be_given(served: Served, tmp_path: Path) -> None:
    rules, between = served.door.rules, tmp_path / "issuing.der"
    shutil.rmtree(rules.folder / "ca-h" / "certificates")
    between.write_bytes(rules.pki.intermediates("ca-h")[0])
    asked = ("--key", "zhang", "--audience", HALL, "--json")
    alone = client("login", served.challenge(), *asked)
    assert (alone.code, alone.json["error"]["values"]["refusal"]) == (1, "PATH_NONE")
    assert client("login", served.challenge(), *asked, "--certificate", between).code == 0


def test_a_person_needs_a_key_file_and_no_ledger(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, between = tmp_path / "me.p12", tmp_path / "issuing.der"
    person = People(served.door.rules.pki)("ca-h")
    key = load_pem_private_key(person.signer.private_key.to_pem(None), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    sealed = BestAvailableEncryption(b"geheim")
    certificate = load_der_x509_certificate(person.signer.certificate)
    file.write_bytes(serialize_key_and_certificates(b"me", key, certificate, None, sealed))
    between.write_bytes(person.above[0])
    monkeypatch.setattr("time.time", served.door.world.clock)
    monkeypatch.delattr(Session, "app")
    asked = ("--p12", file, "--audience", HALL, "--certificate", between, "--json")
    assert client("login", served.challenge(), *asked).code == 4
    monkeypatch.setenv("ZHENGYIN_IMPORT_PASSPHRASE", "geheim")
    done = client("login", served.challenge(), *asked)
    assert done.code == 0, done.err
    assert served.door.login.introspect(HALL, done.json["token"])


def test_the_system_is_confirmed_and_refusals_are_failures(served: Served) -> None:
    unconfirmed = client("login", served.challenge(), "--key", "zhang", "--json")
    assert (unconfirmed.code, unconfirmed.json["error"]["code"]) == (2, "LOGIN_AUDIENCE_NEEDED")
    elsewhere = client("login", served.challenge(), "--key", "zhang", "--audience", "bank", "--json")
    assert (elsewhere.code, elsewhere.json["error"]["code"]) == (1, "LOGIN_AUDIENCE")
    served.door.rules.silence("ca-h")
    undecided = client("login", served.challenge(), "--key", "zhang", "--audience", HALL, "--lang", "en")
    assert undecided.code == 3
    assert "cannot be decided now" in undecided.err
