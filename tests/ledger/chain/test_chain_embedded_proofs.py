"""What an offline verifier gets from the engine: account, slot and receipt proofs under sealed headers."""

from itertools import pairwise

import pytest
import rlp
from embedded_kit import KEYS, Kit, keccak, word
from trie import HexaryTrie

from ledger.proofs.commit_seals import finality
from ledger.proofs.headers import parse_header
from ledger.proofs.storage import prove_account, prove_slot
from ledger.proofs.trie import ProofNodes

EMPTY_ROOT = keccak(b"\x80")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    kit = Kit(tmp_path_factory.mktemp("proofs") / "chain.db")
    contract = kit.deploy(1)
    for round_ in range(3):
        for slot in range(20):
            digest = kit.put(contract, slot, slot * 1000 + round_, 7, key=KEYS[slot % 5])
        assert kit.receipt(digest)["status"] == "0x1"
    yield kit, contract
    kit.engine.close()


def header_field(kit, block, place):
    return rlp.decode(bytes.fromhex(kit.ask("debug_getRawHeader", block)[2:]))[place]


def proved(root, key, proof):
    nodes = [rlp.decode(bytes.fromhex(node[2:])) for node in proof]
    return HexaryTrie.get_from_proof(root, keccak(key), nodes)


@pytest.mark.parametrize("block", ["0x2", "0x3", "latest"])
def test_account_and_slots_are_proved_at_any_block(chain, block):
    kit, contract = chain
    slots = ["0x0", "0x1", "0x" + word(19).hex(), "0xffff"]
    answer = kit.ask("eth_getProof", "0x" + contract.hex(), slots, block)
    account = rlp.decode(proved(header_field(kit, block, 3), contract, answer["accountProof"]))
    assert [item.hex() for item in account[2:]] == [answer["storageHash"][2:], answer["codeHash"][2:]]
    code = bytes.fromhex(kit.ask("eth_getCode", "0x" + contract.hex(), block)[2:])
    assert keccak(code) == account[3]
    round_ = {"0x2": 0, "0x3": 1, "latest": 2}[block]
    for number, shown in zip((0, 1, 19, 0xFFFF), answer["storageProof"], strict=True):
        value = proved(account[2], word(number), shown["proof"])
        expected = 0 if number == 0xFFFF else number * 1000 + round_
        assert int(shown["value"], 16) == expected == (int.from_bytes(rlp.decode(value), "big") if value else 0)
        assert shown["key"] == "0x" + word(number).hex()


def test_the_offline_verifier_accepts_headers_seals_and_slots(chain):
    kit, contract = chain
    header = parse_header(bytes.fromhex(kit.ask("debug_getRawHeader", "latest")[2:]))
    found = finality(header, "embedded", [kit.engine.sealer])
    assert (found.kind, found.sealers) == ("single", (kit.engine.sealer,))
    assert "0x" + found.block_hash.hex() == kit.ask("eth_getBlockByNumber", "latest", False)["hash"]
    slots = [0, 7, 19, 0xFFFF]
    answer = kit.ask("eth_getProof", "0x" + contract.hex(), [hex(slot) for slot in slots], "latest")
    nodes = ProofNodes([bytes.fromhex(node[2:]) for node in answer["accountProof"]])
    account = prove_account(header.state_root, contract, nodes)
    nodes.require_all_used()
    for slot, shown in zip(slots, answer["storageProof"], strict=True):
        nodes = ProofNodes([bytes.fromhex(node[2:]) for node in shown["proof"]])
        assert prove_slot(account.storage_root, word(slot), nodes) == int(shown["value"], 16)
        nodes.require_all_used()


def test_every_proof_node_is_chained_by_hash(chain):
    kit, contract = chain
    answer = kit.ask("eth_getProof", "0x" + contract.hex(), ["0x3"], "latest")
    for root, proof in (
        (header_field(kit, "latest", 3), answer["accountProof"]),
        (bytes.fromhex(answer["storageHash"][2:]), answer["storageProof"][0]["proof"]),
    ):
        raw = [bytes.fromhex(node[2:]) for node in proof]
        assert keccak(raw[0]) == root
        for above, below in pairwise(raw):
            assert keccak(below) in above


def test_absent_accounts_and_empty_storage_are_proved_empty(chain):
    kit, _ = chain
    answer = kit.ask("eth_getProof", "0x" + "99" * 20, ["0x0"], "latest")
    assert proved(header_field(kit, "latest", 3), b"\x99" * 20, answer["accountProof"]) == b""
    assert answer["storageHash"] == "0x" + EMPTY_ROOT.hex() and answer["codeHash"] == "0x" + keccak(b"").hex()
    assert answer["storageProof"][0] == {"key": "0x" + word(0).hex(), "value": "0x0", "proof": []}
    assert kit.ask("eth_getProof", "0x" + "99" * 20, [], "earliest")["accountProof"] == []


def test_receipts_and_transactions_rebuild_the_roots_of_the_header(chain):
    kit, _ = chain
    receipts, transactions = HexaryTrie({}), HexaryTrie({})
    block = kit.ask("eth_getBlockByNumber", "latest", True)
    for place, shown in enumerate(kit.ask("eth_getBlockReceipts", "latest")):
        logs = [[bytes.fromhex(part[2:]) for part in (log["address"], log["data"])] for log in shown["logs"]]
        logs = [
            [address, [bytes.fromhex(topic[2:]) for topic in log["topics"]], data]
            for (address, data), log in zip(logs, shown["logs"], strict=True)
        ]
        receipts[rlp.encode(place)] = rlp.encode(
            [
                int(shown["status"], 16),
                int(shown["cumulativeGasUsed"], 16),
                bytes.fromhex(shown["logsBloom"][2:]),
                logs,
            ]
        )
    for place, shown in enumerate(block["transactions"]):
        numbers = [int(shown[name], 16) for name in ("nonce", "gasPrice", "gas", "value", "v", "r", "s")]
        content = bytes.fromhex(shown["to"][2:]), bytes.fromhex(shown["input"][2:])
        transactions[rlp.encode(place)] = rlp.encode([*numbers[:3], content[0], numbers[3], content[1], *numbers[4:]])
    assert receipts.root_hash.hex() == block["receiptsRoot"][2:]
    assert transactions.root_hash.hex() == block["transactionsRoot"][2:]
