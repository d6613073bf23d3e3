"""Tokens: shown once, kept as a digest, refused in every way but one."""

from __future__ import annotations

from typing import Any

import pytest
from ledger_world import OFFICE_A, OFFICE_B, World

from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.services.access import ACTIONS, MAX_SECONDS, Caller


def test_a_token_opens_what_it_was_made_for_until_it_ends(world: World) -> None:
    access = world.app.access
    row, token = access.add("一号窗口", [OFFICE_A], ["read", "issue"], 60)
    caller = access.authenticate(f"Bearer {token}")
    assert caller == Caller(row.id, (OFFICE_A,), ("issue", "read"))
    assert access.authenticate(f"bearer  {token} ") == caller
    caller.require("read")
    caller.require_organisation(OFFICE_A)
    with pytest.raises(InputError, match="ACCESS_ACTION"):
        caller.require("status")
    with pytest.raises(InputError, match="ACCESS_ORGANISATION"):
        caller.require_organisation(OFFICE_B)
    assert access.usable()
    world.clock.now += 60
    with pytest.raises(InputError, match="ACCESS_TOKEN_EXPIRED"):
        access.authenticate(f"Bearer {token}")
    assert not access.usable()


def test_the_secret_is_nowhere_in_the_database(world: World) -> None:
    _, token = world.app.access.add("", [OFFICE_A], ["read"], 60)
    world.close()
    for path in world.home.glob("rows.db*"):
        assert token.split("_", 2)[2].encode() not in path.read_bytes()


@pytest.mark.parametrize("spoil", ["", "Bearer", "Bearer ", "Basic {}", "{}", "Bearer {}x", "Bearer x{}", "Bearer é"])
def test_malformed_headers_are_refused(world: World, spoil: str) -> None:
    _, token = world.app.access.add("", [OFFICE_A], ["read"], 60)
    with pytest.raises(InputError, match=r"ACCESS_TOKEN_(MISSING|INVALID)"):
        world.app.access.authenticate(spoil.format(token))


def test_every_other_spelling_of_a_token_is_refused(world: World) -> None:
    """The last character of a base64 text has spare bits: three more spellings decode to the same bytes elsewhere."""
    _, token = world.app.access.add("", [OFFICE_A], ["read"], 60)
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if last != token[-1]:
            with pytest.raises(InputError, match="ACCESS_TOKEN_INVALID"):
                world.app.access.authenticate(f"Bearer {token[:-1]}{last}")


def test_a_revoked_token_is_refused_at_once_and_looks_unknown(world: World) -> None:
    row, token = world.app.access.add("", [OFFICE_A], ["read"], 60)
    world.app.access.revoke(row.id)
    with pytest.raises(InputError, match="ACCESS_TOKEN_INVALID"):
        world.app.access.authenticate(f"Bearer {token}")
    for id_ in (row.id, "0" * 12):
        with pytest.raises(NotFoundError, match="TOKEN_UNKNOWN"):
            world.app.access.revoke(id_)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"label": "x" * 65}, "ACCESS_LABEL"),
        ({"label": "a\nb"}, "ACCESS_LABEL"),
        ({"actions": ["read", "rule"]}, "ACCESS_ACTION_UNKNOWN"),
        ({"actions": []}, "ACCESS_EMPTY"),
        ({"organisations": []}, "ACCESS_EMPTY"),
        ({"organisations": ["114401000700000149"]}, "USCC"),
        ({"seconds": 0}, "ACCESS_SECONDS"),
        ({"seconds": MAX_SECONDS + 1}, "ACCESS_SECONDS"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(world: World, changed: dict[str, Any], code: str) -> None:
    asked: dict[str, Any] = {"label": "", "organisations": [OFFICE_A], "actions": ["read"], "seconds": 60} | changed
    with pytest.raises(InputError, match=code):
        world.app.access.add(**asked)
    assert world.app.access.tokens() == []


def test_a_key_is_kept_as_a_digest_answers_again_and_is_forgotten_in_time(world: World) -> None:
    access, caller = world.app.access, Caller("t", (OFFICE_A,), ACTIONS)
    key = "粤A12345".encode().hex()
    with world.app.store.begin() as unit:
        unit.access.add_answer(access.answer(caller, key, b"r" * 32, b"s" * 32))
    found = access.answered(caller, key, b"r" * 32)
    assert found is not None
    assert found.subject == b"s" * 32
    assert access.answered(Caller("u", (OFFICE_A,), ACTIONS), key, b"x" * 32) is None
    with pytest.raises(ConflictError, match="ACCESS_KEY_REUSED"):
        access.answered(caller, key, b"x" * 32)
    with pytest.raises(ConflictError, match="ACCESS_KEY_TAKEN"), world.app.store.begin() as unit:
        unit.access.add_answer(access.answer(caller, key, b"x" * 32, b"s" * 32))
    for wrong in ("", "a b", "x" * 129, "é", "a\n"):
        with pytest.raises(InputError, match="ACCESS_KEY"):
            access.answered(caller, wrong, b"r" * 32)
    assert key.encode() not in access.answer(caller, key, b"", b"").key
    world.clock.now += 30 * 86_400 + 1
    assert access.forget(30) == 1
    assert access.answered(caller, key, b"x" * 32) is None
