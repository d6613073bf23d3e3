"""Typed questions to an engine. Whatever it answers is parsed here, strictly, before anyone believes it.

An answer of another shape than the method's is ``UnavailableError`` CHAIN_ANSWER_GARBLED: the fault of a
node, to be asked again or replaced, never a statement about a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from ledger.chain.reverts import refusal
from ledger.chain.rpc import data, parse_data, parse_quantity, quantity
from ledger.errors import InputError, UnavailableError
from ledger.ports import BatchEngine, Engine

T = TypeVar("T")
_EXECUTION = ("ENGINE_REVERTED", "ENGINE_EXECUTION_FAILED")


@dataclass(frozen=True, slots=True)
class Block:
    """``timestamp``: seconds UTC. ``fields``: the JSON object as answered."""

    number: int
    hash: bytes
    timestamp: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """``status`` 1 = succeeded; ``contract``: 20 bytes where one was created; ``logs`` as answered."""

    block: int
    block_hash: bytes
    index: int
    status: int
    gas_used: int
    contract: bytes | None
    logs: Sequence[Mapping[str, Any]]


@contextmanager
def reading(method: str) -> Iterator[None]:
    """Faults of parsing an answer of ``method`` become CHAIN_ANSWER_GARBLED."""
    try:
        yield
    except (InputError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UnavailableError("CHAIN_ANSWER_GARBLED", method=method) from error


class Node:
    """Questions over one engine; each raises UnavailableError CHAIN_ANSWER_GARBLED for a wrong shape."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, method: str, params: Sequence[Any], parse: Callable[[Any], T]) -> T:
        answer = self._engine.request(method, params)
        with reading(method):
            return parse(answer)

    def chain_id(self) -> int:
        return self.ask("eth_chainId", [], parse_quantity)

    def code(self, address: bytes) -> bytes:
        return self.ask("eth_getCode", [data(address), "latest"], parse_data)

    def nonce(self, account: bytes, block: str = "latest") -> int:
        """Number of the account's transactions: in final blocks, or (``pending``) with those that wait."""
        return self.ask("eth_getTransactionCount", [data(account), block], parse_quantity)

    def state_at(self, number: int, account: bytes, hash_: bytes) -> tuple[int, bytes, Any]:
        """(the account's transactions up to block ``number``, that block's hash, receipt of ``hash_`` or None), all
        told by one node, the block before the receipt.

        Raises UnavailableError CHAIN_BEHIND where the node has no such block.
        """
        block, count, receipt = self.ask_many(
            [
                ("eth_getBlockByNumber", (quantity(number), False)),
                ("eth_getTransactionCount", (data(account), quantity(number))),
                ("eth_getTransactionReceipt", (data(hash_),)),
            ]
        )
        with reading("eth_getTransactionCount"):
            return parse_quantity(count), _numbered(block, number).hash, receipt

    def ask_many(self, questions: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Answers in order, in one exchange where the engine takes batches."""
        if isinstance(self._engine, BatchEngine):
            return self._engine.request_many(questions)
        return [self._engine.request(method, params) for method, params in questions]

    def blocks(self, numbers: Sequence[int]) -> list[Block]:
        """As `block`, for several numbers."""
        answers = self.ask_many([("eth_getBlockByNumber", (quantity(number), False)) for number in numbers])
        return [_numbered(answer, number) for answer, number in zip(answers, numbers, strict=True)]

    def head(self) -> Block:
        """The newest block; whether it is final the consensus rules of the chain say."""
        return self.ask("eth_getBlockByNumber", ["latest", False], _block)

    def block(self, number: int) -> Block:
        """Raises UnavailableError CHAIN_BEHIND where the node has no such block (yet)."""
        return _numbered(self._engine.request("eth_getBlockByNumber", [quantity(number), False]), number)

    def block_at(self, time: int, until: int) -> int:
        """First block not before ``time`` (seconds UTC), by halving; ``until`` where all are before it."""
        low = 0
        while low < until:
            middle = (low + until) // 2
            if self.block(middle).timestamp < time:
                low = middle + 1
            else:
                until = middle
        return low

    def receipt(self, hash_: bytes) -> TransactionReceipt | None:
        method = "eth_getTransactionReceipt"
        answer = self._engine.request(method, [data(hash_)])
        if answer is None:
            return None
        with reading(method):
            if parse_data(answer["transactionHash"], 32) != hash_:
                raise InputError("RPC_DATA_REFUSED")
            return _receipt(answer)

    def knows(self, hash_: bytes) -> bool:
        """Whether the transaction waits or is mined."""
        return self._engine.request("eth_getTransactionByHash", [data(hash_)]) is not None

    def send(self, raw: bytes) -> bytes:
        return self.ask("eth_sendRawTransaction", [data(raw)], lambda answer: parse_data(answer, 32))

    def call(self, to: bytes, calldata: bytes, sender: bytes | None = None, block: str = "pending") -> bytes:
        """Dry run, by default in the block that would be made now: the head may be hours old, contracts compare dates.

        Raises:
            ConflictError: CHAIN_REFUSED with the contract's error.
        """
        return self._execute("eth_call", to, calldata, sender, parse_data, block)

    def estimate(self, to: bytes, calldata: bytes, sender: bytes) -> int:
        """Gas limit that suffices now. Raises as `call`."""
        return self._execute("eth_estimateGas", to, calldata, sender, parse_quantity)

    def _execute(
        self,
        method: str,
        to: bytes,
        calldata: bytes,
        sender: bytes | None,
        parse: Callable[[Any], T],
        block: str = "pending",
    ) -> T:
        wanted = {"data": data(calldata)}
        if to:
            wanted["to"] = data(to)
        if sender is not None:
            wanted["from"] = data(sender)
        try:
            answer = self._engine.request(method, [wanted, block])
        except InputError as error:
            if error.code not in _EXECUTION:
                raise
            raise refusal(error.values.get("data")) from error
        with reading(method):
            return parse(answer)


def _numbered(answer: Any, number: int) -> Block:
    if answer is None:
        raise UnavailableError("CHAIN_BEHIND", block=number)
    with reading("eth_getBlockByNumber"):
        block = _block(answer)
        if block.number != number:
            raise InputError("RPC_BLOCK_REFUSED")
    return block


def _block(answer: Any) -> Block:
    return Block(
        parse_quantity(answer["number"]),
        parse_data(answer["hash"], 32),
        parse_quantity(answer["timestamp"]),
        answer,
    )


def _receipt(answer: Any) -> TransactionReceipt:
    created = answer.get("contractAddress")
    return TransactionReceipt(
        block=parse_quantity(answer["blockNumber"]),
        block_hash=parse_data(answer["blockHash"], 32),
        index=parse_quantity(answer["transactionIndex"]),
        status=parse_quantity(answer["status"]),
        gas_used=parse_quantity(answer["gasUsed"]),
        contract=None if created is None else parse_data(created, 20),
        logs=list(answer["logs"]),
    )
