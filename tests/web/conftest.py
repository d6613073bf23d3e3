"""Fixtures for the tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ledger_world import Template
    from web_kit import Modules, Served


@pytest.fixture(scope="session")
def vendored() -> None:
    from web_kit import require_vendored

    require_vendored()


@pytest.fixture(scope="session")
def modules(vendored: None) -> Iterator[Modules]:
    from web_kit import Modules

    made = Modules()
    yield made
    made.close()


@pytest.fixture(scope="module")
def served(vendored: None, filled_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A ledger with a few records of each kind and state behind a server, one of them full of markup; its tests change
    nothing that others read."""
    from web_kit import HOSTILE, serving

    with (
        filled_template.lend(tmp_path_factory.mktemp("served") / "home") as world,
        serving(world) as found,
    ):
        world.ids["hostile"] = world.issue_seal(HOSTILE).id
        world.drain()
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium with a profile of its own, which goes with it. Of the module, not of the session: while it is
    there an event loop runs in this thread, in which other modules start theirs."""
    from web_kit import ARGUMENTS, CHROMIUM, missing

    if not Path(CHROMIUM).exists():
        missing("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()
