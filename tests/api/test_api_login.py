"""Logging in over HTTP: a connected system, a person with a certificate, and those who want to be somebody else."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from api_kit import Office, open_office, running
from ledger_world import OFFICE_A, OFFICE_B, World
from login_kit import HERE, SERVER, ZHANG, Door, People, open_door
from pki_kit import NOW, Kit

from ledger.core.login import Challenge
from ledger.errors import InputError
from ledger.outside.login_client import fetch_challenge, hand_in, log_out
from ledger.services.login import CHALLENGE_SECONDS

SYSTEM = {"organisation": OFFICE_A, "system": "hall"}
CAS = ("ca-e", "ca-h")


@pytest.fixture(scope="module")
def people(pki: Kit) -> People:
    return People(pki)


@pytest.fixture
def door(world: World, pki: Kit, tmp_path: Path) -> Door:
    world.clock.now = NOW + 1
    return open_door(world, pki, tmp_path / "authorities", CAS)


@pytest.fixture
def hall(door: Door) -> Office:
    """The connected system's view; ``foreign`` is the token of another organisation's."""
    office = open_office(door.world)
    door.world.app.login = door.login
    return office


def ask(hall: Office, **changed: Any) -> Challenge:
    answer = hall("POST", "/v1/login/challenges", json=SYSTEM | {"jurisdiction": HERE, "level": 2} | changed)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == answer.json()["address"]
    return Challenge.from_json(answer.json()["challenge"])


def respond(hall: Office, challenge: Challenge, cms: bytes) -> Any:
    path = challenge.address.removeprefix(SERVER)
    return hall("POST", f"{path}/response", None, json={"cms": base64.b64encode(cms).decode()})


def worth(hall: Office, token: str, organisation: str = OFFICE_A, caller: str = "") -> Any:
    body = {"organisation": organisation, "system": "hall", "token": token}
    return hall("POST", "/v1/login/introspection", caller, json=body)


def test_from_challenge_to_logout(hall: Office, people: People) -> None:
    challenge = ask(hall)
    pending = hall("GET", challenge.address.removeprefix(SERVER), None)
    assert pending.content == challenge.to_bytes()
    assert pending.headers["cache-control"] == "no-store"
    opened = respond(hall, challenge, people("ca-e").sign(pending.content))
    assert opened.status_code == 201, opened.text
    session = opened.json()
    token = session.pop("token")
    assert worth(hall, token).json() == {"active": True, "session": session}
    assert session["audience"] == SYSTEM
    assert session["challenge"] == challenge.to_json()["nonce"]
    assert session["until"] == NOW + 1 + 3600
    again = respond(hall, ask(hall), people("ca-h").respond(ask(hall)))
    assert again.json()["code"] == "CMS_MESSAGE_DIGEST"
    other = ask(hall)
    assert respond(hall, other, people("ca-h").respond(other)).json()["subject"] == session["subject"]
    assert hall("POST", "/v1/login/logout", None, json={"token": token}).status_code == 204
    assert worth(hall, token).json() == {"active": False, "session": None}
    assert ZHANG not in json.dumps([session, hall.log()])
    log = [entry["act"] for entry in hall.log() if entry["act"].startswith("login.")]
    assert log == ["login.open", "login.open", "login.close"]


def test_a_session_is_worth_nothing_to_another_organisation(hall: Office, people: People) -> None:
    challenge = ask(hall)
    token = respond(hall, challenge, people("ca-e").respond(challenge)).json()["token"]
    assert worth(hall, token, OFFICE_B, hall.foreign).json()["active"] is False
    refused = worth(hall, token, OFFICE_A, hall.foreign)
    assert (refused.status_code, refused.json()["code"]) == (403, "ACCESS_ORGANISATION")


def test_refusals_have_their_status_and_code(hall: Office, door: Door, people: People) -> None:
    challenge, person = ask(hall), people("ca-e")
    response = person.respond(challenge)
    path = f"{challenge.address.removeprefix(SERVER)}/response"
    garbled = hall("POST", path, None, json={"cms": "§"})
    assert (garbled.status_code, garbled.json()["code"]) == (400, "LOGIN_RESPONSE_BASE64")
    door.rules.silence("ca-e")
    open_ = respond(hall, challenge, response)
    assert (open_.status_code, open_.json()["code"], "retry-after" in open_.headers) == (503, "LOGIN_UNDECIDED", True)
    door.rules.publish("ca-e")
    assert respond(hall, challenge, response).status_code == 201
    replayed = respond(hall, challenge, response)
    assert (replayed.status_code, replayed.json()["code"]) == (409, "LOGIN_CHALLENGE_USED")
    late = ask(hall)
    door.world.clock.now += CHALLENGE_SECONDS
    expired = respond(hall, late, person.respond(late))
    assert (expired.status_code, expired.json()["code"]) == (400, "LOGIN_CHALLENGE_EXPIRED")
    unknown = hall("GET", f"/v1/login/challenges/{'0' * 64}", None)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "LOGIN_CHALLENGE_UNKNOWN")


def test_a_ledger_without_login_says_so(world: World) -> None:
    office = open_office(world)
    answer = office("POST", "/v1/login/challenges", json=SYSTEM | {"jurisdiction": HERE, "level": 2})
    assert (answer.status_code, answer.json()["code"]) == (404, "LOGIN_OFF")


def test_people_without_tokens_cannot_ask_too_often(door: Door) -> None:
    world = door.world
    world.app.settings = world.app.settings.model_copy(update={"public_rate": 2})
    hall = open_office(world)
    paths = ("/v1/login/challenges/" + "0" * 64, "/v1/login/logout")
    codes = [hall("GET", paths[0], None).status_code, hall("POST", paths[1], None, json={"token": ""}).status_code]
    assert codes == [404, 204]
    assert hall("GET", paths[0], None).status_code == 429
    assert hall("POST", f"{paths[0]}/response", None, json={"cms": ""}).status_code == 429
    assert hall("POST", paths[1], None, json={"token": ""}).status_code == 429


def test_the_client_signs_only_what_was_asked_for_where_it_asked(hall: Office, door: Door, people: People) -> None:
    """Two servers with one ledger behind: a relay passes on what it gets from the real one."""
    with running(hall.app) as (host, port):
        real, relay = f"http://{host}:{port}", f"http://localhost:{port}"
        door.login._server = real
        challenge = ask(hall)
        with pytest.raises(InputError, match="LOGIN_SERVER"):
            fetch_challenge(challenge.address.replace(real, relay), NOW, None)
        with pytest.raises(InputError, match="LOGIN_AUDIENCE"):
            fetch_challenge(challenge.address, NOW, f"{OFFICE_A}/bank")
        with pytest.raises(InputError, match="LOGIN_STALE"):
            fetch_challenge(challenge.address, NOW + 3600, None)
        with pytest.raises(InputError, match="LOGIN_URL"):
            fetch_challenge("http://office.example/v1/login/challenges/" + "0" * 64, NOW, None)
        with pytest.raises(InputError, match="LOGIN_REFUSED") as caught:
            fetch_challenge(f"{real}/v1/login/challenges/{'0' * 64}", NOW, None)
        assert caught.value.values["refusal"] == "LOGIN_CHALLENGE_UNKNOWN"
        fetched = fetch_challenge(challenge.address, NOW, f"{OFFICE_A}/hall")
        opened = hand_in(fetched, people("ca-e").respond(fetched))
        assert opened.token not in repr(opened)
        assert worth(hall, opened.token).json()["active"] is True
        log_out(real, opened.token)
        assert worth(hall, opened.token).json()["active"] is False
