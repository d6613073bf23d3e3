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
from crypto_keys import bodies, make_keys
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
ROUTES = 38


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
        self.seal = office.world.row(office.world.ids["seal"]).leaf.hex()
        self.sent = 0
        system = {"organisation": OFFICE_A, "system": "hall", "jurisdiction": "CN-440100", "level": 2}
        challenge = office("POST", "/v1/login/challenges", json=system).json()["address"].rpartition("/")[2]
        make_keys(office)
        self.bodies = {path: body for (_, path), body in bodies(office).items()}
        self.known = {"leaf": row.leaf.hex(), "root": root, "id": upload, "challenge": challenge}

    def send(self, case: Any, known: bool, token: bool) -> None:
        if known:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = self.known[name]
            if case.operation.path.startswith("/v1/seals"):
                case.path_parameters["leaf"] = self.seal
            if case.operation.path == "/v1/audits/{id}":
                case.path_parameters["id"] = self.audit
            for name in ("issuer", "organisation"):
                if isinstance(case.body, dict) and name in case.body:
                    case.body[name] = OFFICE_A
            for name, value in self.bodies.get(case.operation.path, {}).items():
                if isinstance(case.body, dict) and name in case.body:
                    case.body[name] = value
            if case.operation.path == "/v1/crypto/digest" and isinstance(case.query, dict):
                case.query["organisation"] = OFFICE_A
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        self.sent += 1
        case.validate_response(case.call(base_url=self.url, headers=headers, timeout=30), checks=CHECKS)


@pytest.fixture(scope="module")
def target(shared_demo: World) -> Iterator[_Target]:
    shared_demo.app.settings = shared_demo.app.settings.model_copy(
        update={"public_rate": 0, "login_address": "https://office.example"}
    )
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
