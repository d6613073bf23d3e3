"""Several processes on one data folder, and other people's tools on its chain."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger_processes import LedgerProcess
from ledger_world import World, check_ledger, write_rows

from ledger.chain.abi import interface
from ledger.chain.provider import make_web3
from ledger.core.identifiers import organisation_bytes32
from ledger.proofs.events import TOPIC_BATCH_ANCHORED

BOTH = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])


def started(world: World, *action: object) -> LedgerProcess:
    """A process of its own on the world's folder, whose clock runs on from there."""
    return world.begin(*action, running=True)


def finished(process: LedgerProcess) -> list[str]:
    with process:
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, out + errors
    return out.splitlines()


@BOTH
def test_two_processes_issue_at_once_and_one_drives_the_outbox(world: World) -> None:
    running = [started(world, "issue-and-drain", 3) for _ in range(2)]
    leaves = [bytes.fromhex(line) for process in running for line in finished(process)]
    assert len(set(leaves)) == 6
    world.clock.sleep(300)
    world.drain()
    assert check_ledger(world.app, leaves) == 6


@BOTH
def test_two_processes_import_at_once_while_two_workers_share_the_outbox(world: World, tmp_path: Path) -> None:
    sources = [write_rows(tmp_path / f"{n}.csv", 30, first=100 * n) for n in range(10)]
    stop = tmp_path / "stop"
    importers = [started(world, "import-many", *sources[n::2]) for n in range(2)]
    workers = [started(world, "drive", stop) for _ in range(2)]
    try:
        lines = [line.split() for process in importers for line in finished(process) if not line.startswith("{")]
    finally:
        stop.touch()
        for process in workers:
            finished(process)
    assert {outcome for _, outcome, *_ in lines} == {"new"}
    ids = [id_ for _, _, id_, _ in lines]
    assert len(set(ids)) == 300
    world.clock.sleep(300)
    world.drain()
    assert check_ledger(world.app, [world.row(id_).leaf for id_ in ids]) == 300


@BOTH
def test_two_processes_import_the_same_table_at_once_and_each_row_is_one_record(world: World, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "a.csv", 200)
    for process in [started(world, "import-many", source) for _ in range(2)]:
        with process:
            out, errors = process.communicate(timeout=120)
            assert process.returncode == 0 or "STORE_DUPLICATE_ID" in out, out + errors
    world.clock.sleep(300)
    result, outcomes = world.import_rows(source)  # whoever was refused runs again and finds every row
    assert (result.counts.total(), len({o.id for o in outcomes})) == (200, 200)
    world.drain()
    assert check_ledger(world.app, [world.row(o.id or "").leaf for o in outcomes]) == 200


def test_web3_reads_what_the_ledger_wrote(demo: World) -> None:
    """Other people's scripts: a different library over the same seam tells the same story."""
    web3, app = make_web3(demo.app.engine), demo.app
    head, timestamp = app.chain.head()
    assert web3.is_connected()
    assert web3.eth.chain_id == app.chain.identity.id
    block = web3.eth.get_block(head.block)
    assert (bytes(block["hash"]), block["timestamp"]) == (head.hash, timestamp)
    with app.store.read() as unit:
        batch = unit.batches.in_states(("receipted",))[0]
    records = "0x" + app.chain.identity.records.hex()
    logs = web3.eth.get_logs(
        {
            "address": web3.to_checksum_address(records),
            "fromBlock": 0,
            "toBlock": head.block,
            "topics": ["0x" + TOPIC_BATCH_ANCHORED.hex(), "0x" + organisation_bytes32(batch.issuer).hex()],
        }
    )
    assert "0x" + batch.root.hex() in {"0x" + bytes(log["topics"][2]).hex() for log in logs}
    call = interface("Records").functions["batchOf"].call(organisation_bytes32(batch.issuer), batch.root)
    answer = web3.eth.call({"to": web3.to_checksum_address(records), "data": "0x" + call.hex()})
    assert int.from_bytes(bytes(answer)[:32], "big") or any(bytes(answer))
