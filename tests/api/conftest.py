"""An office with an empty ledger, one with records, and one that tests only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from api_kit import Office
    from ledger_world import World


@pytest.fixture
def office(world: World) -> Office:
    from api_kit import open_office

    return open_office(world)


@pytest.fixture
def furnished(demo: World) -> Office:
    from api_kit import open_office

    return open_office(demo)


@pytest.fixture(scope="module")
def reading(shared_demo: World) -> Office:
    from api_kit import open_office

    return open_office(shared_demo)
