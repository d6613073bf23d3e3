"""Real blocks of Besu and geth, and sealed blocks made elsewhere, from the shared file of facts."""

import json
from pathlib import Path

import pytest
from trie import HexaryTrie

from ledger.errors import InputError
from ledger.proofs.commit_seals import block_hash, commit_seal_hash, finality, genesis_finality
from ledger.proofs.headers import parse_header
from ledger.proofs.receipts import Log, prove_receipt
from ledger.proofs.rlp import encode, from_int
from ledger.proofs.storage import prove_account, prove_slot
from ledger.proofs.trie import EMPTY_ROOT, ProofNodes

FILE = Path(__file__).resolve().parents[3] / ".." / "shared" / "facts" / "finality_examples.json"
VECTORS = {vector["id"]: vector for vector in json.loads(FILE.read_text("utf-8"))["vectors"]} if FILE.exists() else {}
pytestmark = pytest.mark.skipif(not VECTORS, reason="the shared file of facts lies beside the repository only")


def raw(text):
    return bytes.fromhex(text.removeprefix("0x"))


def of_kind(kind):
    return [name for name, vector in VECTORS.items() if vector["kind"] == kind]


@pytest.mark.parametrize("name", [name for name in of_kind("qbft") if VECTORS[name]["expected"]["valid"]])
def test_qbft_block_is_final(name):
    vector = VECTORS[name]
    expected = vector["expected"]
    header = parse_header(raw(vector["header_rlp"]))
    proved = finality(header, "qbft", [raw(text) for text in expected["validators"]])
    assert proved.block_hash == block_hash(header, "qbft") == raw(expected["block_hash"])
    assert commit_seal_hash(header, "qbft") == raw(expected["commit_seal_hash"])
    assert proved.sealers == tuple(raw(text) for text in expected["committers"])
    assert (proved.block, proved.quorum) == (expected["number"], expected["quorum_required"])
    assert proved.kind == ("bft" if len(expected["validators"]) >= 4 else "single")
    assert 15 + len(header.rest) == expected["fields"]
    assert header.hash != proved.block_hash


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("qbft_own_below_quorum", "COMMIT_SEAL_QUORUM"),
        ("qbft_own_duplicate_signer", "COMMIT_SEAL_REPEATED"),
        ("qbft_own_outsider_seal", "COMMIT_SEAL_NOT_MEMBER"),
    ],
)
def test_qbft_block_sealed_wrongly_is_refused(name, code):
    vector = VECTORS[name]
    with pytest.raises(InputError, match=code):
        finality(
            parse_header(raw(vector["header_rlp"])),
            "qbft",
            [raw(text) for text in vector["expected"]["validators"]],
        )


@pytest.mark.parametrize("name", of_kind("ibft2"))
def test_ibft2_block_is_not_taken_for_qbft(name):
    vector = VECTORS[name]
    with pytest.raises(InputError, match="COMMIT_SEAL_EXTRA"):
        finality(
            parse_header(raw(vector["header_rlp"])),
            "qbft",
            [raw(text) for text in vector["expected"]["validators"]],
        )


def test_qbft_genesis_is_named_by_its_hash():
    vector = VECTORS["qbft_own_genesis"] if VECTORS else {}
    genesis = parse_header(raw(vector["header_rlp"]))
    expected = raw(vector["expected"]["block_hash"])
    assert genesis_finality(genesis, expected, "qbft").block_hash == expected


@pytest.mark.parametrize("name", of_kind("clique"))
def test_clique_block_reads_as_embedded(name):
    checked = 0
    for item in VECTORS[name]["items"]:
        header, expected = parse_header(raw(item["header_rlp"])), item["expected"]
        assert block_hash(header, "embedded") == raw(expected["block_hash"])
        if expected["signer"] is None:
            genesis_finality(header, raw(expected["block_hash"]), "embedded")
            continue
        assert commit_seal_hash(header, "embedded") == raw(expected["seal_hash"])
        assert finality(header, "embedded", [raw(expected["signer"])]).sealers == (raw(expected["signer"]),)
        checked += 1
    assert checked


def test_headers_of_real_chains_hash_as_stated():
    for item in VECTORS["header_fork_forms"]["items"]:
        header = parse_header(raw(item["header_rlp"]))
        assert (header.hash, 15 + len(header.rest)) == (raw(item["expected_hash"]), item["fields"])


def test_py_evm_block_proves_its_receipts_and_storage():
    vector = VECTORS["pyevm_own_sealed_block"]
    header, expected = parse_header(raw(vector["header_rlp"])), vector["expected"]
    proved = finality(header, "embedded", [raw(expected["signer"])])
    assert proved.block_hash == raw(expected["block_hash"])
    event = vector["event"]
    for proof, topic in zip(vector["receipt_proofs"], event["topic1_by_tx"], strict=True):
        nodes = [raw(node) for node in proof["nodes"]]
        receipt = prove_receipt(header.receipts_root, proof["index"], nodes)
        assert receipt.logs == (Log(raw(event["address"]), (raw(event["topic0"]), raw(topic)), raw(topic)),)
    storage = vector["storage_proof"]
    nodes = ProofNodes([raw(node) for node in (*storage["account_proof"], *storage["slot_proof"])])
    account = prove_account(header.state_root, raw(storage["address"]), nodes)
    assert account.storage_root == raw(storage["account"]["storageHash"])
    assert account.code_hash == raw(storage["account"]["codeHash"])
    assert prove_slot(account.storage_root, raw(storage["slot"]), nodes) == int(storage["value"], 16)
    nodes.require_all_used()


def test_besu_account_proof():
    vector = VECTORS["eth_getProof_besu_account"]
    proof = vector["proof"]
    nodes = ProofNodes([raw(node) for node in proof["accountProof"]])
    account = prove_account(raw(vector["expected"]["stateRoot_implied"]), raw(proof["address"]), nodes)
    nodes.require_all_used()
    assert (account.nonce, account.balance) == (0, int(proof["balance"], 16))
    assert account.code_hash == raw(proof["codeHash"])
    assert account.storage_root == EMPTY_ROOT == raw(proof["storageHash"])


def test_real_receipts_stand_under_their_root():
    vector = VECTORS["receipts_geth_single_transfer"]
    trie = HexaryTrie({})
    for index, text in enumerate(vector["receipts_rlp"]):
        trie[encode(from_int(index))] = raw(text)
    assert trie.root_hash == raw(vector["expected"]["receiptsRoot"])
    receipt = prove_receipt(trie.root_hash, 0, [trie.db[trie.root_hash]])
    assert (receipt.status, receipt.cumulative_gas, receipt.logs) == (1, 21_000, ())
