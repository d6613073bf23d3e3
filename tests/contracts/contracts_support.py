"""A chain in process for the contract tests: deploy, send, view, with events and errors decoded by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth.chains.base import MiningChain
from eth.vm.forks.berlin import BerlinVM
from eth.vm.message import Message
from eth_abi.abi import decode, encode
from eth_keys.datatypes import PrivateKey
from eth_tester.backends.pyevm import PyEVMBackend
from eth_utils.crypto import keccak

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = {
    name: json.loads((folder / f"{name}.json").read_text("utf-8"))
    for folder, names in {
        ROOT / "ledger/chain/artifacts": ("Council", "Consortium", "Records", "TrustList"),
        ROOT / "tests/contracts": ("BareStore",),
    }.items()
    for name in names
}
START = 2_000_000_000  # block time of the first deployment, seconds UTC
FOREVER = 2**40 - 1
ZERO = bytes(32)


def name32(text: str) -> bytes:
    """An organisation's id on chain: ASCII, left-aligned, zero-padded."""
    return text.encode("ascii").ljust(32, b"\0")


def word(text: str) -> bytes:
    """A digest that is surely nobody else's."""
    return bytes(keccak(text=text))


def type_of(item: dict[str, Any]) -> str:
    """ABI type of a parameter, structs written out as tuples."""
    if not item["type"].startswith("tuple"):
        return str(item["type"])
    return "(" + ",".join(map(type_of, item["components"])) + ")" + str(item["type"])[len("tuple") :]


def types(items: Sequence[dict[str, Any]]) -> list[str]:
    return [type_of(item) for item in items]


def signature(entry: dict[str, Any]) -> str:
    return str(entry["name"]) + "(" + ",".join(types(entry["inputs"])) + ")"


def _entries(kind: str) -> dict[bytes, dict[str, Any]]:
    found = [e for a in ARTIFACTS.values() for e in a["abi"] if e["type"] == kind]
    return {keccak(text=signature(e)): e for e in found}


EVENTS = _entries("event")
ERRORS = {digest[:4]: entry for digest, entry in _entries("error").items()}


@dataclass(frozen=True, slots=True)
class Revert(Exception):
    """The call reverted with a custom error of the contracts."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A transaction that succeeded: returned values, events in order, gas and block time."""

    values: tuple[Any, ...]
    events: list[Event]
    gas: int
    time: int


def decode_error(data: bytes) -> Revert:
    entry = ERRORS.get(data[:4])
    if entry is None:
        return Revert("0x" + data.hex(), ())
    return Revert(entry["name"], decode(types(entry["inputs"]), data[4:]))


def decode_event(topics: Sequence[bytes], data: bytes) -> Event:
    entry = EVENTS[topics[0]]
    indexed = iter(topics[1:])
    plain = iter(decode(types([i for i in entry["inputs"] if not i["indexed"]]), data))
    values = [decode([i["type"]], next(indexed))[0] if i["indexed"] else next(plain) for i in entry["inputs"]]
    return Event(entry["name"], tuple(values))


class Chain:
    """py-evm at Berlin rules, one transaction a block, gas free; ``time`` is the next block's."""

    def __init__(self, chain_id: int = 20_261_121) -> None:
        self._backend = PyEVMBackend(vm_configuration=((0, BerlinVM),))
        self.evm.chain_id = chain_id
        self.time = START
        self._seen: tuple[tuple[bytes, int], Any] | None = None

    @property
    def evm(self) -> MiningChain:
        return self._backend.chain

    def snapshot(self) -> tuple[Any, int]:
        return self.evm.header, self.time

    def revert(self, snapshot: tuple[Any, int]) -> None:
        """Go on from there: a fork of the chain, whose earlier branch is simply left."""
        self.evm.header, self.time = snapshot

    def sign(self, key: PrivateKey, to: bytes, data: bytes) -> Any:
        sender = key.public_key.to_canonical_address()
        nonce = self.evm.get_vm().state.get_nonce(sender)
        unsigned = self.evm.create_unsigned_transaction(
            nonce=nonce, gas_price=0, gas=25_000_000, to=to, value=0, data=data
        )
        return unsigned.as_signed_transaction(key, chain_id=self.evm.chain_id)

    def apply(self, transaction: Any) -> tuple[Any, Any]:
        """Mine one signed transaction in a block of its own at the time set; its receipt and computation."""
        self.evm.header = self.evm.header.copy(timestamp=self.time)
        _, receipt, computation = self.evm.apply_transaction(transaction)
        block = self.evm.mine_block()
        assert block.header.timestamp == self.time
        self.time += 1
        return receipt, computation

    def state(self) -> Any:
        """The state after the newest block, seen from the next one; the same until there is another of either."""
        self.evm.header = self.evm.header.copy(timestamp=self.time)
        moment = bytes(self.evm.header.parent_hash), self.time
        if self._seen is None or self._seen[0] != moment:
            self._seen = moment, self.evm.get_vm().state
        return self._seen[1]

    def call(self, to: bytes, data: bytes) -> Any:
        """The computation of a call from nobody, of which nothing stays."""
        state = self.state()
        message = Message(
            gas=25_000_000, to=to, sender=bytes(20), value=0, data=data, code=state.get_code(to), is_static=True
        )
        context = state.get_transaction_context_class()(gas_price=0, origin=bytes(20))
        before = state.snapshot()
        computation = state.computation_class.apply_message(state, message, context)
        state.revert(before)
        return computation

    def deploy(self, key: PrivateKey, contract: str, *arguments: Any) -> Contract:
        artifact = ARTIFACTS[contract]
        inputs: list[Any] = next((e["inputs"] for e in artifact["abi"] if e["type"] == "constructor"), [])
        code = bytes.fromhex(artifact["bytecode"]) + encode(types(inputs), arguments)
        _, computation = self.apply(self.sign(key, b"", code))
        if computation.is_error:
            raise decode_error(computation.output)
        return Contract(self, contract, computation.msg.storage_address)

    def storage(self, address: bytes, slot: int) -> bytes:
        return int(self.evm.get_vm().state.get_storage(address, slot)).to_bytes(32, "big")


class Contract:
    """A deployed contract; functions by name, arguments as eth_abi takes them."""

    def __init__(self, chain: Chain, name: str, address: bytes) -> None:
        self.chain, self.address = chain, address
        self._functions = {e["name"]: e for e in ARTIFACTS[name]["abi"] if e["type"] == "function"}

    def calldata(self, function: str, *arguments: Any) -> bytes:
        entry = self._functions[function]
        return bytes(keccak(text=signature(entry))[:4] + encode(types(entry["inputs"]), arguments))

    def send(self, key: PrivateKey, function: str, *arguments: Any) -> Done:
        """Raises ``Revert``."""
        transaction = self.chain.sign(key, self.address, self.calldata(function, *arguments))
        receipt, computation = self.chain.apply(transaction)
        values = self._returned(function, computation)
        events = [decode_event([t.to_bytes(32, "big") for t in log.topics], log.data) for log in receipt.logs]
        return Done(values, events, receipt.gas_used, self.chain.time - 1)

    def view(self, function: str, *arguments: Any) -> Any:
        """The single value returned, or the tuple of several. Raises ``Revert``."""
        values = self._returned(function, self.chain.call(self.address, self.calldata(function, *arguments)))
        return values[0] if len(values) == 1 else values

    def _returned(self, function: str, computation: Any) -> tuple[Any, ...]:
        if computation.is_error:
            raise decode_error(computation.output)
        return tuple(decode(types(self._functions[function]["outputs"]), computation.output))
