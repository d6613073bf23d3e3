"""Several processes on one file, and SIGKILL at any moment: one chain, nothing acknowledged is lost."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from embedded_kit import KEYS, NODE_KEY, Clock, Kit, sign, word

from ledger.chain.embedded import EmbeddedEngine
from ledger.errors import UnavailableError

HERE = Path(__file__).resolve().parent


@pytest.fixture
def path(tmp_path):
    """A chain with the contract in block 1, made a while ago by the real clock."""
    kit = Kit(tmp_path / "chain.db", Clock(time.time() - 100))
    kit.deploy(2)
    kit.engine.close()
    return kit.path


def worker(path, which, count):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parents[2]), str(HERE)])}
    command = [
        sys.executable,
        str(HERE / "chain_worker.py"),
        str(path),
        NODE_KEY.hex(),
        str(which),
        str(count),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)


def settle(path, hashes):
    """Open (which checks the chain), make blocks until nothing waits; receipts of ``hashes``."""
    clock = Clock(time.time() + 1)
    engine = EmbeddedEngine.open(path, node_key=NODE_KEY, clock=clock)
    for _ in range(5):
        engine.request("eth_blockNumber")
        clock.now += 1
    receipts = [engine.request("eth_getTransactionReceipt", [digest]) for digest in hashes]
    for number in range(int(engine.request("eth_blockNumber"), 16) + 1):
        engine.check(number)
    engine.close()
    return receipts


def test_two_processes_writing_keep_one_chain(path):
    processes = [worker(path, which, 60) for which in (1, 2)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    hashes = [line.split()[1] for output in outputs for line in output.splitlines()]
    receipts = settle(path, hashes)
    assert len(set(hashes)) == 120 and all(receipt["status"] == "0x1" for receipt in receipts)
    blocks = {receipt["blockNumber"] for receipt in receipts}
    senders = {(receipt["blockNumber"], receipt["from"]) for receipt in receipts}
    assert len(senders) > len(blocks)  # some block holds transactions that came through both


def test_sigkill_loses_no_acknowledged_transaction(path):
    hashes, randomness = [], random.Random(3)
    for _ in range(5):
        process = worker(path, 3, 100_000)
        lines = [process.stdout.readline()]  # it works; now kill it at an arbitrary moment
        killer = threading.Timer(randomness.uniform(0.2, 1.3), process.send_signal, [signal.SIGKILL])
        killer.start()
        lines += process.stdout.readlines()
        killer.join()
        assert process.wait(10) == -signal.SIGKILL
        process.stdout.close()
        hashes += [line.split()[1] for line in lines if line.endswith("\n")]
    assert len(hashes) > 50
    assert all(receipt and receipt["status"] == "0x1" for receipt in settle(path, hashes))


def test_engines_see_each_others_blocks_at_once(path):
    clock = Clock(time.time())
    one, two = (EmbeddedEngine.open(path, node_key=NODE_KEY, clock=clock) for _ in range(2))
    reader = EmbeddedEngine.open(path, node_key=None, clock=clock)
    contract = bytes.fromhex(one.request("eth_getBlockReceipts", ["0x1"])[0]["contractAddress"][2:])
    for n, writer in enumerate([one, two, two, one, two]):
        data = b"".join(map(word, (1, n + 10, 0, 0)))
        raw = sign(KEYS[4], one.chain_id, n, contract, data)
        digest = writer.request("eth_sendRawTransaction", [raw])
        clock.now += 1
        other = two if writer is one else one
        assert other.request("eth_getTransactionReceipt", [digest])["status"] == "0x1"
        for engine in (writer, reader, other):
            answer = engine.request("eth_call", [{"to": "0x" + contract.hex(), "data": "0x" + word(1).hex()}])
            assert int(answer, 16) == n + 10
    for engine in (one, two, reader):
        engine.close()


def test_threads_share_one_engine(path):
    clock = Clock(time.time())
    engine = EmbeddedEngine.open(path, node_key=NODE_KEY, clock=clock)
    failures = []

    def run(which):
        try:
            for nonce in range(20):
                raw = sign(KEYS[which], engine.chain_id, nonce, bytes(20), b"")
                engine.request("eth_sendRawTransaction", [raw])
                clock.now += 0.2
                engine.request("eth_getBlockByNumber", ["latest", True])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(which,)) for which in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.now += 1
    engine.request("eth_blockNumber")
    counts = [engine.request("eth_getTransactionCount", [KEYS[which].public_key.to_address()]) for which in range(1, 5)]
    engine.close()
    assert not failures and counts == ["0x14"] * 4


def test_a_file_held_by_another_program_is_unavailable_not_damaged(path, monkeypatch):
    monkeypatch.setattr("ledger.chain.embedded.store._BUSY_SECONDS", 0.1)
    clock = Clock(time.time())
    engine = EmbeddedEngine.open(path, node_key=NODE_KEY, clock=clock)
    digest = engine.request("eth_sendRawTransaction", [sign(KEYS[4], engine.chain_id, 0, bytes(20), b"")])
    clock.now += 1
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for method, param in (
        ("eth_sendRawTransaction", sign(KEYS[4], engine.chain_id, 1, bytes(20), b"")),
        ("eth_getTransactionReceipt", digest),
    ):
        with pytest.raises(UnavailableError, match="ENGINE_STORAGE"):
            engine.request(method, [param])
    assert engine.request("eth_blockNumber") == "0x1"  # reading goes on
    holder.execute("ROLLBACK")
    holder.close()
    assert engine.request("eth_getTransactionReceipt", [digest])["blockNumber"] == "0x2"
    engine.close()


def test_a_full_disk_is_unavailable_and_reading_goes_on(path):
    clock = Clock(time.time())
    engine = EmbeddedEngine.open(path, node_key=NODE_KEY, clock=clock)
    store = engine._chain.store
    (pages,) = store.one("PRAGMA page_count")
    send = engine.request, "eth_sendRawTransaction"
    raws = [sign(KEYS[4], engine.chain_id, n, bytes(20), bytes(9000), gas=500_000) for n in range(20)]
    store.one(f"PRAGMA max_page_count={pages}")  # SQLite then answers as on a full disk
    stored = []
    with pytest.raises(UnavailableError, match="ENGINE_STORAGE"):
        for raw in raws:
            stored.append(send[0](send[1], [raw]))
    clock.now += 1
    assert engine.request("eth_blockNumber") == "0x1"
    store.one("PRAGMA max_page_count=1000000")
    digests = [engine.request("eth_sendRawTransaction", [raw]) for raw in raws]
    assert digests[: len(stored)] == stored
    assert engine.request("eth_getTransactionReceipt", [digests[-1]])["status"] == "0x1"
    engine.close()


def test_a_crash_inside_block_making_leaves_the_transaction_pending(path, monkeypatch):
    clock = Clock(time.time())
    engine = EmbeddedEngine.open(path, node_key=NODE_KEY, clock=clock)
    digest = engine.request("eth_sendRawTransaction", [sign(KEYS[4], engine.chain_id, 0, bytes(20), b"")])
    clock.now += 1

    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ledger.chain.embedded.chain.write_receipts", fail)
        with pytest.raises(KeyboardInterrupt):
            engine.request("eth_blockNumber")
    assert engine.request("eth_getTransactionReceipt", [digest])["blockNumber"] == "0x2"
    engine.close()
    assert settle(path, [digest])[0]["status"] == "0x1"
