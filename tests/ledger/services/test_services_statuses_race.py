"""Two requests at once for one record: one is accepted, the other is refused before anything is anchored for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledger_world import World, check_ledger, write_rows

from ledger.assembly.app import App
from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.registries import Reason, State
from ledger.errors import ConflictError, ZhengyinError
from ledger.services.import_rows import ImportRequest
from ledger.services.statuses import ChangeRequest
from ledger.settings import load_settings


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def pair(demo: World) -> Iterator[tuple[World, App]]:
    """A ledger opened twice, as two processes would."""
    other = App(load_settings(demo.home), demo.clock, demo.clock.sleep)
    try:
        yield demo, other
    finally:
        other.__exit__()


def at_once(world: World, *acts: Callable[[], object]) -> list[str | None]:
    """Do all at the same time; the codes of those that were refused."""
    start = threading.Barrier(len(acts))
    codes: list[str | None] = [None] * len(acts)

    def run(place: int, act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except ZhengyinError as e:
            codes[place] = e.code

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


def meet(app: App, barrier: threading.Barrier) -> None:
    """Both have checked the state before either writes."""
    accept = app.acceptor.commit

    def commit(*values: object, **named: object) -> None:
        barrier.wait(30)
        accept(*values, **named)  # type: ignore[arg-type]

    app.acceptor.commit = commit  # type: ignore[method-assign,assignment]


def asked(world: World, leaf: bytes) -> list[State]:
    with world.app.store.read() as unit:
        return [i.change for i in unit.intents.for_leaf(OFFICE_A, leaf)]


@pytest.mark.parametrize("second", [State.REVOKED, State.SUSPENDED])
def test_of_two_requests_that_saw_the_same_state_one_is_accepted(pair: tuple[World, App], second: State) -> None:
    world, other = pair
    leaf, barrier = world.row(world.ids["plain"]).leaf, threading.Barrier(2)
    now = int(world.clock())
    acts = []
    for app, state in ((world.app, State.REVOKED), (other, second)):
        meet(app, barrier)
        request = ChangeRequest(OFFICE_A, leaf, state, now, Reason.CANCELLED)
        acts.append(lambda app=app, request=request: app.statuses.request(OFFICE_A, [request]))
    codes = at_once(world, *acts)
    assert sorted(codes, key=str) == [None, "STATUS_OVERTAKEN"]
    assert len(asked(world, leaf)) == 1
    world.close()
    world.drain()
    with world.app.store.read() as unit:
        assert len(unit.chain.entries(OFFICE_A, leaf)) == 1
        assert unit.intents.in_states(("refused",)) == []
    check_ledger(world.app)


def test_a_request_that_was_overtaken_may_be_made_again(demo: World) -> None:
    leaf, now = demo.row(demo.ids["plain"]).leaf, int(demo.clock())
    suspend = ChangeRequest(OFFICE_A, leaf, State.SUSPENDED, now, Reason.DETAINED)
    late = ChangeRequest(OFFICE_A, leaf, State.REVOKED, now, Reason.CANCELLED)
    prepared, intents = demo.app.statuses.prepare(OFFICE_A, [late])
    demo.app.statuses.request(OFFICE_A, [suspend])
    with pytest.raises(ConflictError) as refused:
        demo.app.acceptor.commit([prepared], also=intents)
    assert (refused.value.code, refused.value.values) == ("STATUS_OVERTAKEN", {"leaf": leaf.hex()})
    demo.app.statuses.request(OFFICE_A, [late])
    demo.drain()
    with demo.app.store.read() as unit:
        assert [e.entry.state for e in unit.chain.entries(OFFICE_A, leaf)] == [State.SUSPENDED, State.REVOKED]
    check_ledger(demo.app)


def test_a_number_is_free_again_when_its_change_is_recorded_even_after_a_rebuild(demo: World) -> None:
    leaf = demo.row(demo.ids["plain"]).leaf
    for state in (State.SUSPENDED, State.ACTIVE):
        demo.change(leaf, state)
        demo.drain()
        demo.app.rebuild()
        demo.clock.sleep(2)
    demo.change(leaf, State.REVOKED)
    demo.drain()
    check_ledger(demo.app)


def test_two_imports_that_replace_one_license_give_it_one_successor(demo: World, tmp_path: Path) -> None:
    """They have other numbers for the new one, so that only the old one's status keeps them apart."""
    old, app = demo.ids["plain"], demo.app
    source = write_rows(tmp_path / "b.csv", 2, supersedes=old)
    text = source.read_text("utf-8-sig").splitlines()
    source.write_text("\n".join([text[0], text[2]]), "utf-8-sig")
    definition = app.types.get("real-estate-certificate")
    prepare = app.statuses.prepare

    def slow(*values: object) -> object:
        found = prepare(*values)  # type: ignore[arg-type]
        leaf = demo.row(old).leaf
        demo.change(leaf, State.REVOKED)  # another program of the office, in this very moment
        return found

    app.statuses.prepare = slow  # type: ignore[method-assign,assignment]
    request = ImportRequest(OFFICE_A, definition, source, tmp_path)
    with pytest.raises(ConflictError, match="STATUS_OVERTAKEN"):
        app.importing.run(request, lambda outcomes: None)
    app.statuses.prepare = prepare  # type: ignore[method-assign]
    result = app.importing.run(request, lambda outcomes: None)
    assert dict(result.counts) == {"refused": 1}
    demo.drain()
    check_ledger(app)
