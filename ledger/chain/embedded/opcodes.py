"""The opcodes that contracts run most, done without py-evm's calls into calls: moves of the stack, jumps, words of
memory and plain arithmetic.

Each does what py-evm's own would do where that is plain: gas is left, and the stack has room and depth. Anywhere else
it hands over to py-evm's own, before it has changed anything, so that failures are py-evm's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from eth.vm.forks.berlin.computation import BerlinComputation
from eth.vm.forks.berlin.state import BerlinState

from ledger.chain.embedded.accounts import QuickAccounts

_PUSH1, _PUSH32, _DUP1, _DUP16, _SWAP1, _SWAP16 = 0x60, 0x7F, 0x80, 0x8F, 0x90, 0x9F
_DEPTH = 1024
_GAS = 3
"""Of each that names no other (yellow paper, appendix G: verylow)."""
_WORD, _LARGEST = 32, 2**256 - 1
_JUMPDEST = 0x5B

Run = Callable[[Any], Any]


def _push(size: int, usual: Run) -> Run:
    def push(computation: Any) -> None:
        code, meter, values = computation.code, computation._gas_meter, computation._stack.values
        at = code.program_counter
        data = code._raw_code_bytes[at : at + size]
        if meter.gas_remaining < _GAS or len(values) >= _DEPTH or len(data) != size:
            usual(computation)
            return
        meter.gas_remaining -= _GAS
        code.program_counter = at + size
        values.append(data)

    return push


def _dup(position: int, usual: Run) -> Run:
    def dup(computation: Any) -> None:
        meter, values = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < _GAS or not position <= len(values) < _DEPTH:
            usual(computation)
            return
        meter.gas_remaining -= _GAS
        values.append(values[-position])

    return dup


def _swap(position: int, usual: Run) -> Run:
    other = -1 - position

    def swap(computation: Any) -> None:
        meter, values = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < _GAS or len(values) <= position:
            usual(computation)
            return
        meter.gas_remaining -= _GAS
        values[-1], values[other] = values[other], values[-1]

    return swap


def _number(value: int | bytes) -> int:
    """A word of the stack, which py-evm keeps as it was pushed."""
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value


def _binary(reckon: Callable[[int, int], int], usual: Run) -> Run:
    """``reckon`` of the topmost word and the one below it; its result is a word."""

    def binary(computation: Any) -> None:
        meter, values = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < _GAS or len(values) < 2:
            usual(computation)
            return
        meter.gas_remaining -= _GAS
        top = values.pop()
        values[-1] = reckon(_number(top), _number(values[-1]))

    return binary


def _iszero(usual: Run) -> Run:
    def iszero(computation: Any) -> None:
        meter, values = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < _GAS or not values:
            usual(computation)
            return
        meter.gas_remaining -= _GAS
        values[-1] = int(_number(values[-1]) == 0)

    return iszero


def _pop(usual: Run) -> Run:
    gas = 2

    def pop(computation: Any) -> None:
        meter, values = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < gas or not values:
            usual(computation)
            return
        meter.gas_remaining -= gas
        values.pop()

    return pop


def _jumpdest(usual: Run) -> Run:
    gas = 1

    def jumpdest(computation: Any) -> None:
        meter = computation._gas_meter
        if meter.gas_remaining < gas:
            usual(computation)
            return
        meter.gas_remaining -= gas

    return jumpdest


def _jump(usual: Run) -> Run:
    """To where py-evm has found before that a jump may go."""
    gas = 8

    def jump(computation: Any) -> None:
        code, meter, values = computation.code, computation._gas_meter, computation._stack.values
        to = _number(values[-1]) if values else -1
        known = to in code.valid_positions and code._raw_code_bytes[to] == _JUMPDEST
        if meter.gas_remaining < gas or not known:
            usual(computation)
            return
        meter.gas_remaining -= gas
        values.pop()
        code.program_counter = to

    return jump


def _jumpi(usual: Run) -> Run:
    gas = 10

    def jumpi(computation: Any) -> None:
        code, meter, values = computation.code, computation._gas_meter, computation._stack.values
        if meter.gas_remaining < gas or len(values) < 2:
            usual(computation)
            return
        if _number(values[-2]):
            to = _number(values[-1])
            if to not in code.valid_positions or code._raw_code_bytes[to] != _JUMPDEST:
                usual(computation)
                return
            code.program_counter = to
        meter.gas_remaining -= gas
        del values[-2:]

    return jumpi


def _mload(usual: Run) -> Run:
    """Of memory that is there already, as is what `_mstore` writes."""

    def mload(computation: Any) -> None:
        meter, values, memory = computation._gas_meter, computation._stack.values, computation._memory._bytes
        at = _number(values[-1]) if values else len(memory)
        if meter.gas_remaining < _GAS or at + _WORD > len(memory):
            usual(computation)
            return
        meter.gas_remaining -= _GAS
        values[-1] = bytes(memory[at : at + _WORD])

    return mload


def _mstore(usual: Run) -> Run:
    def mstore(computation: Any) -> None:
        meter, values, memory = computation._gas_meter, computation._stack.values, computation._memory._bytes
        at = _number(values[-1]) if len(values) > 1 else len(memory)
        if meter.gas_remaining < _GAS or at + _WORD > len(memory):
            usual(computation)
            return
        meter.gas_remaining -= _GAS
        memory[at : at + _WORD] = _number(values[-2]).to_bytes(_WORD, "big")
        del values[-2:]

    return mstore


_RECKONED: dict[int, Callable[[int, int], int]] = {
    0x01: lambda a, b: (a + b) & _LARGEST,
    0x03: lambda a, b: (a - b) & _LARGEST,
    0x10: lambda a, b: int(a < b),
    0x11: lambda a, b: int(a > b),
    0x14: lambda a, b: int(a == b),
    0x16: operator.and_,
    0x17: operator.or_,
    0x1B: lambda a, b: (b << a) & _LARGEST if a < 256 else 0,
    0x1C: lambda a, b: b >> a if a < 256 else 0,
}
_OTHERS: dict[int, Callable[[Run], Run]] = {
    0x15: _iszero, 0x50: _pop, 0x51: _mload, 0x52: _mstore, 0x56: _jump, 0x57: _jumpi, _JUMPDEST: _jumpdest,
}  # fmt: skip


def _quick(usual: dict[int, Any]) -> dict[int, Any]:
    table = dict(usual)
    for first, last, make in ((_PUSH1, _PUSH32, _push), (_DUP1, _DUP16, _dup), (_SWAP1, _SWAP16, _swap)):
        for number in range(first, last + 1):
            table[number] = make(number - first + 1, usual[number])
    table |= {number: _binary(reckon, usual[number]) for number, reckon in _RECKONED.items()}
    table |= {number: make(usual[number]) for number, make in _OTHERS.items()}
    return table


class QuickComputation(BerlinComputation):  # type: ignore[misc]
    opcodes = _quick(BerlinComputation.opcodes)


class QuickState(BerlinState):  # type: ignore[misc]
    computation_class = QuickComputation
    account_db_class = QuickAccounts
