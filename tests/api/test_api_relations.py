"""Relations over HTTP: asked for by POST, pending until the chain has them, then part of a list that only grows."""

from __future__ import annotations

from typing import Any

import pytest
from api_kit import Office
from ledger_world import OFFICE_B

from ledger.assembly.demo_plan import COURT, NOTARY
from ledger.services.access import ACTIONS

BODY = {"relation": "decidesOn", "actor": COURT, "reference": "示范〔2026〕民初1号", "content": "采信"}


@pytest.fixture
def court(furnished: Office) -> str:
    """A token of the court's, which has no records of its own here."""
    return furnished.world.app.access.add("法院", [COURT], ACTIONS, 86_400)[1]


def where(office: Office, name: str = "evidence") -> str:
    return f"/v1/records/{office.world.row(office.world.ids[name]).leaf.hex()}/relations"


def test_a_court_s_decision_is_pending_and_then_recorded(furnished: Office, court: str) -> None:
    path = where(furnished)
    assert furnished("GET", path).json() == {"items": []}
    asked = furnished.post(path, BODY, "k", court)
    assert (asked.status_code, asked.headers["location"]) == (202, path)
    assert furnished.post(path, BODY, "k", court).content == asked.content
    other = furnished.post(path, BODY | {"content": "不采信"}, "k", court)
    assert (other.status_code, other.json()["code"]) == (409, "ACCESS_KEY_REUSED")
    (pending,) = furnished("GET", path).json()["items"]
    assert (pending["pending"], pending["statement"]) == (True, asked.json()["statement"])
    furnished.world.drain()
    for token in ("", court):
        (item,) = furnished("GET", path, token).json()["items"]
        assert (item["relation"], item["actor"], item["confirmed"]) == ("decidesOn", COURT, True)
        assert (item["pending"], item["block"] > 0) == (False, True)
    assert furnished.post(path, BODY, "k", court).content == asked.content
    assert len(furnished("GET", path).json()["items"]) == 1


def test_who_related_nothing_to_it_sees_nothing(furnished: Office, court: str) -> None:
    path = where(furnished)
    for token in (court, furnished.foreign):
        answer = furnished("GET", path, token)
        assert (answer.status_code, answer.json()["code"]) == (404, "RECORD_UNKNOWN")
    furnished.post(path, BODY, "k", court)
    assert furnished("GET", path, court).status_code == 200
    assert furnished("GET", path, furnished.foreign).status_code == 404


def test_a_court_sees_only_its_own_word_on_another_s_record(furnished: Office, court: str) -> None:
    _, notary = furnished.world.app.access.add("公证处", [NOTARY], ACTIONS, 86_400)
    path = where(furnished)
    furnished.post(path, BODY, "k", court)
    furnished.post(path, BODY | {"actor": NOTARY, "relation": "takesCustodyOf"}, "k", notary)
    assert [i["actor"] for i in furnished("GET", path, notary).json()["items"]] == [NOTARY]
    assert len(furnished("GET", path).json()["items"]) == 2


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"relation": "erases"}, 422, "API_INVALID"),
        ({"relation": "supersedes"}, 422, "API_INVALID"),
        ({"content": "a\u0000b"}, 400, "CANONICAL_CHARACTER"),
        ({"issuer": OFFICE_B}, 404, "RECORD_UNKNOWN"),
        ({"actor": NOTARY}, 403, "ACCESS_ORGANISATION"),
        ({"more": 1}, 422, "API_INVALID"),
    ],
)
def test_what_cannot_be_said_is_refused(
    furnished: Office, court: str, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = furnished.post(where(furnished), BODY | changes, "k", court)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert furnished("GET", where(furnished)).json() == {"items": []}


def test_a_record_that_is_not_here_needs_its_issuer(furnished: Office, court: str) -> None:
    path = "/v1/records/" + "ab" * 32 + "/relations"
    answer = furnished.post(path, BODY, "k", court)
    assert (answer.status_code, answer.json()["code"]) == (404, "RECORD_UNKNOWN")
    assert furnished.post(path, BODY | {"issuer": OFFICE_B}, "k", court).status_code == 202
    furnished.world.drain()
    assert furnished("GET", path, court).json()["items"][0]["confirmed"] is True
    assert furnished("GET", path).status_code == 404


def test_what_was_said_stands_in_the_log_without_its_words(furnished: Office, court: str) -> None:
    furnished.post(where(furnished), BODY, "k", court)
    entry = furnished.log()[-1]
    assert (entry["act"], entry["who"]) == ("records.decidesOn", "token:" + court.split("_")[1])
    assert "采信" not in str(entry)
