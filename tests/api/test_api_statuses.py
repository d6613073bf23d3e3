"""Statuses: asked for by POST, pending until the chain has them, then part of a history that only grows."""

from __future__ import annotations

from typing import Any

import pytest
from api_kit import Office


def leaf_of(office: Office, name: str) -> str:
    return office.world.row(office.world.ids[name]).leaf.hex()


def test_a_change_is_pending_and_then_recorded(furnished: Office) -> None:
    where = f"/v1/records/{leaf_of(furnished, 'plain')}/statuses"
    assert furnished("GET", where).json() == {"items": []}
    body = {"state": "suspended", "reason": "detained", "decision": "示范〔2026〕9号"}
    asked = furnished.post(where, body, "s")
    assert (asked.status_code, asked.headers["location"]) == (202, where)
    (pending,) = furnished("GET", where).json()["items"]
    assert (pending["pending"], pending["state"], pending["statement"]) == (
        True,
        "suspended",
        asked.json()["statement"],
    )
    assert furnished.post(where, body, "s").content == asked.content
    furnished.world.drain()
    (entry,) = furnished("GET", where).json()["items"]
    assert (entry["pending"], entry["state"], entry["statement"]) == (False, "suspended", pending["statement"])
    assert entry["block"] > 0
    assert furnished.post(where, body, "s").content == asked.content
    assert furnished.post(where, {"state": "active", "reason": "returned"}, "t").status_code == 202
    furnished.world.drain()
    assert [e["state"] for e in furnished("GET", where).json()["items"]] == ["suspended", "active"]


def test_the_history_of_a_record_that_is_not_final_is_accepted_not_ok(office: Office) -> None:
    where = office.issue().headers["location"] + "/statuses"
    early = office("GET", where)
    assert (early.status_code, early.json(), early.headers["retry-after"]) == (202, {"items": []}, "2")
    office.world.drain()
    assert office("GET", where).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"state": "active", "reason": "returned"}, 409, "STATUS_TRANSITION"),
        ({"state": "revoked", "reason": "cancelled", "effective": 2**53 - 1}, 409, "STATUS_EFFECTIVE_FUTURE"),
        ({"state": "superseded", "reason": "renewed"}, 409, "STATUS_SUCCESSOR"),
        ({"state": "revoked", "reason": "setAside"}, 400, "CLI_REASON_RESERVED"),
        ({"state": "revoked", "reason": "because"}, 400, "REGISTRY_UNKNOWN"),
        ({"state": "gone", "reason": "cancelled"}, 422, "API_INVALID"),
        ({"state": "revoked", "reason": "cancelled", "decision": "a\u0000b"}, 400, "CANONICAL_CHARACTER"),
    ],
)
def test_what_the_contract_would_refuse_is_refused(
    reading: Office, body: dict[str, Any], status: int, code: str
) -> None:
    answer = reading.post(f"/v1/records/{leaf_of(reading, 'plain')}/statuses", body, "k")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_what_was_done_stands_in_the_log_with_before_and_after(furnished: Office) -> None:
    leaf = leaf_of(furnished, "plain")
    furnished.post(f"/v1/records/{leaf}/statuses", {"state": "revoked", "reason": "cancelled"}, "s")
    entry = furnished.log()[-1]
    assert entry["who"] == "token:" + furnished.token.split("_")[1]
    assert (entry["act"], entry["subject"], entry["before"]) == ("status.change", leaf, {"state": "active"})
    assert entry["after"]["state"] == "revoked"
