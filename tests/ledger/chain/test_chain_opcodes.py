"""Our quick opcodes and py-evm's own do the same: result, gas, logs, state and failures, of any program."""

from __future__ import annotations

from typing import Any

import pytest
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.berlin.state import BerlinState
from eth.vm.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.embedded.hashing import EMPTY_ROOT
from ledger.chain.embedded.opcodes import QuickState

CODE, CALLER = b"\xc0" * 20, b"\xca" * 20
PUSH, DUP, SWAP = range(0x60, 0x80), range(0x80, 0x90), range(0x90, 0xA0)
RECKON = [0x01, 0x03, 0x10, 0x11, 0x14, 0x15, 0x16, 0x17, 0x1B, 0x1C]
MEMORY = [0x51, 0x52]
JUMPS = [0x56, 0x57]
OTHERS = [*RECKON, *MEMORY, *JUMPS, 0x02, 0x20, 0x50, 0x53, 0x54, 0x55, 0x5A, 0x5B, 0xA0, 0xA1, 0xF3, 0xFD]
INSTRUCTIONS = st.one_of(
    st.tuples(st.sampled_from(PUSH), st.binary(max_size=32)).map(
        lambda pair: bytes([pair[0]]) + pair[1].rjust(pair[0] - PUSH[0] + 1, b"\0")[: pair[0] - PUSH[0] + 1]
    ),
    st.sampled_from([*PUSH, *DUP, *SWAP, *OTHERS]).map(lambda opcode: bytes([opcode])),
    st.sampled_from(OTHERS).map(lambda opcode: bytes([0x60, 1, 0x60, 0, opcode])),
)
PROGRAMS = st.lists(INSTRUCTIONS, max_size=40).map(b"".join)


def run(state_class: Any, code: bytes, gas: int) -> tuple[Any, ...]:
    context = ExecutionContext(
        coinbase=bytes(20), timestamp=1, block_number=1, difficulty=1, mix_hash=bytes(32), gas_limit=10**7,
        prev_hashes=(), chain_id=1,
    )  # fmt: skip
    state = state_class(AtomicDB(), context, EMPTY_ROOT)
    message = Message(gas=gas, to=CODE, sender=CALLER, value=0, data=b"", code=code)
    done = state.computation_class.apply_message(state, message, state.get_transaction_context(Transaction()))
    state.persist()
    error = (type(done.error), str(done.error)) if done.is_error else None
    stack = done._stack.values
    return (
        done.output,
        done.get_gas_remaining(),
        done.get_log_entries() if not error else (),
        error,
        stack,
        state.state_root,
    )


class Transaction:
    """What the context asks of one."""

    sender, gas_price, max_fee_per_gas, max_priority_fee_per_gas = CALLER, 0, 0, 0


@given(PROGRAMS, st.sampled_from([10**6, 200, 30, 7]))
@settings(deadline=None, max_examples=300)
def test_any_program_runs_the_same(code: bytes, gas: int) -> None:
    assert run(QuickState, code, gas) == run(BerlinState, code, gas)


@pytest.mark.parametrize("opcode", [*PUSH, *DUP, *SWAP])
@pytest.mark.parametrize("depth", [0, 1, 15, 16, 17, 1023, 1024])
def test_each_opcode_at_the_edges_of_the_stack(opcode: int, depth: int) -> None:
    for rest in (b"", bytes(31), bytes(range(32))):
        code = b"".join(bytes([0x60, n % 256]) for n in range(depth)) + bytes([opcode]) + rest
        for gas in (3 * depth, 3 * depth + 2, 3 * depth + 3, 10**6):
            assert run(QuickState, code, gas) == run(BerlinState, code, gas)


WORDS = [0, 1, 2, 31, 32, 33, 255, 256, 257, 2**255, 2**256 - 1]


def pushed(word: int, as_integer: bool) -> bytes:
    """PUSH32 leaves bytes on py-evm's stack; adding nothing to them, in py-evm's own way, an integer."""
    code = bytes([0x7F]) + word.to_bytes(32, "big")
    return bytes([0x60, 1]) + code + bytes([0x02]) if as_integer else code


@pytest.mark.parametrize("as_integer", [False, True])
@pytest.mark.parametrize("opcode", [*RECKON, 0x50])
def test_each_reckoning_at_the_edges_of_its_words(opcode: int, as_integer: bool) -> None:
    for top in WORDS:
        for below in WORDS:
            code = pushed(below, as_integer) + pushed(top, as_integer) + bytes([opcode, opcode])
            assert run(QuickState, code, 10**6) == run(BerlinState, code, 10**6)


@pytest.mark.parametrize("opcode", [*RECKON, *MEMORY, *JUMPS, 0x50, 0x5B])
def test_each_of_them_short_of_gas_or_words(opcode: int) -> None:
    for depth in (0, 1, 2, 3):
        for gas in (*range(3 * depth, 3 * depth + 12), 10**6):
            code = bytes([0x60, 1]) * depth + bytes([opcode])
            assert run(QuickState, code, gas) == run(BerlinState, code, gas)


@pytest.mark.parametrize("as_integer", [False, True])
def test_memory_is_read_and_written_the_same(as_integer: bool) -> None:
    for at in (*WORDS, 64, 95, 96):
        for before in (b"", bytes([0x60, 7, 0x60, 32, 0x52]), bytes([0x60, 7, 0x60, 65, 0x53])):
            for word in WORDS:
                code = before + pushed(word, as_integer) + pushed(at, as_integer) + bytes([0x52])
                code += bytes([0x60, 0, 0x51]) + pushed(at, as_integer) + bytes([0x51, 0x59])
                assert run(QuickState, code, 10**5) == run(BerlinState, code, 10**5)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 40), st.sampled_from(JUMPS)).map(lambda pair: bytes([0x60, pair[0], pair[1]])),
            st.builds(lambda word, to: bytes([0x60, word, 0x60, to, 0x57]), st.integers(0, 1), st.integers(0, 40)),
            st.sampled_from([b"\x5b", b"\x5b\x5b", b"\x60\x5b", b"\x61\x5b\x5b", b"\x50", b"\x60\x01\x01", b"\x00"]),
        ),
        max_size=12,
    ).map(b"".join),
    st.sampled_from([3000, 300, 29]),
)  # fmt: skip
@settings(deadline=None, max_examples=400)
def test_jumps_go_where_they_went(code: bytes, gas: int) -> None:
    """Into data, beyond the end, back and forth until the gas is used."""
    assert run(QuickState, code, gas) == run(BerlinState, code, gas)
