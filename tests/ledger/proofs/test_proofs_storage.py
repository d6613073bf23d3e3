"""Accounts and slots proved against secure tries; the Records layout against ABI encodings made elsewhere."""

import pytest
import rlp as oracle_rlp
from eth.rlp.accounts import Account as OracleAccount
from eth_abi import encode as abi_encode
from eth_abi.packed import encode_packed
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from ledger.errors import InputError
from ledger.proofs import records_layout as layout
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import encode
from ledger.proofs.storage import Account, mapping_slot, offset_slot, prove_account, prove_slot
from ledger.proofs.trie import EMPTY_ROOT, ProofNodes

QUICK = settings(deadline=None, max_examples=60)
WORDS = st.binary(min_size=32, max_size=32)
RECORDS, CODE = b"\xaa" * 20, b"\xcc" * 32
ISSUER, LEAF = b"91440101MA5XXXXX0A".ljust(32, b"\0"), b"\x1e" * 32


def secure_trie(content):
    trie = HexaryTrie({})
    for key, value in content.items():
        trie[keccak(key)] = value
    return trie


def proof_of(trie, key):
    nodes = [oracle_rlp.encode(node) for node in trie.get_proof(keccak(key))]
    return [node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32]


def code(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return caught.value.code


@QUICK
@given(st.dictionaries(WORDS, st.integers(1, 2**256 - 1), min_size=1, max_size=20), WORDS)
def test_state_of_a_contract_is_proved_from_root_to_slot(slots, unset):
    storage = secure_trie({slot: oracle_rlp.encode(value) for slot, value in slots.items()})
    account = OracleAccount(nonce=1, balance=7, storage_root=storage.root_hash, code_hash=CODE)
    state = secure_trie({RECORDS: oracle_rlp.encode(account), b"\xbb" * 20: b"another"})
    asked = [*list(slots)[:3], unset]
    nodes = dict.fromkeys([*proof_of(state, RECORDS), *(node for slot in asked for node in proof_of(storage, slot))])
    proof = ProofNodes(list(nodes))
    proved = prove_account(state.root_hash, RECORDS, proof)
    assert proved == Account(1, 7, storage.root_hash, CODE)
    for slot in asked:
        assert prove_slot(proved.storage_root, slot, proof) == slots.get(slot, 0)
    proof.require_all_used()


def test_slot_whose_proof_is_cut_is_not_zero():
    storage = secure_trie({bytes([number]) * 32: b"\1" for number in range(40)})
    nodes = proof_of(storage, b"\xfe" * 32)
    assert len(nodes) > 1
    assert prove_slot(storage.root_hash, b"\xfe" * 32, ProofNodes(nodes)) == 0
    assert code(prove_slot, storage.root_hash, b"\xfe" * 32, ProofNodes(nodes[:-1])) == "TRIE_NODE_MISSING"


def test_empty_storage_proves_every_slot_zero():
    assert prove_slot(EMPTY_ROOT, LEAF, ProofNodes([b"\xc0"])) == 0


def test_absent_account_is_an_error():
    state = secure_trie({RECORDS: b"account"})
    absent = b"\xbb" * 20
    assert code(prove_account, state.root_hash, absent, ProofNodes(proof_of(state, absent))) == "STORAGE_ACCOUNT_ABSENT"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"account", "STORAGE_ACCOUNT_MALFORMED"),
        ([b"", b"", EMPTY_ROOT], "STORAGE_ACCOUNT_MALFORMED"),
        ([b"\1" * 9, b"", EMPTY_ROOT, CODE], "STORAGE_ACCOUNT_MALFORMED"),
        ([b"", b"\1" * 33, EMPTY_ROOT, CODE], "STORAGE_ACCOUNT_MALFORMED"),
        ([b"", b"", EMPTY_ROOT[1:], CODE], "STORAGE_ACCOUNT_MALFORMED"),
        ([b"", b"", EMPTY_ROOT, CODE[1:]], "STORAGE_ACCOUNT_MALFORMED"),
        ([[], b"", EMPTY_ROOT, CODE], "STORAGE_ACCOUNT_MALFORMED"),
        ([b"\0", b"", EMPTY_ROOT, CODE], "RLP_INTEGER"),
    ],
)
def test_account_of_another_form_is_refused(fields, expected):
    state = secure_trie({RECORDS: encode(fields)})
    assert code(prove_account, state.root_hash, RECORDS, ProofNodes(proof_of(state, RECORDS))) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", "STORAGE_VALUE_MALFORMED"),  # zero is never stored
        ([], "STORAGE_VALUE_MALFORMED"),
        (b"\1" * 33, "STORAGE_VALUE_MALFORMED"),
        (b"\0\1", "RLP_INTEGER"),
    ],
)
def test_slot_value_of_another_form_is_refused(value, expected):
    storage = secure_trie({LEAF: encode(value)})
    assert code(prove_slot, storage.root_hash, LEAF, ProofNodes(proof_of(storage, LEAF))) == expected


def test_keys_of_another_length_are_refused():
    nodes = ProofNodes([b"\xc0"])
    for call in (
        lambda: prove_account(EMPTY_ROOT, LEAF, nodes),
        lambda: prove_slot(EMPTY_ROOT, RECORDS, nodes),
        lambda: mapping_slot(RECORDS, LEAF),
        lambda: mapping_slot(LEAF, RECORDS),
        lambda: offset_slot(RECORDS, 1),
        lambda: layout.status_slot(ISSUER[:18], LEAF),
    ):
        assert code(call) == "STORAGE_KEY_LENGTH"


# ---- layout


def nested(slot, *keys):
    place = slot.to_bytes(32, "big")
    for key in keys:
        place = keccak(abi_encode(["bytes32", "bytes32"], [key, place]))
    return place


def test_slots_follow_solidity():
    assert layout.batch_slot(ISSUER, LEAF) == nested(0, ISSUER, LEAF)
    assert layout.status_slot(ISSUER, LEAF) == nested(1, ISSUER, LEAF)
    assert layout.sequence_slot(ISSUER) == nested(2, ISSUER)
    assert (3).to_bytes(32, "big") == layout.RETIRED_SLOT
    after = int.from_bytes(nested(0, ISSUER, LEAF), "big") + 1
    assert layout.tuple_slot(ISSUER, LEAF) == after.to_bytes(32, "big")
    after = int.from_bytes(nested(1, ISSUER, LEAF), "big") + 1
    assert layout.history_slot(ISSUER, LEAF) == after.to_bytes(32, "big")


def test_offset_wraps_as_the_machine_does():
    assert offset_slot(b"\xff" * 32, 1) == bytes(32)


@QUICK
@given(
    st.tuples(
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**40 - 1),
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**8 - 1),
        st.integers(0, 2**32 - 1),
        st.booleans(),
    )
)
def test_batch_word_is_packed_from_the_low_end(values):
    word = encode_packed(["bool", "uint32", "uint8", "uint16", "uint40", "uint64"], values[::-1])
    assert layout.unpack_batch(int.from_bytes(word, "big")) == layout.BatchWord(*values)


@QUICK
@given(
    st.tuples(
        st.integers(0, 2**8 - 1),
        st.booleans(),
        st.integers(0, 2**40 - 1),
        st.integers(0, 2**40 - 1),
        st.integers(0, 2**8 - 1),
        st.integers(0, 2**32 - 1),
    )
)
def test_status_word_is_packed_from_the_low_end(values):
    word = encode_packed(["uint32", "uint8", "uint40", "uint40", "bool", "uint8"], values[::-1])
    assert layout.unpack_status(int.from_bytes(word, "big")) == layout.StatusWord(*values)


def test_never_written_words_unpack_to_nothing():
    assert layout.unpack_status(0) == layout.StatusWord(0, False, 0, 0, 0, 0)
    assert layout.unpack_batch(0) == layout.BatchWord(0, 0, 0, 0, 0, False)


@pytest.mark.parametrize(
    ("unpack", "word", "member"),
    [
        (layout.unpack_batch, 1 << 168, "unused"),
        (layout.unpack_batch, 1 << 255, "unused"),
        (layout.unpack_batch, 2 << 160, "disowned"),
        (layout.unpack_status, 1 << 136, "unused"),
        (layout.unpack_status, 2 << 8, "frozen"),
    ],
)
def test_word_of_another_contract_is_refused(unpack, word, member):
    with pytest.raises(InputError) as caught:
        unpack(word)
    assert (caught.value.code, caught.value.values["member"]) == ("STORAGE_WORD_LAYOUT", member)


@QUICK
@given(WORDS, WORDS, st.integers(0, 255), st.integers(0, 2**40 - 1), st.integers(0, 2**40 - 1), WORDS)
def test_history_step_is_the_abi_encoding(previous, actor, state, effective, recorded, statement):
    values = [previous, actor, state, effective, recorded, 255 - state, statement]
    types = ["bytes32", "bytes32", "uint8", "uint40", "uint40", "uint8", "bytes32"]
    assert layout.history_step(*values) == keccak(abi_encode(types, values))


@pytest.mark.parametrize("place", range(7))
def test_history_step_refuses_what_does_not_fit(place):
    good = [LEAF, ISSUER, 1, 2, 3, 4, LEAF]
    layout.history_step(*good)
    for bad in (b"short",) if isinstance(good[place], bytes) else (-1, 1 << 40):
        values = [*good[:place], bad, *good[place + 1 :]]
        assert code(layout.history_step, *values) == "STORAGE_WORD_LAYOUT"
