"""The road past the framework: the same answers, limits and figures as on its own road, and nothing kept too long."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from api_kit import Office, open_office
from ledger_world import World

from api.express import Express
from api.routes import verifications
from api.schemas.verifications import Reports
from ledger.core.manifests import BlockName
from ledger.core.registries import State
from ledger.core.tombstones import ErasureReason
from ledger.errors import UnavailableError
from ledger.services.changes import Changes

PATH = "/v1/verifications/number"
BY_FRAMEWORK = PATH + "?nothing=1"
"""A query, which only the framework reads; this name means nothing to it."""


def number_of(office: Office, name: str = "plain") -> dict[str, Any]:
    row = office.world.row(office.world.ids[name])
    return {"id": office.world.ids[name], "code": office.world.app.codes.of([row])[0]}


def ask(office: Office, body: Any, path: str = PATH) -> httpx.Response:
    return office("POST", path, None, json=body)


def headline(office: Office, body: Any) -> str:
    found: str = ask(office, body).json()["headline"]["name"]
    return found


def test_both_roads_give_the_same_answer(reading: Office) -> None:
    right = number_of(reading)
    cases: list[Any] = [right, right | {"code": number_of(reading, "spare")["code"]}, {"id": "1.2.3"}, {"id": ""}]
    cases += [right | {"code": "K7QD"}, right | {"code": "U" * 16}, right | {"more": 1}, [], None]
    for case in cases:
        direct, framework = ask(reading, case), ask(reading, case, BY_FRAMEWORK)
        assert (direct.status_code, direct.content) == (framework.status_code, framework.content), case
        assert direct.headers == framework.headers, case
    garbage = [reading("POST", path, None, content=b'{"id": ').content for path in (PATH, BY_FRAMEWORK)]
    assert garbage[0] == garbage[1]


def test_the_address_still_says_which_rules_apply(reading: Office) -> None:
    body = number_of(reading)
    elsewhere = ask(reading, body, PATH + "?jurisdiction=XX-1").json()["reports"][0]
    assert elsewhere["indication"] != ask(reading, body).json()["reports"][0]["indication"] == "TOTAL-PASSED"
    assert ask(reading, body, PATH + "?jurisdiction=" + "X" * 33).status_code == 422


def test_what_is_not_the_very_route_goes_the_other_way(reading: Office) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert reading(method, PATH, None).status_code == 405
    for path in (PATH + "/", PATH + "x", "/v1/verifications/numbers", PATH.upper()):
        assert reading("POST", path, None, json={}).status_code == 404


def test_the_limit_counts_both_roads_together(furnished: Office) -> None:
    app = furnished.world.app
    app.settings = app.settings.model_copy(update={"public_rate": 3})
    furnished = open_office(furnished.world)
    statuses = [ask(furnished, {"id": "1.2.3"}, path).status_code for path in (PATH, BY_FRAMEWORK, PATH, PATH)]
    assert statuses == [200, 200, 200, 429]


def test_the_figures_name_the_route(furnished: Office) -> None:
    for path in (PATH, BY_FRAMEWORK):
        ask(furnished, {"id": "1.2.3"}, path)
    shown = furnished("GET", "/metrics", None).text
    assert f'zhengyin_requests_total{{method="POST",route="{PATH}",status="200"}} 2.0' in shown


def test_the_answer_is_what_the_document_promises(reading: Office) -> None:
    for name in ("plain", "revoked", "suspended", "new"):
        found = Reports.model_validate_json(ask(reading, number_of(reading, name)).content)
        assert len(found.reports) == 1 and found.headline == found.reports[0].headline
    assert Reports.model_validate_json(ask(reading, {"id": "1.2.3"}).content).reports == []
    described = reading.app.openapi()["paths"][PATH]["post"]["responses"]["200"]["content"]["application/json"]
    assert described["schema"] == {"$ref": "#/components/schemas/Reports"}


def test_a_road_needs_a_route_of_the_framework() -> None:
    with pytest.raises(ValueError):
        Express(verifications.router, ask)  # type: ignore[arg-type]


# ---- what is kept ------------------------------------------------------------------------------------------------


def test_another_process_revokes_and_the_next_answer_says_so(furnished: Office) -> None:
    world, body = furnished.world, number_of(furnished)
    assert [headline(furnished, body) for _ in range(2)] == ["valid", "valid"]
    other = World(world.home, world.clock, world.ids, world.database)
    try:
        other.change(world.row(world.ids["plain"]).leaf, State.REVOKED)
        other.drain()
    finally:
        other.close()
    assert headline(furnished, body) == "noLongerInForce"


def test_erasing_ends_a_kept_answer_at_once(furnished: Office) -> None:
    world, body = furnished.world, number_of(furnished, "spare")
    assert headline(furnished, body) == "valid"
    row = world.row(world.ids["spare"])
    world.app.erasing.erase(row.issuer, row.leaf, ErasureReason.ORDERED)
    assert ask(furnished, body).content == ask(furnished, {"id": "1.2.3"}).content


def test_a_rebuilt_index_makes_answers_anew(furnished: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    body = number_of(furnished)
    verifying, judged = furnished.world.app.verifying, list[Any]()
    admitted = verifying.admitted

    def judging(*given: Any) -> Any:
        judged.append(given)
        return admitted(*given)

    monkeypatch.setattr(verifying, "admitted", judging)
    for _ in range(3):
        assert headline(furnished, body) == "valid"
    assert len(judged) == 1
    with furnished.world.app.store.begin() as unit:
        unit.chain.clear()
    for _ in range(4):
        assert headline(furnished, body) == "valid"
    assert len(judged) == 3, "once without an index, once with the new one"


class _Blocks:
    """A chain of which some blocks hold events; the hashes of a fork are others."""

    def __init__(self) -> None:
        self.eventful: set[int] = set()
        self.fork = 0
        self.away = False

    def canonical(self, block: int) -> bytes:
        if self.away:
            raise UnavailableError("CHAIN_BEHIND", block=block)
        return bytes([self.fork]) * 32

    def events(self, since: int, until: int) -> list[int]:
        return sorted(n for n in self.eventful if since <= n <= until)


def test_epochs_change_with_events_and_with_a_reorganisation() -> None:
    chain = _Blocks()
    changes = Changes(chain)  # type: ignore[arg-type]

    def at(block: int) -> int:
        return changes.epoch(BlockName(block, bytes([chain.fork]) * 32))

    first = at(5)
    assert (at(6), at(9)) == (first, first), "blocks without events"
    assert changes.known(BlockName(9, bytes(32))) == first
    assert changes.known(BlockName(10, bytes(32))) is None, "a question to the chain"
    chain.eventful = {11}
    assert (at(10), at(11), at(12)) == (first, first + 1, first + 1)
    chain.fork = 1
    assert at(13) == first + 2, "block 12 is another one now"
    assert at(12) == first + 3, "an index that begins again"
    assert changes.epoch(None) == first + 4
    chain.away = True
    at(14)
    with pytest.raises(UnavailableError):
        at(15)
    assert changes.known(BlockName(14, bytes([1]) * 32)) is not None
