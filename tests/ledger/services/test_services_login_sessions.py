"""Challenges, their answers, and the sessions that come of them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from login_kit import HALL, HERE, LI, SERVER, Door, People, log
from pki_kit import CAS, DAY, NOW, tampered
from pki_kit import OFFICE as COMPANY

from ledger.core.login import Audience, Challenge
from ledger.errors import ConflictError, InputError, NotFoundError, ZhengyinError
from ledger.services.login import CHALLENGE_SECONDS, KEPT_SECONDS

SECOND = "ca-a" if "ca-a" in CAS else "ca-h"
"""An authority of another algorithm than ca-e's RSA."""


# ---- challenges and responses --------------------------------------------------------------------------------------


def test_a_challenge_is_answered_once(door: Door, people: People) -> None:
    challenge, person = door.challenge(), people("ca-e")
    response = person.respond(challenge)
    door.login.answer(challenge.nonce, response)
    for again in (response, person.respond(challenge, NOW + 1)):
        with pytest.raises(ConflictError, match="LOGIN_CHALLENGE_USED"):
            door.login.answer(challenge.nonce, again)
    with pytest.raises(ConflictError, match="LOGIN_CHALLENGE_USED"):
        door.login.pending(challenge.nonce)


def test_of_many_answers_at_once_one_is_granted(door: Door, people: People) -> None:
    challenge = door.challenge()
    response, outcomes = people("ca-e").respond(challenge), []

    def answer() -> None:
        try:
            door.login.answer(challenge.nonce, response)
            outcomes.append("granted")
        except ZhengyinError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["LOGIN_CHALLENGE_USED"] * 3 + ["granted"]


def test_a_refusal_leaves_the_challenge_to_be_answered(door: Door, people: People) -> None:
    challenge = door.challenge()
    with pytest.raises(InputError, match="CMS_SYNTAX"):
        door.login.answer(challenge.nonce, b"\x30\x00")
    assert door.login.answer(challenge.nonce, people("ca-e").respond(challenge))


def test_a_challenge_lasts_minutes_and_is_forgotten_in_hours(door: Door, people: People) -> None:
    challenge = door.challenge()
    response = people("ca-e").respond(challenge)
    door.world.clock.now += CHALLENGE_SECONDS
    for ask in (lambda: door.login.pending(challenge.nonce), lambda: door.login.answer(challenge.nonce, response)):
        with pytest.raises(InputError, match="LOGIN_CHALLENGE_EXPIRED"):
            ask()
    door.world.clock.now += KEPT_SECONDS + 1
    door.challenge()
    with pytest.raises(NotFoundError, match="LOGIN_CHALLENGE_UNKNOWN"):
        door.login.pending(challenge.nonce)


@pytest.mark.parametrize(
    "member",
    [{"server": "https://evil.example"}, {"audience": Audience(COMPANY, "bank")}, {"level": 1}, {"session": 43200},
     {"jurisdiction": "CN-320100"}, {"nonce": b"n" * 32}, {"expires": NOW + DAY}, {"subject": "organisation"}],
    ids=lambda member: next(iter(member)),
)  # fmt: skip
def test_a_signature_over_another_challenge_is_none_over_this(
    door: Door, people: People, member: dict[str, Any]
) -> None:
    """A relaying server, another system, another nonce: all of it is in what was signed."""
    challenge = door.challenge()
    with pytest.raises(InputError, match="CMS_MESSAGE_DIGEST"):
        door.login.answer(challenge.nonce, people("ca-e").respond(replace(challenge, **member)))


def test_tampered_responses_are_refused(door: Door, people: People) -> None:
    challenge, person = door.challenge(), people("ca-h")
    response = person.respond(challenge)
    other = people("ca-h", LI).signer.certificate
    for wrong, code in (
        (tampered(response), "CMS_SIGNATURE|CMS_SYNTAX"),
        (response + b"\0", "CMS_SYNTAX"),
        (response.replace(person.signer.certificate, other), "CMS_"),
        (b"", "CMS_SYNTAX"),
        (bytes(70_000), "LOGIN_RESPONSE_LARGE"),
    ):
        with pytest.raises(InputError, match=code):
            door.login.answer(challenge.nonce, wrong)


def test_what_an_office_signs_otherwise_is_no_response(door: Door, people: People) -> None:
    """Nor is a challenge anything else: it carries its own tag."""
    challenge = door.challenge()
    value = challenge.to_json() | {"tag": "zhengyin/manifest/1"}
    with pytest.raises(InputError, match="SHAPE_TAG"):
        Challenge.from_json(value)
    assert Challenge.from_bytes(door.login.pending(challenge.nonce)) == challenge
    assert challenge.address == f"{SERVER}/v1/login/challenges/{challenge.nonce.hex()}"


def test_a_ledger_without_an_address_has_no_login(door: Door) -> None:
    with pytest.raises(NotFoundError, match="LOGIN_OFF"):
        door.world.app.login.challenge(HALL, HERE, 2, "person", 3600)


# ---- sessions -------------------------------------------------------------------------------------------------------


def test_a_token_is_worth_nothing_to_another_system(door: Door, people: People) -> None:
    row, token = door.enter(people("ca-e"))
    assert door.login.introspect(HALL, token) == row
    for audience in (Audience(HALL.organisation, "till"), Audience("11320100070001017R", HALL.system)):
        assert door.login.introspect(audience, token) is None
    for wrong in ("", "zl_", token[:-1], token[:-2] + ("AA" if token[-2:] != "AA" else "EE"), token + "A"):
        assert door.login.introspect(HALL, wrong) is None


def test_a_session_tells_the_challenge_it_came_from(door: Door, people: People) -> None:
    """A token that an attacker slips into somebody's browser is of a challenge that was asked for in his own."""
    mine, his = door.challenge(), door.challenge()
    _, token = door.login.answer(his.nonce, people("ca-e").respond(his))
    found = door.login.introspect(HALL, token)
    assert found is not None and found.challenge == his.nonce != mine.nonce


def test_a_session_ends_by_time_and_by_logout(door: Door, people: People) -> None:
    _, token = door.enter(people("ca-e"), session=60)
    door.world.clock.now += 59
    assert door.login.introspect(HALL, token)
    door.world.clock.now += 1
    assert door.login.introspect(HALL, token) is None
    row, token = door.enter(people("ca-e"))
    for _ in range(2):
        door.login.logout(token)
        assert door.login.introspect(HALL, token) is None
    door.login.logout("zl_000000000000_" + "A" * 43)
    closed = [entry for entry in log(door) if entry["act"] == "login.close"]
    assert [(e["subject"], e["who"]) for e in closed] == [(row.id, f"subject:{row.subject.hex()}")]


def test_whoever_can_only_write_rows_neither_makes_nor_changes_a_session(door: Door, people: People) -> None:
    from ledger.store.login import sessions

    row, token = door.enter(people("ca-e"))
    other, _ = door.enter(people("ca-e", LI))
    for changed in ({"until": row.until + 1}, {"subject": other.subject}, {"system": "till"}, {"level": 4},
                    {"challenge": other.challenge}):  # fmt: skip
        (name,) = changed
        with door.world.app.store.begin() as unit:
            unit._connection.execute(sessions.update().where(sessions.c.id == row.id).values(**changed))
        audience = Audience(HALL.organisation, "till") if name == "system" else HALL
        assert door.login.introspect(audience, token) is None, name
        with door.world.app.store.begin() as unit:
            back = {name: getattr(row, name)}
            unit._connection.execute(sessions.update().where(sessions.c.id == row.id).values(**back))
    assert door.login.introspect(HALL, token) == row
