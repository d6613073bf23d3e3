"""Fixtures for tests that need a founded ledger: one is founded a session and worker, each test gets a copy.

The ledger is imported inside them: tests of the rows below must not load what they test the absence of.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ledger_world import Template, World
    from pki_kit import Kit
    from postgres_server import PostgresServer


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for blocks, which are a second apart."""
    return (os.cpu_count() or 1) + 1


_SUFFIX = {"sqlite": "", "postgresql": "_postgresql"}


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """A server of this session's (and worker's) own."""
    from postgres_server import running_server

    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def founded_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    from ledger_world import found_template

    return found_template(tmp_path_factory.mktemp("founded"))


@pytest.fixture(scope="session")
def founded_template_postgresql(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgresServer) -> Template:
    from ledger_world import found_template

    return found_template(tmp_path_factory.mktemp("founded"), postgresql)


@pytest.fixture(scope="session")
def filled_template(founded_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    from ledger_world import demo_template

    return demo_template(founded_template, tmp_path_factory.mktemp("filled"))


@pytest.fixture(scope="session")
def filled_template_postgresql(
    founded_template_postgresql: Template, tmp_path_factory: pytest.TempPathFactory
) -> Template:
    from ledger_world import demo_template

    return demo_template(founded_template_postgresql, tmp_path_factory.mktemp("filled"))


@pytest.fixture
def backend() -> str:
    """Where the rows of ``world`` and ``demo`` are; another fixture of this name has tests run on both."""
    return "sqlite"


@pytest.fixture
def world(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Iterator[World]:
    """An empty ledger of its own."""
    template: Template = request.getfixturevalue("founded_template" + _SUFFIX[backend])
    with template.lend(tmp_path / "home") as made:
        yield made


@pytest.fixture
def demo(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Iterator[World]:
    """A ledger with a few records of each kind and state, of the test's own."""
    template: Template = request.getfixturevalue("filled_template" + _SUFFIX[backend])
    with template.lend(tmp_path / "home") as made:
        yield made


@pytest.fixture(scope="module")
def shared_demo(filled_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same for tests that only read."""
    with filled_template.lend(tmp_path_factory.mktemp("shared") / "home") as made:
        yield made


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """Ten certification authorities, each with its peculiarity; tests issue and revoke, and change no authority."""
    from pki_kit import make_kit

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return make_kit(tmp_path_factory.mktemp("pki") / "made", shared)
