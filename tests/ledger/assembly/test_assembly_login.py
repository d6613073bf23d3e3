"""The login as a data folder puts it together: its own keys, lists, trust file and log."""

from __future__ import annotations

import pytest
from ledger_world import World

from ledger.assembly.challenge_signing import sign_challenge
from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.canonical import decode
from ledger.core.login import Audience
from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.services.login import Login

HALL = Audience(OFFICE_A, "hall")


def test_an_office_logs_in_by_its_own_key_where_its_authority_is_recognised(world: World) -> None:
    app = world.app
    with pytest.raises(NotFoundError, match="LOGIN_OFF"):
        app.login.challenge(HALL, "CN-440100", 1, "organisation", 600)
    app.settings = app.settings.model_copy(update={"login_address": "https://ledger.example"})
    del app.login
    login: Login = app.login
    (name,) = app.keys.names(OFFICE_A, "signing")
    elsewhere = login.challenge(HALL, "FR", 1, "organisation", 600)
    with pytest.raises(InputError, match="PATH_NOT_RECOGNISED"):
        login.answer(elsewhere.nonce, sign_challenge(app, OFFICE_A, name, elsewhere))
    challenge = login.challenge(HALL, "CN-440100", 1, "organisation", 600)
    response = sign_challenge(app, OFFICE_A, name, challenge)
    row, token = login.answer(challenge.nonce, response)
    assert (row.kind, row.organisation) == ("organisation", OFFICE_A)
    assert login.introspect(HALL, token) == row
    with pytest.raises(ConflictError, match="LOGIN_CHALLENGE_USED"):
        login.answer(challenge.nonce, response)
    with app.store.read() as unit:
        log = [decode(entry)["act"] for _, entry, _ in unit.access.all_operations()][-2:]
    assert log == ["login.sign", "login.open"]
    app.operations.verify_chain()
