"""Receipts proved against tries that py-evm builds from its own receipts."""

import pytest
import rlp as oracle_rlp
from eth.db.trie import make_trie_root_and_nodes
from eth.rlp.logs import Log as OracleLog
from eth.rlp.receipts import Receipt as OracleReceipt
from eth.vm.forks.berlin.receipts import TypedReceipt
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from ledger.errors import InputError
from ledger.proofs.receipts import Log, Receipt, parse_receipt, prove_receipt
from ledger.proofs.rlp import decode_strict, encode
from ledger.proofs.trie import EMPTY_ROOT

ADDRESS, TOPIC = b"\xaa" * 20, b"\xbb" * 32


def oracle_receipt(number, status=b"\x01", kind=0):
    log = OracleLog(ADDRESS, [int.from_bytes(TOPIC, "big")] * (number % 5), b"data" * number)
    receipt = OracleReceipt(state_root=status, gas_used=21_000 * (number + 1), bloom=0, logs=[log] * (number % 3))
    return TypedReceipt(kind, receipt) if kind else receipt


def expected(number):
    log = Log(ADDRESS, (TOPIC,) * (number % 5), b"data" * number)
    return Receipt(1, 21_000 * (number + 1), (log,) * (number % 3))


def block(receipts):
    root, nodes = make_trie_root_and_nodes(tuple(receipts))
    return root, HexaryTrie(dict(nodes), root)


def nodes_of(trie, index):
    nodes = [oracle_rlp.encode(node) for node in trie.get_proof(oracle_rlp.encode(index))]
    return [node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32]


def code(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return caught.value.code


@pytest.mark.parametrize("size", [1, 2, 3, 16, 17, 127, 128, 129, 300])
def test_every_receipt_of_a_block_is_proved(size):
    root, trie = block(oracle_receipt(number, kind=number % 2) for number in range(size))
    for index in {0, 1, size // 2, 126, 127, 128, size - 1} & set(range(size)):
        assert prove_receipt(root, index, nodes_of(trie, index)) == expected(index)


@pytest.mark.parametrize("size", [1, 2, 17, 128])
def test_receipt_past_the_end_is_absent_and_absence_is_failure(size):
    root, trie = block(oracle_receipt(number) for number in range(size))
    assert code(prove_receipt, root, size, nodes_of(trie, size)) == "RECEIPT_ABSENT"


def test_proof_of_another_index_is_not_taken():
    root, trie = block(oracle_receipt(number) for number in range(20))
    assert code(prove_receipt, root, 3, nodes_of(trie, 17)) in ("TRIE_NODE_MISSING", "RECEIPT_ABSENT")


def test_slack_missing_and_no_nodes_are_refused():
    root, trie = block(oracle_receipt(number) for number in range(20))
    nodes = nodes_of(trie, 3)
    assert code(prove_receipt, root, 3, [*nodes, nodes_of(trie, 17)[-1]]) == "TRIE_NODE_UNUSED"
    assert code(prove_receipt, root, 3, nodes[:-1]) == "TRIE_NODE_MISSING"
    assert code(prove_receipt, root, 3, []) == "TRIE_PROOF_EMPTY"
    assert code(prove_receipt, EMPTY_ROOT, 3, nodes) == "TRIE_NODE_UNUSED"


def test_negative_index_is_refused():
    assert code(prove_receipt, EMPTY_ROOT, -1, [b"\xc0"]) == "RECEIPT_INDEX"


def test_reverted_transaction_proves_nothing():
    root, trie = block([oracle_receipt(1, status=b"")])
    assert code(prove_receipt, root, 0, nodes_of(trie, 0)) == "RECEIPT_FAILED"


GOOD = decode_strict(oracle_rlp.encode(oracle_receipt(4)))
LOG = GOOD[3][0]


@pytest.mark.parametrize(
    ("item", "part"),
    [
        (b"string", "items"),
        (GOOD[:3], "items"),
        ([b"\0", *GOOD[1:]], "status"),
        ([b"\2", *GOOD[1:]], "status"),
        ([b"\xcc" * 32, *GOOD[1:]], "status"),  # before Byzantium: a state root, no status
        ([[], *GOOD[1:]], "status"),
        ([GOOD[0], [], *GOOD[2:]], "gas"),
        ([GOOD[0], b"\1" * 9, *GOOD[2:]], "gas"),
        ([*GOOD[:2], GOOD[2][1:], GOOD[3]], "bloom"),
        ([*GOOD[:3], b""], "logs"),
        ([*GOOD[:3], [b"log"]], "log"),
        ([*GOOD[:3], [LOG[:2]]], "log"),
        ([*GOOD[:3], [[ADDRESS[1:], *LOG[1:]]]], "log"),
        ([*GOOD[:3], [[*LOG[:2], []]]], "log"),
        ([*GOOD[:3], [[ADDRESS, b"", b""]]], "topics"),
        ([*GOOD[:3], [[ADDRESS, [TOPIC] * 5, b""]]], "topics"),
        ([*GOOD[:3], [[ADDRESS, [TOPIC[1:]], b""]]], "topics"),
        ([*GOOD[:3], [[ADDRESS, [[b""] * 32], b""]]], "topics"),
    ],
)
def test_receipt_of_another_form_is_refused(item, part):
    data = encode(item)
    with pytest.raises(InputError) as caught:
        parse_receipt(data)
    assert (caught.value.code, caught.value.values["part"]) == ("RECEIPT_MALFORMED", part)


def test_receipt_of_bare_type_or_nothing_is_refused():
    assert code(parse_receipt, b"") == "RECEIPT_MALFORMED"
    assert code(parse_receipt, b"\x02") == "RLP_EMPTY"
    assert code(parse_receipt, b"\0" + encode(GOOD)) == "RLP_TRAILING"  # type 0 is written without a byte
    assert code(parse_receipt, b"\2" + encode(GOOD) + b"\0") == "RLP_TRAILING"
    assert code(parse_receipt, encode([GOOD[0], b"\0\1", *GOOD[2:]])) == "RLP_INTEGER"


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 19), st.data())
def test_no_flipped_bit_of_a_receipt_proof_passes(index, data):
    root, trie = block(oracle_receipt(number) for number in range(20))
    nodes = nodes_of(trie, index)
    place = data.draw(st.integers(0, len(nodes) - 1))
    bit = data.draw(st.integers(0, len(nodes[place]) * 8 - 1))
    changed = bytearray(nodes[place])
    changed[bit // 8] ^= 1 << bit % 8
    nodes[place] = bytes(changed)
    assert code(prove_receipt, root, index, nodes) == "TRIE_NODE_MISSING"
