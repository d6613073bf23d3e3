"""The embedded chain's storage tries against the package ``trie``: the same roots, and exactly the nodes they need."""

from __future__ import annotations

from typing import Any

import pytest
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.berlin.state import BerlinState
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from ledger.chain.embedded.hashing import EMPTY_ROOT
from ledger.chain.embedded.opcodes import QuickState
from ledger.chain.embedded.tries import StorageTrie
from ledger.errors import IntegrityError
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import decode_strict

# Long common paths, branches that fill and shrink, nodes inside their parents: real keys, which are hashes, have few.
DIGITS = st.sampled_from([0x00, 0x01, 0x0F, 0x10, 0x11, 0x1F, 0xF0, 0xFF])
CLOSE = st.builds(
    lambda at, one, last: bytes(at) + bytes([one]) + bytes(30 - at) + bytes([last]), st.integers(0, 30), DIGITS, DIGITS
)  # fmt: skip
SPREAD = st.integers(0, 60).map(lambda number: keccak(bytes([number])))
VALUES = st.one_of(st.just(b""), st.binary(min_size=1, max_size=3), st.binary(min_size=33, max_size=40))
BLOCKS = st.lists(st.dictionaries(CLOSE | SPREAD, VALUES, max_size=30), min_size=1, max_size=5)


def reachable(nodes: dict[bytes, bytes], root: bytes) -> dict[bytes, bytes]:
    """Every node of the trie; a missing one is a KeyError."""
    found: dict[bytes, bytes] = {}
    open_: list[Any] = [] if root == EMPTY_ROOT else [root]
    while open_:
        reference = open_.pop()
        if isinstance(reference, bytes):
            found[reference] = nodes[reference]
        item: Any = reference if isinstance(reference, list) else decode_strict(nodes[reference])
        below = item[:16] if len(item) == 17 else [item[1]] if item[0][0] < 0x20 else []
        open_ += [child for child in below if child]
    return found


@given(BLOCKS)
@example([{bytes(32): b"1", bytes(31) + b"\x01": b"2", b"\xff" * 32: b"3"}, {bytes(32): b"", b"\xff" * 32: b""}])
@settings(deadline=None, max_examples=150)
def test_roots_and_nodes_are_those_of_the_package(blocks: list[dict[bytes, bytes]]) -> None:
    nodes: dict[bytes, bytes] = {}
    root, values = EMPTY_ROOT, dict[bytes, bytes]()
    expected = HexaryTrie({}, EMPTY_ROOT, prune=True)
    for block in blocks:
        trie = StorageTrie(nodes, root)
        for key, value in block.items():
            trie[key] = value
            assert trie[key] == value
            if value:
                expected[key] = values[key] = value
            elif key in values:
                del expected[key], values[key]
        before, root, fresh = dict(nodes), trie.root_hash, dict[bytes, bytes]()
        trie.commit_to(fresh)
        nodes |= fresh
        assert root == expected.root_hash
        assert reachable(nodes, root) == reachable(expected.db, root)
        assert fresh.keys() <= reachable(nodes, root).keys()  # nothing for nothing
        assert all(nodes[key] == value for key, value in before.items())
        read = StorageTrie(nodes, root)
        for key in {*values, *block, keccak(b"never"), bytes(32)}:
            assert read[key] == values.get(key, b"") and (key in read) == (key in values)


def test_a_trie_of_thousands() -> None:
    trie, expected = StorageTrie({}, EMPTY_ROOT), HexaryTrie({}, EMPTY_ROOT)
    with expected.squash_changes() as changes:
        for number in range(3000):
            key, value = keccak(number.to_bytes(2, "big")), number.to_bytes(2, "big")
            trie[key] = changes[key] = value
    assert trie.root_hash == expected.root_hash


def test_roots_asked_for_between_changes_are_right() -> None:
    trie, expected = StorageTrie({}, EMPTY_ROOT), HexaryTrie({}, EMPTY_ROOT)
    for number in range(60):
        key = keccak(bytes([number % 40]))
        trie[key] = expected[key] = bytes([number + 1]) * 33
        assert trie.root_hash == expected.root_hash and trie[key] == expected[key]
    for number in range(40):
        key = keccak(bytes([number]))
        del trie[key], expected[key]
        assert trie.root_hash == expected.root_hash
    assert trie.root_hash == EMPTY_ROOT


@pytest.mark.parametrize("damage", [None, b"", b"\xc0", b"\x80", b"\xc2\x80\x80", b"\xc2\x40\x01", bytes(40)])
def test_a_node_missing_or_none_is_damage_and_never_an_empty_slot(damage: bytes | None) -> None:
    nodes: dict[bytes, bytes] = {}
    trie = StorageTrie(nodes, EMPTY_ROOT)
    for number in range(40):
        trie[keccak(bytes([number]))] = b"x" * 33
    root = trie.root_hash
    trie.commit_to(nodes)
    for name in [name for name in nodes if name != root]:
        broken = nodes | ({} if damage is None else {name: damage})
        if damage is None:
            del broken[name]
        with pytest.raises(IntegrityError, match="ENGINE_STATE_DAMAGED"):
            for number in range(40):
                StorageTrie(broken, root)[keccak(bytes([number]))]
        again = StorageTrie(broken, root)
        for number in range(40):
            again[keccak(bytes([number]))] = b"y"
        with pytest.raises(IntegrityError, match="ENGINE_STATE_DAMAGED"):
            _ = again.root_hash


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 1), st.integers(0, 12), st.integers(0, 2)),
        st.tuples(st.sampled_from(["wipe", "drop", "create"]), st.integers(0, 1), st.just(0), st.just(0)),
        st.tuples(st.sampled_from(["record", "discard", "commit", "lock", "root", "persist"]), *[st.just(0)] * 3),
    ),
    max_size=40,
)


def walked(state_class: Any, steps: list[tuple[str, int, int, int]]) -> list[Any]:
    """What py-evm's state answers while ``steps`` are done with it."""
    context = ExecutionContext(
        coinbase=bytes(20), timestamp=1, block_number=1, difficulty=1, mix_hash=bytes(32), gas_limit=10**7,
        prev_hashes=(), chain_id=1,
    )  # fmt: skip
    state = state_class(AtomicDB(), context, EMPTY_ROOT)
    found: list[Any] = []
    checkpoints: list[Any] = []
    for step, account, slot, value in steps:
        address = bytes([account + 1]) * 20
        if step == "set":
            state.set_storage(address, slot, value)
        elif step == "wipe":
            state.delete_storage(address)
        elif step == "drop":
            state.delete_account(address)
        elif step == "create":
            state.set_nonce(address, 1)
        elif step == "record":
            checkpoints.append(state.snapshot())
        elif step in ("discard", "commit"):
            if checkpoints:
                (state.revert if step == "discard" else state.commit)(checkpoints.pop())
        elif not checkpoints:
            if step == "lock":
                state.lock_changes()
            else:
                state.make_state_root() if step == "root" else state.persist()
            found.append(state.state_root)
        found.append([state.get_storage(bytes([a + 1]) * 20, s) for a in (0, 1) for s in range(13)])
    return found


def outcome(state_class: Any, steps: list[tuple[str, int, int, int]]) -> Any:
    try:
        return walked(state_class, steps)
    except Exception as error:
        return type(error)


@given(STEPS)
@settings(deadline=None, max_examples=200)
def test_accounts_behave_as_before(steps: list[tuple[str, int, int, int]]) -> None:
    """Also where accounts are wiped and that is taken back, which our contracts never do."""
    assert outcome(QuickState, steps) == outcome(BerlinState, steps)
