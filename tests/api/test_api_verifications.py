"""The service answers about bundles, and tells trouble of format or network apart from a verdict."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from ledger_world import World

from api.app import create_app
from ledger.core.canonical import BUNDLE_LIMITS
from ledger.errors import UnavailableError


def call(app: Any, method: str, path: str, content: bytes | None = None) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://office.example") as client:
            return await client.request(method, path, content=content)

    return asyncio.run(go())


def test_alive_and_ready(demo: World) -> None:
    assert call(demo.app, "GET", "/healthz").json() == {"status": "ok"}
    assert call(demo.app, "GET", "/readyz").json()["block"] > 0


def test_a_good_bundle_passes_and_a_changed_one_fails_with_the_step(demo: World) -> None:
    row = demo.row(next(iter(demo.ids.values())))
    bundle = demo.app.bundling.bundle(row, None, state=False).to_bytes()
    answer = call(demo.app, "POST", "/v1/verifications", bundle)
    assert (answer.status_code, answer.json()["indication"]) == (200, "TOTAL-PASSED")
    changed = bundle.replace(b'"origin":"issued"', b'"origin":"takenOver"', 1)
    answer = call(demo.app, "POST", "/v1/verifications", changed)
    assert (answer.status_code, answer.json()["indication"]) == (200, "TOTAL-FAILED")


def test_garbage_is_judged_and_too_much_is_a_problem(demo: World) -> None:
    assert call(demo.app, "POST", "/v1/verifications", b"{").json()["indication"] == "TOTAL-FAILED"
    answer = call(demo.app, "POST", "/v1/verifications", b" " * (BUNDLE_LIMITS.size + 1))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "API_BODY_TOO_LARGE"


def test_a_silent_chain_is_unavailable_and_never_a_verdict(demo: World, monkeypatch: Any) -> None:
    def silent() -> Any:
        raise UnavailableError("CHAIN_BEHIND", block=1)

    monkeypatch.setattr(demo.app.chain, "head", silent)
    answer = call(demo.app, "GET", "/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "CHAIN_BEHIND")
