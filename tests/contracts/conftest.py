from __future__ import annotations

from collections.abc import Iterator

import pytest
from contracts_trust import TrustWorld
from contracts_world import World


@pytest.fixture(scope="session")
def deployed() -> World:
    return World()


@pytest.fixture
def world(deployed: World) -> Iterator[World]:
    snapshot = deployed.chain.snapshot()
    yield deployed
    deployed.chain.revert(snapshot)


@pytest.fixture
def trust(world: World) -> TrustWorld:
    return TrustWorld.deploy(world)
