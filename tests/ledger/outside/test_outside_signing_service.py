"""The signer's desk and log, its doors, and the yes of a person."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from desk_kit import NOW, ORG, SECRET, asked, desk_of, make_keys, outcome
from key_kit import key
from signer_kit import ROOT, signer_home, tls_pair

from ledger.core.manifests import ChainIdentity, Manifest
from ledger.core.registries import Kind
from ledger.errors import ConfigError, IntegrityError, UnavailableError
from ledger.outside.keystore import KeyStore
from ledger.outside.remote_keys import SignerAddress
from ledger.outside.remote_signer import ask
from ledger.outside.signing_service import questions
from ledger.outside.signing_service.confirming import Confirming
from ledger.outside.signing_service.doors import TlsDoor, UnixDoor
from ledger.outside.signing_service.frames import Message
from ledger.outside.signing_service.server import SignerServer
from ledger.outside.signing_service.signed_log import SignedLog


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return make_keys(tmp_path_factory.mktemp("signer"))


# ---- desk -----------------------------------------------------------------------------------------------------------


def test_a_hijacked_ledger_is_held_to_so_many_records_an_hour(keys: KeyStore, tmp_path: Path) -> None:
    now = [float(NOW)]
    with desk_of(keys, tmp_path, lambda: now[0], hour_records=5) as desk:
        assert outcome(desk, keys, asked(0, 3)) == "signed"
        assert outcome(desk, keys, asked(0, 3)) == "signed"  # the same again counts once
        assert outcome(desk, keys, asked(10, 3)) == "SIGNER_HOUR_LIMIT"
        assert outcome(desk, keys, asked(20, 2)) == "signed"
    with desk_of(keys, tmp_path, lambda: now[0], hour_records=5) as desk:  # a restart forgets nothing
        assert outcome(desk, keys, asked(30, 1)) == "SIGNER_HOUR_LIMIT"
        now[0] += 3600
        assert outcome(desk, keys, asked(10, 3)) == "signed"


def test_the_same_records_as_something_else_after_a_restart(keys: KeyStore, tmp_path: Path) -> None:
    with desk_of(keys, tmp_path) as desk:
        assert outcome(desk, keys, asked()) == "signed"
    with desk_of(keys, tmp_path) as desk:
        assert outcome(desk, keys, asked(kind=Kind.SEAL)) == "SIGNER_SIGNED_OTHERWISE"
        assert outcome(desk, keys, asked(closed=NOW + 9)) == "signed"


def test_a_chain_that_the_rules_do_not_name(keys: KeyStore, tmp_path: Path) -> None:
    """Approvals name no chain: a ledger of the same records, made for training, asks for them too."""
    training = ChainIdentity(1, b"t" * 32, bytes(20))
    with desk_of(keys, tmp_path, chains=(bytes(32).hex(),)) as desk:
        assert outcome(desk, keys, asked(0, 1, chain=training)) == "SIGNER_CHAIN"
        assert outcome(desk, keys, asked(0, 1)) == "signed"


def test_outside_the_validity_of_the_certificate_by_the_signers_own_clock(keys: KeyStore, tmp_path: Path) -> None:
    with desk_of(keys, tmp_path, lambda: NOW + 366 * 86_400) as desk:
        assert outcome(desk, keys, asked()) == "SIGNER_CERTIFICATE_DATES"
        assert (tmp_path / "log").read_bytes() == b""


def test_a_key_that_lies_with_another_signer_is_no_key_of_this_one(keys: KeyStore, tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    address = SignerAddress.parse("unix:/run/other.sock")
    store.import_remote(ORG, "main", address, keys.certificate(ORG, "main"))
    store.import_secret(ORG, "main", "approval", SECRET)
    (entry, _) = sorted(store.list(), key=lambda each: each.kept, reverse=True)
    assert (entry.kept, entry.algorithm) == ("signer", "ecdsa-p256")
    with desk_of(store, tmp_path) as desk, pytest.raises(ConfigError, match="SIGNER_SETTINGS"):
        desk.require_keys()


def test_nothing_is_signed_until_somebody_says_yes(keys: KeyStore, tmp_path: Path) -> None:
    confirming = Confirming()
    shown: list[Manifest] = []
    with desk_of(keys, tmp_path, confirming=confirming) as desk:
        assert [outcome(desk, keys, asked(n, 1)) for n in (0, 1, 0)] == ["SIGNER_UNCONFIRMED"] * 3
        assert (tmp_path / "log").read_bytes() == b""
        for said in (True, False):
            assert confirming.ask_next(partial(_say, shown, said), 0)
        assert not confirming.ask_next(lambda m: True, 0)
        assert [manifest.counts for manifest in shown] == [(("deed", 1),)] * 2
        assert [outcome(desk, keys, asked(n, 1)) for n in (0, 1)] == ["signed", "SIGNER_DECLINED"]
        assert (
            outcome(desk, keys, asked(0, 1, closed=NOW + 1)) == "SIGNER_UNCONFIRMED"
        )  # that was no yes to another one


# ---- log ------------------------------------------------------------------------------------------------------------


def test_an_entry_that_was_changed_taken_out_or_turned_stops_the_signer(keys: KeyStore, tmp_path: Path) -> None:
    with desk_of(keys, tmp_path) as desk:
        assert [outcome(desk, keys, asked(n, 1)) for n in range(3)] == ["signed"] * 3
    lines = (tmp_path / "log").read_bytes().splitlines(keepends=True)
    changed = lines[1].replace(b'"size":1', b'"size":2')
    for damaged, line in ([lines[0], changed, lines[2]], 3), (lines[1:], 1), ([lines[0], lines[2]], 2), ([b"{}\n"], 1):
        (tmp_path / "damaged").write_bytes(b"".join(damaged))
        with pytest.raises(IntegrityError, match="SIGNER_LOG_DAMAGED") as caught:
            SignedLog(tmp_path / "damaged")
        assert caught.value.values == {"line": line}
    (tmp_path / "torn").write_bytes(b"".join(lines[:2]) + lines[2][:50])  # by a crash: nothing was signed for it
    with SignedLog(tmp_path / "torn") as log:
        assert log.number == 2
    assert (tmp_path / "torn").read_bytes() == b"".join(lines[:2])


def test_two_signers_never_share_a_log(tmp_path: Path) -> None:
    with SignedLog(tmp_path / "log"), pytest.raises(ConfigError, match="SIGNER_LOG_HELD"):
        SignedLog(tmp_path / "log")


# ---- doors, addresses, rules ----------------------------------------------------------------------------------------


def test_a_user_that_is_not_named_is_told_so_and_nothing_more(keys: KeyStore, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    with signer_home() as home, desk_of(keys, tmp_path) as desk:
        path = home.folder / "signer.sock"
        address = SignerAddress(path)
        with SignerServer(UnixDoor(path, frozenset({12345}), None), desk, told.append):
            assert path.stat().st_mode & 0o777 == 0o600
            answer = ask(address, questions.Describe(ORG, "main").to_message())
            assert answer.body["code"] == "SIGNER_CLIENT"
            with pytest.raises(ConfigError, match="SIGNER_BIND"):
                UnixDoor(path, frozenset(), None).close()
        assert {each["code"] for each in told} == {"SIGNER_CLIENT"}
        with SignerServer(UnixDoor(path, frozenset({12345}), os.getegid()), desk, told.append):
            assert path.stat().st_mode & 0o777 == 0o660
            assert ask(address, questions.Describe(ORG, "main").to_message()).body == {"answer": "described"}
        with pytest.raises(UnavailableError, match="SIGNER_UNREACHABLE"):
            ask(address, Message({}))


def test_a_fault_of_the_signer_costs_one_answer_and_tells_nothing(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []

    class Faulty:
        def answer(self, client: str, message: Message) -> Message:
            raise KeyError("张三丰")

    with signer_home() as home:
        path = home.folder / "signer.sock"
        with SignerServer(UnixDoor(path, frozenset(), None), Faulty(), told.append):  # type: ignore[arg-type]
            for _ in range(2):
                assert ask(SignerAddress(path), Message({})).body["code"] == "SIGNER_FAULT"
    assert told[0] == {"client": f"uid {os.geteuid()}", "decision": "fault", "code": "KeyError"}


def test_more_askers_than_places_are_all_answered(keys: KeyStore, tmp_path: Path) -> None:
    with signer_home() as home, desk_of(keys, tmp_path) as desk:
        path, found = home.folder / "signer.sock", []
        question = questions.Describe(ORG, "main").to_message()
        with SignerServer(UnixDoor(path, frozenset(), None), desk, lambda value: None):
            many = [
                threading.Thread(target=lambda: found.append(ask(SignerAddress(path), question))) for _ in range(12)
            ]
            for each in many:
                each.start()
            for each in many:
                each.join()
    assert [answer.body["answer"] for answer in found] == ["described"] * 12


def _say(shown: list[Manifest], said: bool, manifest: Manifest) -> bool:
    shown.append(manifest)
    return said


# ---- what it is made of ----------------------------------------------------------------------------------------------


def test_a_tls_key_under_a_passphrase_is_refused_and_not_asked_for(tmp_path: Path) -> None:
    """OpenSSL would ask on the terminal, and a service that nobody sits at would wait for ever."""
    certificate, _ = tls_pair(tmp_path, "signer")
    sealed = tmp_path / "sealed.key"
    sealed.touch(0o600)
    sealed.write_bytes(key("ecdsa-p256").to_pem(b"words"))
    with pytest.raises(ConfigError, match="SIGNER_TLS_FILES"):
        TlsDoor("127.0.0.1", 0, certificate, sealed, [certificate])


def test_the_process_loads_nothing_of_a_database_a_chain_or_a_web_service() -> None:
    parts = ("desk", "doors", "server", "rules", "signed_log", "confirming")
    names = ["ledger.cli.signer", "ledger.outside.keystore", *(f"ledger.outside.signing_service.{p}" for p in parts)]
    code = f"import sys, {', '.join(names)}; print(sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stdout))
    assert not loaded & {"sqlalchemy", "psycopg", "sqlite3", "web3", "eth", "fastapi", "httpx"}
