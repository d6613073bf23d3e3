"""Services whose work is rows run on both databases; for those of chain and files one is enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from crypto_pool import Pool
    from ledger_world import Template
    from login_kit import Door, People
    from pki_kit import Kit

BOTH = {
    f"test_services_{name}"
    for name in (
        "access",
        "accepting",
        "batching",
        "crashes",
        "erasing",
        "erasing_traces",
        "importing",
        "indexing",
        "operations",
        "uploads",
    )
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``world`` and ``demo`` of those modules, on both."""
    if "backend" in metafunc.fixturenames and metafunc.module.__name__ in BOTH:
        metafunc.parametrize("backend", ["sqlite", "postgresql"])


@pytest.fixture(scope="module")
def shared_pool(founded_template: Template, pki: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    from crypto_pool import open_pool

    with founded_template.lend(tmp_path_factory.mktemp("crypto") / "home") as world:
        yield open_pool(world, pki)


@pytest.fixture
def pool(shared_pool: Pool) -> Iterator[Pool]:
    """The crypto service at ``NOW``; what a test changes of it is its own."""
    from pki_kit import NOW

    shared_pool.world.clock.now = NOW
    yield replace(shared_pool)


@pytest.fixture(scope="module")
def people(pki: Kit) -> People:
    from login_kit import People

    return People(pki)


@pytest.fixture(scope="module")
def shared_door(founded_template: Template, pki: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    from login_kit import open_door

    base = tmp_path_factory.mktemp("login")
    with founded_template.lend(base / "home") as world:
        yield open_door(world, pki, base / "authorities")


@pytest.fixture
def door(shared_door: Door) -> Iterator[Door]:
    """The login at ``NOW``, and afterwards as it was."""
    from pki_kit import NOW

    shared_door.world.clock.now = NOW + 1
    trust = shared_door.rules.trust
    yield shared_door
    shared_door.rules.trust = trust
