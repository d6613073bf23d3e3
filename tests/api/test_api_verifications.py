"""The service answers about bundles, and says network and format trouble apart from a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from ledger.core.canonical import BUNDLE_LIMITS


@pytest.fixture
def client(demo_ledger: Any) -> Iterator[TestClient]:
    with TestClient(create_app(demo_ledger.app)) as made:
        yield made


def test_alive_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["block"] > 0
