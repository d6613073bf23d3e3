"""An office's auditor asks for an audit, watches it, and reads what differs: of the office's own, not of others'."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from api_kit import Office
from ledger_world import OFFICE_A, OFFICE_B

from ledger.assembly import audit_runs
from ledger.assembly.audit_runs import AuditRuns
from ledger.assembly.restored import Restored, restored_mark, write_mark
from ledger.errors import UnavailableError


def ask(office: Office, key: str = "k", token: str = "", **query: Any) -> Any:
    return office("POST", "/v1/audits", token, headers={"Idempotency-Key": key}, params=query)


def run(office: Office, key: str = "k", token: str = "", **query: Any) -> Any:
    """Asked for, worked on, read."""
    asked = ask(office, key, token, **query)
    assert asked.status_code == 202, asked.text
    assert AuditRuns(office.world.app).run_open() == 1
    return office("GET", asked.headers["location"], token).json()


def edit(home: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(home / "rows.db")) as rows, rows:
        rows.execute(statement, values)


def test_a_clean_ledger_is_proved_and_says_of_how_much(furnished: Office) -> None:
    asked = ask(furnished)
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    assert "token" not in asked.json()
    assert AuditRuns(furnished.world.app).run_open() == 1
    done = furnished("GET", asked.headers["location"]).json()
    assert (done["state"], done["result"]["outcome"], done["result"]["findings"]) == ("finished", "clean", [])
    assert done["records"] == done["result"]["records"] > 10
    assert furnished("GET", "/v1/audits").json()["items"] == [{k: v for k, v in done.items() if k != "result"}]
    acts = [(e["act"], e["organisation"], e["subject"], e["who"][:6]) for e in furnished.log()[-2:]]
    assert acts == [(act, OFFICE_A, done["id"], "token:") for act in ("audit.start", "audit.finish")]
    assert furnished.log()[-1]["after"] == {"state": "finished", "outcome": "clean", "problem": None}


def test_the_same_key_asks_once_and_one_audit_at_a_time_is_enough(furnished: Office) -> None:
    first = ask(furnished)
    assert ask(furnished).json() == first.json()
    busy = ask(furnished, "other")
    assert (busy.status_code, busy.json()["code"]) == (409, "AUDIT_UNDER_WAY")
    assert ask(furnished, "k", token=furnished.foreign).status_code == 202, "another office has its own"
    assert AuditRuns(furnished.world.app).run_open() == 2
    assert ask(furnished, "other").status_code == 202
    changed = ask(furnished, "other", since=1)
    assert (changed.status_code, changed.json()["code"]) == (409, "ACCESS_KEY_REUSED")


def test_what_differs_is_named_to_the_office_it_belongs_to(furnished: Office) -> None:
    edit(furnished.world.home, "UPDATE batches SET size = size + 1 WHERE issuer = ?", OFFICE_B)
    edit(furnished.world.home, "UPDATE chain_organisations SET since = since + 1")
    ours = run(furnished)["result"]
    theirs = run(furnished, token=furnished.foreign)["result"]
    assert ours["outcome"] == theirs["outcome"] == "differs", "a ledger with a hole is one for everybody"
    assert (ours["differing"], ours["counts"]) == (theirs["differing"], theirs["counts"])
    about_all = {f["where"].split("/")[0] for f in ours["findings"]}
    assert (about_all, ours["others"]) == ({"chain_organisations"}, 1)
    (own,) = [f for f in theirs["findings"] if f["where"].startswith("batches/")]
    assert (own["code"], own["what"]["column"], theirs["others"]) == ("AUDIT_ROW_DIFFERS", "size", 0)
    assert own["zh"] and own["en"]


def test_an_audit_from_a_block_on_says_so(furnished: Office) -> None:
    head = furnished.world.app.chain.head()[0].block
    done = run(furnished, since=head + 1)
    assert (done["since"], done["result"]["since"], done["result"]["batches"]) == (head + 1, head + 1, 0)
    for wrong in (-1, 2**53, "x"):
        assert ask(furnished, "w", since=wrong).status_code == 422


def test_an_audit_that_cannot_be_made_says_why(furnished: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any) -> Any:
        raise UnavailableError("CHAIN_BEHIND", block=1)

    monkeypatch.setattr(furnished.world.app.chain, "head", silent)
    done = run(furnished)
    assert (done["state"], done["problem"]) == ("failed", "CHAIN_BEHIND")
    assert "result" not in done


def test_one_that_was_stopped_or_killed_begins_anew(furnished: Office) -> None:
    where = ask(furnished).headers["location"]
    with pytest.raises(UnavailableError, match="AUDIT_STOPPED"):
        AuditRuns(furnished.world.app).run_open(lambda: False)
    assert furnished("GET", where).json()["state"] == "running"
    assert AuditRuns(furnished.world.app).run_open() == 1
    done = furnished("GET", where).json()
    assert (done["state"], done["records"]) == ("finished", done["result"]["records"])


def test_it_unlocks_a_restored_ledger_as_the_command_does(furnished: Office) -> None:
    write_mark(furnished.world.app.home, Restored(1, 2, None))
    assert furnished.issue().json()["code"] == "RESTORE_UNAUDITED"
    assert run(furnished)["result"]["unlocked"] is True
    assert restored_mark(furnished.world.app.home) is None
    assert furnished.issue("k2").status_code == 201


def test_a_token_of_several_offices_names_one_and_old_audits_go(
    furnished: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = furnished.world.app.access.add("", [OFFICE_A, OFFICE_B], ["audit"], 3600)
    refused = ask(furnished, token=token)
    assert (refused.status_code, refused.json()["code"]) == (400, "API_ORGANISATION")
    monkeypatch.setattr(audit_runs, "KEPT", 1)
    first = run(furnished, token=token, organisation=OFFICE_B)
    furnished.world.clock.now += 1
    second = run(furnished, "l", token=token, organisation=OFFICE_A)
    assert [i["id"] for i in furnished("GET", "/v1/audits", token).json()["items"]] == [second["id"]]
    gone = furnished("GET", f"/v1/audits/{first['id']}", token)
    assert (gone.status_code, gone.json()["code"]) == (404, "AUDIT_UNKNOWN")
