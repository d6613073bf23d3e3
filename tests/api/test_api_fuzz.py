"""Whatever comes in, no answer is a 5xx, and every answer is one that the interface promises.

A few hundred cases here; ``ZHENGYIN_FUZZ_CASES`` asks for more (``make fuzz-api``: 10,000), ``ZHENGYIN_FUZZ_SEED`` for
others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from api_kit import Office, open_office, running
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from ledger_world import OFFICE_A, World
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CASES = int(os.environ.get("ZHENGYIN_FUZZ_CASES", "400"))
SEED = int(os.environ.get("ZHENGYIN_FUZZ_SEED", "1"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ROUTES = 26


class _Target:
    """One application for all cases: they meet what earlier ones left."""

    def __init__(self, office: Office, url: str) -> None:
        self.token = office.token
        self.url = url
        self.schema = schemathesis.openapi.from_dict(office.app.openapi())
        row = office.world.row(office.world.ids["plain"])
        root = office("GET", f"/v1/records/{row.leaf.hex()}").json()["batch"]["root"]
        body: Any = {"headers": {"Idempotency-Key": "first"}, "params": {"type": "seal"}, "content": b"a,b\n1,2\n"}
        upload = office("POST", "/v1/imports", **body).json()["id"]
        self.audit = office("POST", "/v1/audits", headers={"Idempotency-Key": "audit"}).json()["id"]
        self.sent = 0
        self.known = {"leaf": row.leaf.hex(), "root": root, "id": upload}

    def send(self, case: Any, known: bool, token: bool) -> None:
        if known:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = self.known[name]
            if case.operation.path == "/v1/audits/{id}":
                case.path_parameters["id"] = self.audit
            if isinstance(case.body, dict) and "issuer" in case.body:
                case.body["issuer"] = OFFICE_A
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        self.sent += 1
        case.validate_response(case.call(base_url=self.url, headers=headers, timeout=30), checks=CHECKS)


@pytest.fixture(scope="module")
def target(shared_demo: World) -> Iterator[_Target]:
    shared_demo.app.settings = shared_demo.app.settings.model_copy(update={"public_rate": 0})
    office = open_office(shared_demo)
    with running(office.app) as (host, port):
        yield _Target(office, f"http://{host}:{port}")


def test_every_route_takes_whatever_comes(target: _Target) -> None:
    found = [result.ok() for result in target.schema.get_all_operations()]
    assert len(found) == ROUTES
    while target.sent < CASES:  # some routes have fewer different cases than they are asked for
        for operation in found:
            _walk(target, operation, GenerationMode.POSITIVE, max(5, CASES // (2 * ROUTES)))
            with suppress(Unsatisfiable):  # a route that takes nothing cannot be asked wrongly
                _walk(target, operation, GenerationMode.NEGATIVE, max(5, CASES // (2 * ROUTES)))
    print(f"{target.sent} requests, seed {SEED}")


def _walk(target: _Target, operation: Any, mode: GenerationMode, examples: int) -> None:
    @seed(SEED + target.sent)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode), st.booleans(), st.sampled_from((True, True, True, False)))
    def walk(case: Any, known: bool, token: bool) -> None:
        target.send(case, known, token)

    walk()
