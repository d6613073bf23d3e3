"""A database server that stands still: each request is told so within two seconds, and goes on when it moves again."""

from __future__ import annotations

import time

import pytest
from api_kit import Office
from postgres_server import PostgresServer
from standing_still import frozen, needs_proc


@pytest.fixture
def backend() -> str:
    return "postgresql"


@needs_proc
def test_every_request_gets_503_within_two_seconds_while_the_database_stands_still(
    office: Office, postgresql: PostgresServer
) -> None:
    assert office.issue("before").status_code == 201
    number = {"id": "1.2.3", "code": "K7QD-3M2X-9TRA-HW5E"}
    with frozen(postgresql):
        for ask in (
            lambda: office.issue("frozen"),
            lambda: office("GET", "/readyz", None),
            lambda: office("POST", "/v1/verifications/number", None, json=number),
            lambda: office("GET", "/v1/imports"),
        ):
            since = time.monotonic()
            answer = ask()
            assert (answer.status_code, answer.json()["code"]) == (503, "STORE_LOST"), answer.text
            assert time.monotonic() - since < 2
    assert office.issue("frozen").status_code == 201
