"""Several processes on one data folder, and other people's tools on its chain."""

from __future__ import annotations

import os
import subprocess
import sys

from ledger_world import ROOT, World, check_ledger

from ledger.chain.abi import interface
from ledger.chain.provider import make_web3
from ledger.core.identifiers import organisation_bytes32
from ledger.proofs.events import TOPIC_BATCH_ANCHORED


def test_two_processes_issue_at_once_and_one_drives_the_outbox(world: World) -> None:
    world.close()
    command = [sys.executable, str(ROOT / "tests" / "ledger_worker.py"), str(world.home), f"+{world.clock.now}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            [*command, "issue-and-drain", "3"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    leaves = []
    for process in running:
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        leaves += [bytes.fromhex(line) for line in out.split()]
    assert len(set(leaves)) == 6
    world.clock.sleep(300)
    world.drain()
    assert check_ledger(world.app, leaves) == 6


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
