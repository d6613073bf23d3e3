"""The batch tree: RFC 6962 vectors, every size against the recursive definition, every tampering refused."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.merkle import build_levels, inclusion_path, leaf_hash, root_from_path, root_of
from ledger.errors import InputError

EXAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "facts" / "standards_examples.json"


@pytest.fixture(scope="module")
def vectors() -> Any:
    if not EXAMPLES.exists():
        pytest.skip("the standards' examples are not beside this repository")
    return json.loads(EXAMPLES.read_text("utf-8"))["merkle_rfc6962"]


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(at.to_bytes(4, "big")) for at in range(size)]


def definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word by word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + definition(leaves[:split]) + definition(leaves[split:])).digest()


def refusal(leaf: bytes, index: int, size: int, path: list[bytes]) -> str:
    with pytest.raises(InputError) as caught:
        root_from_path(leaf, index, size, path)
    return caught.value.code


def test_published_roots_and_paths(vectors: Any) -> None:
    leaves = [leaf_hash(bytes.fromhex(item)) for item in vectors["leaves_hex"]]
    for size, root in enumerate(vectors["sha256"]["roots"], 1):
        assert root_of(build_levels(b"".join(leaves[:size]))).hex() == root
    for case in vectors["sha256"]["inclusion"]:
        size, index = case["tree_size"], case["leaf_index"]
        path = inclusion_path(build_levels(b"".join(leaves[:size])), index)
        assert [item.hex() for item in path] == case["proof"]
        assert root_from_path(leaves[index], index, size, path).hex() == vectors["sha256"]["roots"][size - 1]


def test_every_leaf_of_every_small_tree() -> None:
    for size in range(1, 40):
        leaves = leaves_of(size)
        levels = build_levels(b"".join(leaves))
        assert root_of(levels) == definition(leaves)
        for index, leaf in enumerate(leaves):
            assert root_from_path(leaf, index, size, inclusion_path(levels, index)) == root_of(levels)


def test_a_full_batch() -> None:
    leaves = leaves_of(65536)
    levels = build_levels(b"".join(leaves))
    assert len(levels) == 17
    assert root_from_path(leaves[65535], 65535, 65536, inclusion_path(levels, 65535)) == root_of(levels)


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 300), st.data())
def test_a_changed_hash_changes_the_root(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    levels = build_levels(b"".join(leaves))
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(levels, index)
    at = data.draw(st.integers(0, len(path) - 1))
    changed = [*path[:at], sha256(path[at]).digest(), *path[at + 1 :]]
    assert root_from_path(leaves[index], index, size, changed) != root_of(levels)


def test_a_longer_or_shorter_path_is_refused() -> None:
    leaves = leaves_of(11)
    levels = build_levels(b"".join(leaves))
    for index, leaf in enumerate(leaves):
        path = inclusion_path(levels, index)
        assert refusal(leaf, index, 11, path[:-1]) == "MERKLE_PATH_LENGTH"
        assert refusal(leaf, index, 11, [*path, bytes(32)]) == "MERKLE_PATH_LENGTH"


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    root = root_of(build_levels(left + right))
    assert leaf_hash(left + right) != root


def test_the_last_leaf_doubled_is_another_tree() -> None:
    three = leaves_of(3)
    assert root_of(build_levels(b"".join(three))) != root_of(build_levels(b"".join([*three, three[-1]])))


def test_empty_and_impossible_arguments_are_refused() -> None:
    assert refusal(bytes(32), 0, 0, []) == "MERKLE_EMPTY"
    assert refusal(bytes(32), 3, 3, []) == "MERKLE_INDEX"
    assert refusal(bytes(32), -1, 3, []) == "MERKLE_INDEX"
    assert refusal(bytes(31), 0, 1, []) == "MERKLE_HASH"
    assert refusal(bytes(32), 0, 2, [bytes(33)]) == "MERKLE_HASH"
    for leaves, code in ((b"", "MERKLE_EMPTY"), (bytes(33), "MERKLE_LEAVES")):
        with pytest.raises(InputError, match=code):
            build_levels(leaves)
    with pytest.raises(InputError, match="MERKLE_INDEX"):
        inclusion_path(build_levels(bytes(64)), 2)
    with pytest.raises(InputError, match="MERKLE_INDEX"):
        inclusion_path([], 0)
    for levels in ([], [bytes(64)]):
        with pytest.raises(InputError, match="MERKLE_EMPTY"):
            root_of(levels)
