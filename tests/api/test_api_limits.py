"""Limits of size, patience and rate; headers of every answer; problems without words of ours to spare."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_kit import ELSEWHERE, LOCAL, Office
from starlette.requests import HTTPConnection

from api.app import create_app
from api.guard import BODY, HEADERS
from api.limits import PublicLimit, client_address
from ledger.errors import InputError

NUMBER = {"id": "1.2.3"}


def limited(office: Office, **settings: Any) -> Office:
    app = office.world.app
    app.settings = app.settings.model_copy(update=settings)
    office.app = create_app(app)
    return office


def test_every_answer_has_the_headers_that_protect(reading: Office) -> None:
    for method, path in (("GET", "/healthz"), ("GET", "/nothing"), ("PUT", "/healthz"), ("GET", "/v1/types")):
        answer = reading(method, path, None)
        for name, value in HEADERS:
            assert answer.headers[name] == value, path
    assert "strict-transport-security" not in answer.headers


def test_a_body_is_counted_while_it_arrives(reading: Office) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    for path in ("/v1/records", "/v1/verifications", "/v1/verifications/number"):
        answer = reading("POST", path, content=endless(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "API_BODY_TOO_LARGE"), path
    assert reading("POST", "/v1/verifications/number", content=b" " * BODY, headers=headers).status_code == 422


def test_a_body_that_drips_is_cut_off(office: Office) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)
        yield b"}"

    slow = limited(office, patience=0.1)
    answer = slow("POST", "/v1/verifications", None, content=dripping())
    assert (answer.status_code, answer.json()["code"], answer.headers["connection"]) == (408, "API_SLOW", "close")
    headers = {"Idempotency-Key": "k"}
    answer = slow("POST", "/v1/imports?type=seal", content=dripping(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (408, "API_SLOW")
    assert list((office.world.home / "uploads").iterdir()) == []


def test_the_public_may_not_ask_without_end(office: Office) -> None:
    asked = limited(office, public_rate=3)
    for path in ("/v1/verifications/number", "/v1/verifications/document", "/v1/verifications"):
        asked("POST", path, None, json=NUMBER)
    refused = asked("POST", "/v1/verifications/number", None, json=NUMBER)
    assert (refused.status_code, refused.json()["code"]) == (429, "API_RATE")
    assert int(refused.headers["retry-after"]) == refused.json()["retryAfter"] > 0
    asked.client = ELSEWHERE
    assert asked("POST", "/v1/verifications/number", None, json=NUMBER).status_code == 200
    assert asked("GET", "/healthz", None).status_code == 200


def connection(client: tuple[str, int], forwarded: str) -> HTTPConnection:
    return HTTPConnection({"type": "http", "client": client, "headers": [(b"x-forwarded-for", forwarded.encode())]})


@pytest.mark.parametrize(
    ("proxy", "forwarded", "address"),
    [
        (None, "203.0.113.9", "127.0.0.1"),
        ("192.0.2.1", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, evil", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_only_the_named_proxy_speaks_for_others(proxy: str | None, forwarded: str, address: str) -> None:
    assert client_address(connection(LOCAL, forwarded), proxy) == address


def test_an_ipv6_network_counts_as_one_caller() -> None:
    limit = PublicLimit(1, None)
    limit.check(connection(("2001:db8::1", 1), ""))
    limit.check(connection(("2001:db8:0:1::1", 1), ""))
    with pytest.raises(InputError, match="API_RATE"):
        limit.check(connection(("2001:db8::ffff:2", 1), ""))


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/records/", "/v1/records/xyz", "/v1/records/" + "AB" * 32])
def test_addresses_that_are_not_there_are_problems(reading: Office, path: str) -> None:
    answer = reading("GET", path)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_bug_is_a_problem_without_its_words(furnished: Office, monkeypatch: Any, caplog: Any) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("张三丰")

    monkeypatch.setattr(furnished.world.app.verifying, "admit", fail)
    answer = furnished("POST", "/v1/verifications/number", None, json=NUMBER)
    assert (answer.status_code, answer.json()["code"]) == (500, "API_BUG")
    assert "张三丰" not in answer.text + caplog.text
    assert "KeyError in POST /v1/verifications/number" in caplog.text
