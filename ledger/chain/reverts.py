"""What a contract meant when it reverted: its custom error by name, with values, in words for people.

The words stand in ``reverts.toml``, one table an error, keys ``zh`` and ``en``; an error without words is
shown by its name and values.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ledger.chain.abi import CONTRACTS, ContractError, Parameters, interface
from ledger.chain.rpc import parse_data
from ledger.core.identifiers import organisation_from_bytes32
from ledger.errors import ConflictError, InputError
from ledger.verification.words import instant

_BUILT_IN = (  # Solidity, "Panic via assert and Error via require"
    ContractError("Error", bytes.fromhex("08c379a0"), Parameters.of([{"name": "message", "type": "string"}])),
    ContractError("Panic", bytes.fromhex("4e487b71"), Parameters.of([{"name": "number", "type": "uint256"}])),
)
_LENGTHS = {"DelayTooLong": ("delay", "longest")}
_DEEPEST = 4  # a council's call can fail in a call of its own; hostile data could nest without end


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contract's error; ``values`` are plain: organisations as text, other bytes as hex."""

    name: str
    values: dict[str, Any]


def refusal(data: str | None) -> ConflictError:
    """ConflictError CHAIN_REFUSED (``name``, ``values``, and the words as ``zh``, ``en``) for revert data.

    ``data``: hex, or None where the execution ended without any (out of gas, invalid code).
    """
    try:
        found = decode_revert(parse_data(data)) if data is not None else Refusal("ExecutionFailed", {})
    except InputError:
        found = Refusal("Unknown", {"data": str(data)[:74]})
    words = {language: _say(found, language) for language in ("zh", "en")}
    return ConflictError("CHAIN_REFUSED", name=found.name, values=found.values, **words)


def decode_revert(data: bytes, depth: int = 0) -> Refusal:
    """The error that ``data`` encodes; ``CallFailed`` of the council gives way to the reason inside it.

    Unknown or malformed data is the refusal ``Unknown``: a refusal without words is still a refusal.
    """
    error = _errors().get(data[:4])
    try:
        values = error.inputs.decode(data[4:]) if error else {}
    except InputError:
        error = None
    if error is None:
        return Refusal("Unknown" if data else "NoReason", {"data": "0x" + data[:36].hex()} if data else {})
    if error.name == "CallFailed" and depth < _DEEPEST:
        inner = decode_revert(values["reason"], depth + 1)
        return Refusal(inner.name, {**inner.values, "call": values["index"]})
    return Refusal(error.name, {name: _show(value) for name, value in values.items()})


@cache
def _errors() -> dict[bytes, ContractError]:
    table = {error.selector: error for error in _BUILT_IN}
    for contract in CONTRACTS:
        table.update(interface(contract).errors)
    return table


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("ledger.chain").joinpath("reverts.toml").read_text("utf-8"))


def _say(found: Refusal, language: str) -> str:
    shown = ", ".join(f"{name} {value}" for name, value in _readable(found).items())
    template = _words().get(found.name, {}).get(language)
    if template is None:
        return f"{found.name} ({shown})" if shown else found.name
    try:
        return template.format_map(_readable(found))
    except KeyError:  # words that ask for a value the contract no longer gives
        return f"{found.name} ({shown})"


def _readable(found: Refusal) -> dict[str, Any]:
    """With dates for instants, which the contracts keep in 40 bits as they do lengths of time; 0 is no instant."""
    named = [error for error in _errors().values() if error.name == found.name]
    types = {item["name"]: item["type"] for error in named for item in error.inputs.items}
    lengths = _LENGTHS.get(found.name, ())
    return {
        name: instant(value) if value and types.get(name) == "uint40" and name not in lengths else value
        for name, value in found.values.items()
    }


def _show(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return organisation_from_bytes32(value)
        except InputError:
            return "0x" + value.hex()
    return value
