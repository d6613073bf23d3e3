"""Alive, ready, and the figures."""

from __future__ import annotations

import time
from typing import Any

import pytest
from api_kit import Office
from ledger_world import OFFICE_A

from ledger.assembly.auditing import audit
from ledger.assembly.restored import Restored, write_mark
from ledger.core.registries import Reason, State
from ledger.errors import UnavailableError

CHANGE = (State.SUSPENDED, Reason.DETAINED)


def test_alive_and_ready(furnished: Office) -> None:
    assert furnished("GET", "/healthz", None).json() == {"status": "ok"}
    ready = furnished("GET", "/readyz", None).json()
    assert ready["status"] == "ok"
    assert set(ready["parts"]) == {"store", "chain", "clock", "disk", "outbox", "lock"}
    assert ready["parts"]["chain"]["block"] > 0


def test_without_its_database_the_service_says_503_soon_and_leaves_no_half_record(
    office: Office, monkeypatch: Any
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise UnavailableError("STORE_LOST")

    with monkeypatch.context() as broken:
        broken.setattr(office.world.app.store, "_connection", away)
        began = time.monotonic()
        for answer in (office("GET", "/readyz", None), office.issue()):
            assert (answer.status_code, answer.json()["code"]) == (503, "STORE_LOST")
            assert answer.headers["retry-after"] == "5"
        assert time.monotonic() - began < 2
    assert office("GET", f"/v1/records?issuer={OFFICE_A}").json()["items"] == []
    assert office.issue().status_code == 201


def test_a_database_that_hangs_is_away(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr("api.routes.health.PATIENCE", 0.1)
    monkeypatch.setattr("api.readiness.examine", lambda _: time.sleep(0.5))
    answer = office("GET", "/readyz", None)
    assert (answer.status_code, answer.json()["code"]) == (503, "API_NOT_READY")


@pytest.mark.parametrize(("shift", "part"), [(-1000, "clock"), (1000, "outbox")])
def test_what_is_degraded_is_named(furnished: Office, shift: float, part: str) -> None:
    furnished.world.change(furnished.world.row(furnished.world.ids["plain"]).leaf, *CHANGE)
    furnished.world.clock.now += shift
    ready = furnished("GET", "/readyz", None).json()
    assert ready["status"] == "degraded"
    assert ready["parts"][part]["status"] == "degraded"


def test_a_restored_ledger_says_that_it_is_locked_and_what_to_do(furnished: Office) -> None:
    app = furnished.world.app
    write_mark(app.home, Restored(1, 2, None))
    ready = furnished("GET", "/readyz", None).json()
    assert (ready["status"], ready["parts"]["lock"]["code"]) == ("degraded", "RESTORE_UNAUDITED")
    assert "zhengyin audit" in ready["parts"]["lock"]["zh"] and "zhengyin audit" in ready["parts"]["lock"]["en"]
    assert (furnished.issue().status_code, furnished.issue().json()["code"]) == (409, "RESTORE_UNAUDITED")
    assert audit(app)[1]
    assert furnished("GET", "/readyz", None).json()["parts"]["lock"] == {"status": "ok"}


def test_figures_name_routes_and_never_what_was_asked_for(furnished: Office) -> None:
    leaf = furnished.world.row(furnished.world.ids["plain"]).leaf.hex()
    furnished("GET", f"/v1/records/{leaf}")
    furnished("GET", "/v1/张三丰")
    text = furnished("GET", "/metrics").text
    assert 'zhengyin_requests_total{method="GET",route="/v1/records/{leaf}",status="200"} 1.0' in text
    assert 'route="unmatched",status="404"' in text
    assert 'zhengyin_open{what="batches"} 0.0' in text
    assert "zhengyin_lag_seconds 0.0" in text
    assert leaf not in text
    assert "张三丰" not in text


def test_the_interface_describes_itself_in_openapi_3_1(furnished: Office) -> None:
    document = furnished("GET", "/openapi.json", None).json()
    assert document["openapi"].startswith("3.1")
    assert "示范" in str(document["components"]["schemas"]["NewRecord"]["examples"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            answers = operation["responses"]
            assert any(code.startswith("2") for code in answers), (method, path)
            if path.startswith("/v1/"):
                assert "application/problem+json" in answers["503"]["content"], (method, path)
