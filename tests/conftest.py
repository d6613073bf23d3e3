"""Fixtures for tests that need a founded ledger: one is founded a session and worker, each test gets a copy.

The ledger is imported inside them: tests of the rows below must not load what they test the absence of.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ledger_world import Template, World


@pytest.fixture(scope="session")
def founded_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    from ledger_world import found_template

    return found_template(tmp_path_factory.mktemp("founded"))


@pytest.fixture(scope="session")
def filled_template(founded_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    from ledger_world import demo_template

    return demo_template(founded_template, tmp_path_factory.mktemp("filled"))


@pytest.fixture
def world(founded_template: Template, tmp_path: Path) -> Iterator[World]:
    """An empty ledger of its own."""
    made = founded_template.copy(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def demo(filled_template: Template, tmp_path: Path) -> Iterator[World]:
    """A ledger with a few records of each kind and state, of the test's own."""
    made = filled_template.copy(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_demo(filled_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same for tests that only read."""
    made = filled_template.copy(tmp_path_factory.mktemp("shared") / "home")
    yield made
    made.close()
