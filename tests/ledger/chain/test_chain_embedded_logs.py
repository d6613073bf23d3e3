"""eth_getLogs against a filter written the slow and obvious way."""

import itertools
import random

import pytest
from embedded_kit import Kit, word
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError

TOPICS = ["0x" + word(n).hex() for n in range(1, 5)]


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    kit = Kit(tmp_path_factory.mktemp("logs") / "chain.db")
    contracts = [kit.deploy(topics) for topics in range(5)]
    randomness = random.Random(7)
    for _ in range(12):
        for _ in range(randomness.randrange(1, 6)):
            topics = [randomness.randrange(1, 5) for _ in range(4)]
            digest = kit.put(randomness.choice(contracts), randomness.randrange(9), 5, *topics)
        assert kit.receipt(digest)
    head = int(kit.ask("eth_blockNumber"), 16)
    logs = [
        log
        for number in range(head + 1)
        for receipt in kit.ask("eth_getBlockReceipts", hex(number))
        for log in receipt["logs"]
    ]
    yield kit, ["0x" + contract.hex() for contract in contracts], head, logs
    kit.engine.close()


def naive(logs, first, last, addresses, topics):
    found = []
    for log in logs:
        if not first <= int(log["blockNumber"], 16) <= last:
            continue
        if addresses and log["address"] not in addresses:
            continue
        if len(log["topics"]) < len(topics):
            continue
        if all(not wanted or have in wanted for wanted, have in zip(topics, log["topics"], strict=False)):
            found.append(log)
    return found


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_filters_agree_with_the_naive_oracle(chain, data):
    kit, contracts, head, logs = chain
    first, last = sorted(data.draw(st.lists(st.integers(0, head), min_size=2, max_size=2)))
    addresses = data.draw(st.lists(st.sampled_from(contracts), max_size=3, unique=True))
    topics = data.draw(st.lists(st.lists(st.sampled_from(TOPICS), max_size=3, unique=True), max_size=4))
    shown = [None if not t and data.draw(st.booleans()) else t[0] if len(t) == 1 else t for t in topics]
    wanted = {"fromBlock": hex(first), "toBlock": hex(last), "topics": shown}
    if addresses:
        wanted["address"] = addresses[0] if len(addresses) == 1 else addresses
    assert kit.ask("eth_getLogs", wanted) == naive(logs, first, last, addresses, topics)


def test_all_logs_in_order_and_by_block_hash(chain):
    kit, _, head, logs = chain
    assert len(logs) > 20
    everything = kit.ask("eth_getLogs", {"fromBlock": "earliest", "toBlock": "latest"})
    assert everything == logs
    assert kit.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(head + 1000)}) == logs
    for digest, group in itertools.groupby(logs, lambda log: log["blockHash"]):
        assert kit.ask("eth_getLogs", {"blockHash": digest}) == list(group)


def test_no_bounds_means_the_newest_block(chain):
    kit, _, head, logs = chain
    assert kit.ask("eth_getLogs", {}) == [log for log in logs if log["blockNumber"] == hex(head)]


@pytest.mark.parametrize(
    "wanted",
    [
        {"topics": [TOPICS[0]] * 5},
        {"topics": "0x"},
        {"address": "0x1234"},
        {"topics": ["0x12"]},
        {"blockHash": "0x" + "11" * 32, "fromBlock": "0x0"},
        {"blockHash": "0x" + "11" * 32},
        {"fromBlock": "first"},
        {"unknown": 1},
    ],
)
def test_malformed_filters_are_refused(chain, wanted):
    with pytest.raises(InputError):
        chain[0].ask("eth_getLogs", wanted)
