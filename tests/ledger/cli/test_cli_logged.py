"""What people do on the command line to keys, types, trust and the council stands in the log of operations: who, what,
when, with what before and after, and nothing personal or secret."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import pytest
from cli_kit import COUNCIL, OFFICE, Cli

from ledger.assembly.app import App
from ledger.core import canonical
from ledger.errors import UnavailableError
from ledger.services.operations import Operations
from ledger.settings import load_settings

TYPE = Path(__file__).resolve().parents[3] / "examples" / "parking-permit.toml"
NEWCOMER = "11330100700008011Y"


def log(cli: Cli) -> list[Any]:
    with App(load_settings(cli.home)) as app:
        app.operations.verify_chain()
        with app.store.read() as unit:
            return [canonical.decode(entry) for _, entry, _ in unit.access.all_operations()]


def act(cli: Cli, *arguments: object) -> list[Any]:
    """The entries that a command adds."""
    count, since = len(log(cli)), int(time.time())
    done = cli(*arguments)
    assert done.code == 0, done.err
    added = log(cli)[count:]
    assert all(e["who"] == "local" and since <= e["at"] <= time.time() for e in added)
    return added


def test_keys_that_are_made_and_brought_in_are_logged_by_their_public_half(demo: Cli, tmp_path: Path) -> None:
    (made,) = act(demo, "--org", OFFICE, "key", "new", "signing", "--name", "y2027", "--csr", tmp_path / "y.csr")
    assert (made["act"], made["organisation"], made["before"]) == ("key.new", OFFICE, None)
    assert made["after"] == {"name": "y2027", "purpose": "signing", "certificate": None}
    with App(load_settings(demo.home)) as app:
        assert made["subject"] == hashlib.sha256(app.keys.public(OFFICE, "y2027", "signing")).hexdigest()
    (secret,) = act(demo, "--org", OFFICE, "key", "new", "approval", "--name", "window-2")
    assert (secret["subject"], secret["after"]) == (None, {"name": "window-2", "purpose": "approval"})
    assert act(demo, "key", "list") == []
    pem = next(demo.home.glob(f"keys/{OFFICE}/*.account.pem"))
    (brought,) = act(demo, "--org", NEWCOMER, "key", "import", pem, "--purpose", "account")
    assert (brought["act"], brought["organisation"]) == ("key.import", NEWCOMER)


def test_a_certificate_that_comes_later_is_the_keys_after(demo: Cli, tmp_path: Path) -> None:
    (made,) = act(demo, "--org", OFFICE, "key", "new", "signing", "--name", "y2027", "--certify")
    digest = made["after"]["certificate"]
    crt = demo.home / "keys" / OFFICE / "y2027.signing.crt"
    held = crt.read_bytes()
    crt.unlink()
    (tmp_path / "y.crt").write_bytes(held)
    (put,) = act(demo, "--org", OFFICE, "key", "import", tmp_path / "y.crt", "--purpose", "certificate",
                 "--name", "y2027")  # fmt: skip
    named = {"name": "y2027", "purpose": "signing"}
    assert (put["before"], put["after"]) == (named | {"certificate": None}, named | {"certificate": digest})


def test_types_are_logged_by_their_digest(demo: Cli) -> None:
    (added,) = act(demo, "type", "add", TYPE)
    shown = demo("type", "show", "parking-permit", "--json").json
    assert (added["act"], added["subject"]) == ("type.add", shown["digest"])
    assert added["after"] == {"name": "parking-permit", "type": shown["code"]}


def test_trust_files_are_logged_by_version_and_fingerprint(demo: Cli, tmp_path: Path) -> None:
    old = demo("trust", "show", "--json").json
    (renewed,) = act(demo, "trust", "export", "--renew", "-o", tmp_path / "next.json")
    new = demo("trust", "show", "--json").json
    assert (renewed["act"], renewed["subject"]) == ("trust.install", new["sha256"])
    assert (renewed["before"]["version"], renewed["before"]["fingerprint"]) == (old["version"], old["sha256"])
    assert renewed["after"] == {
        "version": old["version"] + 1, "fingerprint": new["sha256"], "signatures": new["signatures"],
    }  # fmt: skip
    (again,) = act(demo, "trust", "import", tmp_path / "next.json")
    assert (again["act"], again["before"]) == ("trust.install", again["after"])
    assert act(demo, "trust", "sign", tmp_path / "next.json") == [], "every key had signed already"
    verifier = Cli(tmp_path / "verifier")
    assert verifier("trust", "import", tmp_path / "next.json").code == 0


def test_signatures_added_to_a_trust_file_are_logged(demo: Cli, tmp_path: Path) -> None:
    from ledger.core.trust import TrustFile

    file = tmp_path / "partial.json"
    assert demo("trust", "export", "-o", file).code == 0
    whole = TrustFile.from_bytes(file.read_bytes())
    file.write_bytes(TrustFile(whole.content, whole.signatures[:1]).to_bytes())
    (signed,) = act(demo, "trust", "sign", file)
    assert signed["act"] == "trust.sign"
    assert signed["before"]["signatures"] == [whole.signatures[0].key]
    assert signed["after"]["signatures"] == [s.key for s in whole.signatures]


def test_the_councils_acts_are_logged_with_where_the_proposal_stood(demo: Cli) -> None:
    (proposed,) = act(demo, "--org", COUNCIL[0], "council", "propose", "bar", OFFICE)
    assert (proposed["act"], proposed["organisation"], proposed["before"]) == ("council.propose", COUNCIL[0], None)
    assert (proposed["after"]["state"], proposed["after"]["calls"]) == ("open", ["Consortium.bar"])
    (approved,) = act(demo, "--org", COUNCIL[1], "council", "approve", proposed["subject"])
    assert (approved["act"], approved["before"]) == ("council.approve", {"state": "open", "approvals": 1, "vetoes": 0})
    assert approved["after"]["approvals"] == 2
    entries = act(demo, "council", "execute", proposed["subject"])
    assert [(e["act"], e["after"]["state"]) for e in entries] == [("council.execute", "executed")]


def test_an_organisation_that_is_added_leaves_its_keys_and_its_proposal(demo: Cli) -> None:
    entries = act(demo, "org", "add", NEWCOMER, "--name", "示范新机构", "--jurisdiction", "CN-999", "--kind", "license")
    assert [e["act"] for e in entries] == ["key.new"] * 3 + ["council.propose", "trust.install"]
    assert {e["organisation"] for e in entries[:3]} == {NEWCOMER}
    assert entries[3]["after"]["state"] == "executed"
    assert "示范新机构" not in str(entries), "names stand in certificates"


def test_what_cannot_be_logged_is_not_done(demo: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: Operations) -> None:
        raise UnavailableError("STORE_LOST")

    monkeypatch.setattr(Operations, "require", away)
    keys, trust = demo("key", "list").out, (demo.home / "trust.json").read_bytes()
    for arguments in (
        ("--org", OFFICE, "key", "new", "approval", "--name", "x"),
        ("type", "add", TYPE),
        ("trust", "export", "--renew", "-o", tmp_path / "t.json"),
    ):
        assert demo(*arguments).code == 3, arguments
    assert demo("key", "list").out == keys
    assert (demo.home / "trust.json").read_bytes() == trust
    assert demo("type", "show", "parking-permit").code == 3
