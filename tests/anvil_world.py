"""A ledger on a development node: one office alone, whose blocks nobody seals and which are final under twelve others.

Nothing happens on the node by itself: a few blocks are made whenever the ledger's clock sleeps, others when a
test makes them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from anvil_node import AnvilNode
from ledger_world import START, Clock, World

from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.founding import found
from ledger.assembly.founding_plans import plain

DEPTH = 12
BLOCKS = 5


class AnvilClock(Clock):
    """``mining``: whether blocks are made for each sleep."""

    def __init__(self, node: AnvilNode, now: float) -> None:
        super().__init__(now)
        self.node = node
        self.mining = True

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.mining:
            self.node.mine(BLOCKS, timestamp=int(self.now))
            self.now = max(self.now, int(self.node.head()["timestamp"], 16))  # its blocks are a second apart


class AnvilWorld(World):
    clock: AnvilClock
    node: AnvilNode

    def states(self) -> list[str]:
        with self.app.store.read() as unit:
            return [b.state for b in sorted(unit.batches.newest(100), key=lambda b: b.row)]

    def one_pass(self, state: str) -> None:
        """A pass of the outbox without a new block, after which the newest batch is in ``state``."""
        self.app.outbox.run_once()
        assert self.states()[-1] == state, self.states()

    def transactions(self, *which: str) -> list[tuple[bytes, bytes]]:
        with self.app.store.read() as unit:
            return [(t.raw, t.hash) for t in unit.transactions.in_states(which)]

    def block_of(self, hash_: bytes) -> int | None:
        found = self.node.request("eth_getTransactionReceipt", ["0x" + hash_.hex()])
        return None if found is None else int(found["blockNumber"], 16)


@dataclass(frozen=True)
class AnvilTemplate:
    home: Path
    node: AnvilNode
    now: float

    def copy(self, home: Path) -> AnvilWorld:
        shutil.copytree(self.home, home)
        made = AnvilWorld(home, AnvilClock(self.node, self.now), {})
        made.node = self.node
        return made


def found_on_anvil(folder: Path) -> AnvilTemplate:
    node = AnvilNode(timestamp=int(START))
    clock = AnvilClock(node, START)
    plan = plain(OFFICE_A, "示范甲市不动产登记中心", "CN-440100", "zh")
    settings = plan.settings | {"engine": (node.url,), "engine_patience": 30}
    node.request("evm_setAutomine", [True])  # deployment waits for each transaction
    found(folder / "home", replace(plan, settings=settings, consensus="unsealed"), clock, clock.sleep)
    node.request("evm_setAutomine", [False])
    return AnvilTemplate(folder / "home", node, clock.now)
