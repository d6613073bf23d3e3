"""Contract calls, returns, events and errors in and out of bytes, from the committed ABIs.

Source: Solidity, "Contract ABI Specification". Selectors, topics and type strings are worked out once a
process; reading the artifacts waits for the first use. Addresses are 20 raw bytes, structs come back as
dictionaries by member name, arrays as lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import eth_abi
import orjson
from eth_abi.exceptions import DecodingError

from ledger.errors import InputError
from ledger.proofs.keccak import keccak

CONTRACTS = ("Council", "Consortium", "Records", "TrustList")


@dataclass(frozen=True, slots=True)
class Parameters:
    """An ordered list of ABI parameters."""

    items: tuple[Mapping[str, Any], ...]
    types: tuple[str, ...]

    @classmethod
    def of(cls, items: list[dict[str, Any]]) -> Parameters:
        return cls(tuple(items), tuple(map(_type, items)))

    def encode(self, *values: Any) -> bytes:
        """ABI encoding; structs as tuples in the order of their members."""
        encoded: bytes = eth_abi.encode(self.types, values)
        return encoded

    def decode(self, data: bytes) -> dict[str, Any]:
        """Values by name (by position where a parameter has none). Raises InputError ABI_MALFORMED."""
        try:
            values = eth_abi.decode(self.types, data)
        except (DecodingError, ValueError, OverflowError) as error:  # text that is not UTF-8 is a ValueError
            raise InputError("ABI_MALFORMED", types=", ".join(self.types)) from error
        pairs = enumerate(zip(self.items, values, strict=True))
        return {item["name"] or str(place): _plain(item, value) for place, (item, value) in pairs}


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    selector: bytes
    inputs: Parameters
    outputs: Parameters

    def call(self, *values: Any) -> bytes:
        """Calldata."""
        return self.selector + self.inputs.encode(*values)


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    topic: bytes
    indexed: Parameters
    data: Parameters

    def decode(self, topics: tuple[bytes, ...], data: bytes) -> dict[str, Any]:
        """Arguments by name, the indexed ones first. Raises InputError ABI_MALFORMED."""
        if len(topics) != len(self.indexed.types) + 1:
            raise InputError("ABI_MALFORMED", types=self.name)
        return self.indexed.decode(b"".join(topics[1:])) | self.data.decode(data)


@dataclass(frozen=True, slots=True)
class ContractError:
    name: str
    selector: bytes
    inputs: Parameters


@dataclass(frozen=True, slots=True)
class Interface:
    """One contract as compiled: functions by name, events by topic, errors by selector, and its code.

    ``creation``: bytecode without constructor arguments. ``immutables``: for each immutable, in order of
    declaration, where (start, length) the constructor fills in its value; ``runtime`` has zeros there.
    """

    name: str
    functions: Mapping[str, Function]
    events: Mapping[bytes, Event]
    errors: Mapping[bytes, ContractError]
    constructor: Parameters
    creation: bytes
    runtime: bytes
    immutables: tuple[tuple[tuple[int, int], ...], ...]

    def deployed(self, *immutables: bytes) -> bytes:
        """Runtime code with the values of the immutables (at most 32 bytes each, left-padded)."""
        code = bytearray(self.runtime)
        for value, places in zip(immutables, self.immutables, strict=True):
            for start, length in places:
                code[start : start + length] = value.rjust(length, b"\0")
        return bytes(code)

    def call(self, function: str, *values: Any) -> bytes:
        return self.functions[function].call(*values)


@cache
def interface(contract: str) -> Interface:
    """The compiled ``contract``, one of ``CONTRACTS``."""
    file = resources.files("ledger.chain").joinpath("artifacts", f"{contract}.json")
    artifact = orjson.loads(file.read_bytes())
    entries: list[dict[str, Any]] = artifact["abi"]
    functions = [_function(entry) for entry in entries if entry["type"] == "function"]
    events = [_event(entry) for entry in entries if entry["type"] == "event"]
    errors = [_error(entry) for entry in entries if entry["type"] == "error"]
    constructor = [entry["inputs"] for entry in entries if entry["type"] == "constructor"]
    references = sorted(artifact["immutableReferences"].items(), key=lambda pair: int(pair[0]))
    return Interface(
        name=contract,
        functions={function.name: function for function in functions},
        events={event.topic: event for event in events},
        errors={error.selector: error for error in errors},
        constructor=Parameters.of(constructor[0]),
        creation=_code(artifact["bytecode"]),
        runtime=_code(artifact["deployedBytecode"]),
        immutables=tuple(tuple((at["start"], at["length"]) for at in places) for _, places in references),
    )


def _function(entry: dict[str, Any]) -> Function:
    name: str = entry["name"]
    return Function(name, _digest(entry)[:4], Parameters.of(entry["inputs"]), Parameters.of(entry["outputs"]))


def _event(entry: dict[str, Any]) -> Event:
    indexed = [item for item in entry["inputs"] if item["indexed"]]
    data = [item for item in entry["inputs"] if not item["indexed"]]
    return Event(entry["name"], _digest(entry), Parameters.of(indexed), Parameters.of(data))


def _error(entry: dict[str, Any]) -> ContractError:
    return ContractError(entry["name"], _digest(entry)[:4], Parameters.of(entry["inputs"]))


def _digest(entry: dict[str, Any]) -> bytes:
    return keccak(f"{entry['name']}({','.join(map(_type, entry['inputs']))})".encode())


def _type(item: Mapping[str, Any]) -> str:
    """Type as in signatures: a struct is written as the tuple of its members."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(_type, item['components']))}){kind.removeprefix('tuple')}"


def _plain(item: Mapping[str, Any], value: Any) -> Any:
    kind: str = item["type"]
    if kind.endswith("]"):
        member = {**item, "type": kind[: kind.rindex("[")]}
        return [_plain(member, each) for each in value]
    if kind == "tuple":
        parts = zip(item["components"], value, strict=True)
        return {part["name"]: _plain(part, each) for part, each in parts}
    return bytes.fromhex(value[2:]) if kind == "address" else value


def _code(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
