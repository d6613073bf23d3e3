"""Events of the three contracts, read by ranges of blocks, in order, exactly once each.

A reader keeps the last block it has finished and asks again from the next one. Ranges shrink where a node
says they are too large and grow again; a block is never split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ledger.chain.abi import Event, interface
from ledger.chain.contracts import Contracts
from ledger.chain.node import Block, Node, reading
from ledger.chain.rpc import data, parse_data, parse_quantity, quantity
from ledger.errors import ConflictError, InputError, UnavailableError
from ledger.ports import OrganisationEvent
from ledger.proofs import events as records
from ledger.proofs.receipts import Log

LARGEST_RANGE = 2_000  # blocks; Besu refuses more than 5,000 by default

_Decoder = Callable[[Log], Any]
Logs = Sequence[Mapping[str, Any]]
_RECORDS: dict[bytes, _Decoder] = {
    records.TOPIC_BATCH_ANCHORED: records.decode_anchored,
    records.TOPIC_ANCHOR_REPEATED: records.decode_repeated,
    records.TOPIC_STATUS_CHANGED: records.decode_status,
    records.TOPIC_STATUS_REFUSED: records.decode_refused,
}


class EventReader:
    """Decodes logs of these contracts; safe to keep for the life of a process."""

    def __init__(self, node: Node, decoders: Mapping[bytes, Mapping[bytes, _Decoder]]) -> None:
        self._node = node
        self._decoders = decoders
        self._addresses = [data(address) for address in decoders]

    @classmethod
    def of_ledger(cls, node: Node, contracts: Contracts) -> EventReader:
        return cls(
            node,
            {
                contracts.council: _by_name("Council"),
                contracts.consortium: _by_name("Consortium"),
                contracts.records: _by_name("Records") | _RECORDS,
            },
        )

    @classmethod
    def of_trust_list(cls, node: Node, address: bytes) -> EventReader:
        return cls(node, {address: _by_name("TrustList")})

    def read(self, since: int, until: int) -> Iterator[tuple[int, int, Any]]:
        """(block, its timestamp, event) from block ``since`` to ``until``, both included.

        Raises:
            UnavailableError: CHAIN_BEHIND where the node has not reached ``until`` (an answer without the
                missing blocks would look complete), CHAIN_ANSWER_GARBLED, ENGINE_….
        """
        wanted = {"address": self._addresses}
        for logs, first, last in log_ranges(self._node, wanted, since, until):
            yield from self._decoded(logs, first, last)

    def find(self, address: bytes, topics: Sequence[bytes], since: int, until: int) -> bytes | None:
        """Hash of the first transaction with a log of ``address`` under these leading topics. As `read`."""
        wanted = {"address": data(address), "topics": [data(topic) for topic in topics]}
        for logs, _, _ in log_ranges(self._node, wanted, since, until):
            with reading("eth_getLogs"):
                for log in logs:
                    if [parse_data(topic, 32) for topic in log["topics"][: len(topics)]] != list(topics):
                        raise InputError("RPC_DATA_REFUSED")
                    return parse_data(log["transactionHash"], 32)
        return None

    def _decoded(self, logs: Logs, since: int, until: int) -> Iterator[tuple[int, int, Any]]:
        blocks = self._blocks(logs)
        place = -1, 0
        for log in logs:
            with reading("eth_getLogs"):
                here = parse_quantity(log["blockNumber"]), parse_quantity(log["logIndex"])
                # Out of order, twice, taken back, or from a block not asked for: the index would go wrong.
                if not (since <= here[0] <= until and place < here) or log.get("removed"):
                    raise InputError("RPC_BLOCK_REFUSED")
                if parse_data(log["blockHash"], 32) != blocks[here[0]].hash:
                    raise InputError("RPC_BLOCK_REFUSED")
                event = self._decode(log)
            place = here
            yield here[0], blocks[here[0]].timestamp, event

    def _blocks(self, logs: Logs) -> dict[int, Block]:
        """The blocks that hold ``logs``, by number, asked for together."""
        with reading("eth_getLogs"):
            numbers = sorted({parse_quantity(log["blockNumber"]) for log in logs})
        return dict(zip(numbers, self._node.blocks(numbers), strict=True)) if numbers else {}

    def _decode(self, log: Mapping[str, Any]) -> Any:
        address = parse_data(log["address"], 20)
        topics = tuple(parse_data(topic, 32) for topic in log["topics"])
        return self._decoders[address][topics[0]](Log(address, topics, parse_data(log["data"])))


def log_ranges(node: Node, wanted: Mapping[str, Any], since: int, until: int) -> Iterator[tuple[Logs, int, int]]:
    """(logs as answered, first block, last block) of each range asked for, from ``since`` to ``until``, both included.

    ``wanted``: address and topics as in eth_getLogs.
    Raises UnavailableError CHAIN_BEHIND, CHAIN_ANSWER_GARBLED, ENGINE_….
    """
    if since > until:
        return
    node.block(until)
    width = LARGEST_RANGE
    while since <= until:
        last = min(until, since + width - 1)
        asked = {**wanted, "fromBlock": quantity(since), "toBlock": quantity(last)}
        try:
            logs: Logs = node.ask("eth_getLogs", [asked], _list)
        except (ConflictError, UnavailableError) as error:
            if error.code != "ENGINE_REFUSED" or last == since:
                raise
            width = (last - since + 1) // 2
            continue
        yield logs, since, last
        since, width = last + 1, min(LARGEST_RANGE, width * 2)


def _list(answer: Any) -> Logs:
    if not isinstance(answer, list):  # an empty object must not pass for "no events"
        raise TypeError
    return answer


def _by_name(contract: str) -> dict[bytes, _Decoder]:
    return {topic: _named(event) for topic, event in interface(contract).events.items()}


def _named(event: Event) -> _Decoder:
    return lambda log: OrganisationEvent(event.name, event.decode(log.topics, log.data))
