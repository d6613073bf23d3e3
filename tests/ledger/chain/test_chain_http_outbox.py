"""The outbox over nodes that fail in any order and in any way: nothing is lost, nothing anchored twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress

import pytest
from http_kit import PATIENT, Node, Way, bent, hung_up, raw, truncated
from ledger_world import World, check_ledger

from ledger.chain.http_engine import HttpEngine
from ledger.core.registries import State
from ledger.errors import UnavailableError

WAYS: tuple[Way, ...] = (
    hung_up,
    truncated,
    raw(b"<html>"),
    raw(b"", 500),
    raw(b"", 429),
    bent(lambda answer: answer | {"id": 0} if isinstance(answer, dict) else []),
)


@pytest.fixture
def nodes(world: World) -> Iterator[list[Node]]:
    """Two nodes of the world's chain, which from now on it reaches through them only."""
    made = [Node(world.app.engine) for _ in range(2)]
    engine = HttpEngine([node.url for node in made], limits=PATIENT)
    world.app.__dict__["engine"] = engine
    yield made
    engine.close()
    for node in made:
        node.stop()


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_faults_of_two_nodes_loses_nothing(world: World, nodes: list[Node], seed: int) -> None:
    chance = random.Random(seed)
    leaves = []
    for n in range(4):
        leaves.append(world.issue_seal(f"第{n}枚").leaf)
        for node in nodes:
            node.ways = [way for way in chance.choices((*WAYS, *[None] * 12), k=40) if way]
        with suppress(UnavailableError):
            world.app.outbox.drain(3)
        world.clock.sleep(61)
    for node in nodes:
        node.ways = []
    world.change(leaves[0], State.REVOKED)
    world.drain()
    assert check_ledger(world.app, leaves) == 5
    sent = {raw for node in nodes for raw in node.sent()}
    with world.app.store.read() as unit:
        assert {"0x" + t.raw.hex() for t in unit.transactions.in_states(("mined",))} == sent


def test_a_node_that_dies_leaves_the_work_to_the_other(world: World, nodes: list[Node]) -> None:
    leaves = [world.issue_seal().leaf]
    world.drain()
    nodes[0].always = hung_up  # connections that stand end, and no new ones are taken
    nodes[0].stop()
    leaves.append(world.issue_seal("乙").leaf)
    world.drain()
    assert check_ledger(world.app, leaves) == 2
    assert nodes[1].sent()
    nodes[0] = Node(nodes[1].engine)  # the fixture stops one that runs
