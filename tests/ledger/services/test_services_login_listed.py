"""What the council did on chain since the trust file was issued lets nobody in; nor does a list that is not proved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ledger_world import START, Template, World

from ledger.assembly import trust_work
from ledger.assembly.challenge_signing import sign_challenge
from ledger.assembly.council_work import decide
from ledger.assembly.demo_plan import CITY_A, OFFICE_A
from ledger.assembly.trusting import renewed_trust
from ledger.chain.calls import OPEN_END, CouncilCall
from ledger.core.login import Audience
from ledger.core.trust import Trust
from ledger.core.trust_documents import Agreement
from ledger.core.trust_services import ServiceStatus
from ledger.crypto.certificates import fingerprint
from ledger.errors import InputError, UnavailableError, ZhengyinError
from ledger.ports.login import SessionRow
from ledger.services.listed_now import ListedNow

HALL = Audience(OFFICE_A, "hall")


def open_login(world: World) -> World:
    world.app.settings = world.app.settings.model_copy(update={"login_address": "https://ledger.example"})
    return world


@pytest.fixture
def office(world: World) -> World:
    return open_login(world)


@pytest.fixture(scope="module")
def shared(founded_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger that nobody changes."""
    with founded_template.lend(tmp_path_factory.mktemp("listed") / "home") as made:
        yield open_login(made)


def enter(world: World, level: int = 1) -> SessionRow:
    app = world.app
    (name,) = app.keys.names(OFFICE_A, "signing")
    challenge = app.login.challenge(HALL, CITY_A, level, "organisation", 600)
    return app.login.answer(challenge.nonce, sign_challenge(app, OFFICE_A, name, challenge))[0]


def refused(world: World) -> str:
    with pytest.raises(ZhengyinError) as caught:
        enter(world)
    if not isinstance(caught.value, UnavailableError):
        return caught.value.code
    assert caught.value.code == "LOGIN_UNDECIDED"
    return f"? {caught.value.values['cause']}"


def relied_on(world: World) -> bytes:
    return enter(world).authority


def carry(world: World, calls: Sequence[CouncilCall]) -> None:
    world.clock.sleep(10)
    assert decide(world.app, calls, None).state.name == "EXECUTED"


@pytest.mark.parametrize("status", [ServiceStatus.SUSPENDED, ServiceStatus.WITHDRAWN])
def test_an_authority_that_was_struck_on_chain_lets_nobody_in(office: World, status: ServiceStatus) -> None:
    authority = relied_on(office)
    carry(office, [trust_work.set_status(office.app, authority, status)])
    assert refused(office) == "? PATH_NOT_GRANTED_ON_CHAIN"
    if status is ServiceStatus.WITHDRAWN:
        office.app.trust.install(renewed_trust(office.app))
        assert refused(office) == "PATH_AUTHORITY_NOT_GRANTED"  # a newer file decides
    else:
        carry(office, [trust_work.set_status(office.app, authority, ServiceStatus.GRANTED)])
        assert enter(office)


def test_a_key_that_was_called_compromised_on_chain_lets_nobody_in(office: World) -> None:
    authority = relied_on(office)
    carry(office, [trust_work.compromise(office.app, authority, int(START))])
    assert refused(office) == "? PATH_COMPROMISED_ON_CHAIN"


def test_a_recognition_that_ended_on_chain_gives_no_level(office: World) -> None:
    """Neither its own way in, nor its level to who gets in by another one."""
    row, app = enter(office), office.app
    (old,) = (r for r in app.trust.content().recognitions
              if (r.authority, r.jurisdiction, r.purpose) == (row.authority, CITY_A, "identity"))  # fmt: skip
    lower = Agreement(CITY_A, "另一项")
    trust_work.recognise(app, lower, row.authority, ["identity"], 1, (0, OPEN_END))
    app.trust.install(renewed_trust(app))
    assert enter(office).level == old.level > 1
    office.clock.sleep(10)
    ended = Agreement(CITY_A, old.reference)
    trust_work.end_recognition(app, ended, row.authority, ["identity"], old.level, int(office.clock()) + 2)
    office.clock.sleep(10)
    assert enter(office).level == 1
    with pytest.raises(UnavailableError) as caught:
        enter(office, level=old.level)
    assert caught.value.values == {"cause": "PATH_RECOGNITION_ENDED_ON_CHAIN"}


# ---- what is not proved ---------------------------------------------------------------------------------------------


def test_a_node_that_does_not_answer_or_prove_lets_nobody_in(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = shared.app.chain
    assert enter(shared)

    def silent(*_: Any) -> Any:
        raise UnavailableError("CHAIN_BEHIND", block=1)

    def slack(header: bytes, slots: Sequence[bytes]) -> Any:
        pin, nodes = told(header, slots)
        return pin, nodes[:-1]

    told = chain.trust_list_proof
    for name, answer, cause in (
        ("trust_list", silent, "CHAIN_BEHIND"),
        ("state_header", silent, "CHAIN_BEHIND"),
        ("trust_list", lambda _: None, "TRUST_LIST_NONE"),
        ("trust_list_proof", slack, "PATH_LIST_UNPROVED"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(chain, name, answer)
            assert refused(shared) == f"? {cause}"


def test_an_old_block_shows_the_list_from_before_a_withdrawal(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    header = shared.app.chain.state_header(None)
    shared.clock.sleep(301)
    monkeypatch.setattr(shared.app.chain, "state_header", lambda _: header)
    assert refused(shared) == "? PATH_LIST_UNPROVED"


def asked(world: World, trust: Trust, named: bool) -> Any:
    listed = ListedNow(world.app.chain.identity, (lambda: world.app.chain) if named else None)
    return listed(trust, (), int(world.clock()))


def test_a_list_that_the_file_pins_is_not_left_out(shared: World) -> None:
    trust = shared.app.trust.content()
    unpinned = replace(trust, chains=tuple(replace(c, trust_list=None) for c in trust.chains))
    elsewhere = replace(trust, chains=())
    assert asked(shared, unpinned, named=False) is asked(shared, elsewhere, named=False) is None
    authority = fingerprint(trust.authorities[0].certificate)
    assert asked(shared, unpinned, named=True).statuses(authority)  # an older file: the folder says which list
    for file, named, cause in ((trust, False, "TRUST_LIST_NONE"), (elsewhere, True, "FINALITY_CHAIN_UNKNOWN")):
        with pytest.raises(UnavailableError) as caught:
            asked(shared, file, named)
        assert caught.value.values == {"cause": cause}


def test_who_is_refused_by_the_file_is_so_whatever_the_node_says(
    shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared.app.chain, "trust_list", lambda _: None)
    with pytest.raises(InputError, match="PATH_LEVEL_TOO_LOW"):
        enter(shared, level=4)
