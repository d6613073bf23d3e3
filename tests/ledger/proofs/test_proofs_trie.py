"""Trie proofs against py-trie: inclusion, exclusion, and everything an attacker may do to the nodes."""

import pytest
import rlp as oracle_rlp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from ledger.errors import InputError
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import encode
from ledger.proofs.trie import EMPTY_ROOT, ProofNodes

QUICK = settings(deadline=None, max_examples=80)
# Short keys share prefixes and make branches with values; short values make embedded nodes.
TRIES = st.dictionaries(st.binary(min_size=1, max_size=4), st.binary(min_size=1, max_size=40), min_size=1, max_size=25)
DENSE = st.dictionaries(
    st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11]), min_size=1, max_size=5).map(bytes),
    st.sampled_from([b"\x01", b"\x02", b"v" * 40]),
    min_size=1,
    max_size=30,
)


def build(content):
    trie = HexaryTrie({})
    for key, value in content.items():
        trie[key] = value
    return trie


def proof_of(trie, key):
    """What a node of the network would send: the nodes named by hash, in order."""
    nodes = [oracle_rlp.encode(node) for node in trie.get_proof(key)]
    nodes = [node for node in nodes if len(node) >= 32 or keccak(node) == trie.root_hash]
    return [node for node in nodes if node != b"\x80"]


def code(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return caught.value.code


@QUICK
@given(TRIES | DENSE, st.binary(min_size=1, max_size=5))
def test_inclusion_and_exclusion_agree_with_the_oracle(content, stranger):
    trie = build(content)
    for key in [*content, stranger]:
        proof = ProofNodes(proof_of(trie, key))
        assert proof.get(trie.root_hash, key) == content.get(key)
        proof.require_all_used()


@QUICK
@given(TRIES | DENSE, st.data())
def test_dropped_node_is_an_error_never_an_absence(content, data):
    trie = build(content)
    key = data.draw(st.sampled_from(sorted(content)) | st.binary(min_size=1, max_size=4))
    nodes = proof_of(trie, key)
    nodes[data.draw(st.integers(0, len(nodes) - 1))] = b"something else"
    assert code(ProofNodes(nodes).get, trie.root_hash, key) == "TRIE_NODE_MISSING"


@QUICK
@given(TRIES, st.data())
def test_flipped_bit_breaks_the_chain_of_hashes(content, data):
    trie = build(content)
    key = data.draw(st.sampled_from(sorted(content)))
    nodes = proof_of(trie, key)
    place = data.draw(st.integers(0, len(nodes) - 1))
    bit = data.draw(st.integers(0, len(nodes[place]) * 8 - 1))
    changed = bytearray(nodes[place])
    changed[bit // 8] ^= 1 << bit % 8
    nodes[place] = bytes(changed)
    assert code(ProofNodes(nodes).get, trie.root_hash, key) == "TRIE_NODE_MISSING"


@QUICK
@given(TRIES, st.binary(min_size=1, max_size=60))
def test_extra_node_is_slack_and_refused(content, extra):
    trie = build(content)
    key = min(content)
    nodes = proof_of(trie, key)
    assume(extra not in nodes)
    proof = ProofNodes([*nodes, extra])
    assert proof.get(trie.root_hash, key) == content[key]
    assert code(proof.require_all_used) == "TRIE_NODE_UNUSED"


@QUICK
@given(TRIES, TRIES)
def test_one_proof_serves_several_lookups_in_several_tries(first, second):
    tries = [build(first), build(second)]
    nodes = dict.fromkeys(node for trie in tries for key in [*first, *second] for node in proof_of(trie, key))
    proof = ProofNodes(list(nodes))
    for trie, content in zip(tries, (first, second), strict=True):
        for key in [*first, *second]:
            assert proof.get(trie.root_hash, key) == content.get(key)
    proof.require_all_used()


@QUICK
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=4))
def test_garbage_nodes_leak_only_our_error(nodes):
    assume(any(nodes))
    root = keccak(next(filter(None, nodes)))
    try:
        ProofNodes(nodes).get(root, b"key")
    except InputError as error:
        assert error.code.startswith(("TRIE_", "RLP_"))


def test_empty_trie_proves_absence_by_its_root():
    node = encode([b"\x20" + b"k" * 32, b"v"])
    proof = ProofNodes([node])
    assert EMPTY_ROOT.hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    assert proof.get(EMPTY_ROOT, b"key") is None
    assert code(proof.require_all_used) == "TRIE_NODE_UNUSED"


def test_empty_and_repeated_nodes_are_refused():
    assert code(ProofNodes, []) == "TRIE_PROOF_EMPTY"
    assert code(ProofNodes, [b"\xc0", b""]) == "TRIE_NODE_EMPTY"
    assert code(ProofNodes, [b"\xc0", b"\xc0"]) == "TRIE_NODE_REPEATED"


def test_node_that_is_not_rlp_is_refused():
    assert code(ProofNodes([b"\x81\x01"]).get, keccak(b"\x81\x01"), b"k") == "RLP_NOT_CANONICAL"


HASH = b"\xaa" * 32
BRANCH = [b""] * 17


@pytest.mark.parametrize(
    ("node", "fault"),
    [
        (b"string", "shape"),
        ([b"\x20"], "shape"),
        ([HASH] * 16, "shape"),
        ([[], b"v"], "path"),
        ([b"", b"v"], "path"),
        ([b"\x40", b"v"], "path"),  # flag above 3
        ([b"\x21", b"v"], "path"),  # an even leaf with a digit in the padding
        ([b"\x01", HASH], "path"),  # an even extension likewise
        ([b"\x20", b""], "value"),  # a leaf without value
        ([b"\x20", [b"v"]], "value"),
        ([b"\x00", HASH], "extension"),  # an extension by nothing
        ([b"\x16", b""], "extension"),  # to nothing
        ([b"\x16", [b"\x20", b"v"]], "extension"),  # to a leaf
        ([b"\x16", [b"\x16", HASH[:1]]], "reference"),
        ([b"\x16", HASH[:31]], "reference"),
        (BRANCH, "branch"),  # nothing below
        ([*BRANCH[:6], HASH, *BRANCH[7:]], "branch"),  # a single child
        ([*BRANCH[:6], HASH, *BRANCH[7:16], [b"v"]], "branch"),  # a list as value
        ([HASH[:5], *BRANCH[:15], b"v"], "reference"),
        ([[b"\x20", b"v" * 40], *BRANCH[:15], b"v"], "size"),  # embedded although 32 bytes or more
        ([[b"\x20"], *BRANCH[:15], b"v"], "shape"),
    ],
)
def test_node_of_no_canonical_form_is_refused(node, fault):
    data = encode(node)
    with pytest.raises(InputError) as caught:
        ProofNodes([data]).get(keccak(data), b"key")
    assert (caught.value.code, caught.value.values["fault"]) == ("TRIE_NODE_MALFORMED", fault)


def test_key_that_ends_in_a_branch_without_value_is_absent():
    trie = build({b"\x12\x34": b"a" * 40, b"\x12\x56": b"b" * 40})
    assert ProofNodes(proof_of(trie, b"\x12")).get(trie.root_hash, b"\x12") is None


def test_malformed_node_proves_no_absence_either():
    node = encode([b"\x16", [b"\x20", b"v"]])  # an extension to a leaf; the key leaves before it
    assert code(ProofNodes([node]).get, keccak(node), b"\x00") == "TRIE_NODE_MALFORMED"


def test_small_node_named_by_hash_is_refused():
    small = encode([b"\x3b", b"v"])
    parent = encode([*BRANCH[:6], keccak(small), *BRANCH[7:16], b"v"])
    with pytest.raises(InputError) as caught:
        ProofNodes([parent, small]).get(keccak(parent), b"\x6b")
    assert (caught.value.code, caught.value.values["fault"]) == ("TRIE_NODE_MALFORMED", "size")


def test_extension_to_a_leaf_named_by_hash_is_refused():
    below = encode([b"\x3b", b"v" * 40])
    root = encode([b"\x16", keccak(below)])
    with pytest.raises(InputError) as caught:
        ProofNodes([root, below]).get(keccak(root), b"\x6b")
    assert (caught.value.code, caught.value.values["fault"]) == ("TRIE_NODE_MALFORMED", "extension")
