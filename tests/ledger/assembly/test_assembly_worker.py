"""What the worker's threads do without being asked."""

from __future__ import annotations

import time

from ledger_world import World

from ledger.assembly.worker import Worker
from ledger.services.batch_signing import LATER_VALIDATION


def test_data_after_the_grace_period_are_taken_by_the_worker(world: World) -> None:
    seal = world.issue_seal()
    world.drain()
    batch = world.row(seal.id).batch
    assert batch is not None
    with world.app.store.read() as unit:
        segment = world.app.segments.open(unit.batches.get(batch).root)
    world.clock.sleep(world.app.settings.revocation_grace + 10)
    worker = Worker(world.app)
    worker.start()
    try:
        end = time.monotonic() + 20
        while segment.get(LATER_VALIDATION) is None and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        worker.stop()
    assert segment.get(LATER_VALIDATION) is not None
