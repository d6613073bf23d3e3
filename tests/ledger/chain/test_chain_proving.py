"""Proofs from a real engine, judged by the verifier's own code, and engines that forge them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from chain_kit import OFFICE, Between, Ledger, account, anchor_call, digest, found_ledger, status_call

from ledger.chain import proving
from ledger.chain.client import EngineChain
from ledger.chain.node import Block
from ledger.core.identifiers import organisation_bytes32
from ledger.core.registries import State
from ledger.errors import ConflictError, InputError, UnavailableError
from ledger.ports import Mined
from ledger.proofs import records_layout
from ledger.proofs.commit_seals import block_hash, finality
from ledger.proofs.events import decode_anchored
from ledger.proofs.headers import parse_header
from ledger.proofs.keccak import keccak
from ledger.proofs.receipts import prove_receipt
from ledger.proofs.rlp import decode_strict, encode
from ledger.proofs.storage import prove_account, prove_slot
from ledger.proofs.trie import ProofNodes

CALL = anchor_call("proved", size=7)
ENDED, UNTOUCHED = digest("ended"), digest("untouched")
ISSUER = organisation_bytes32(OFFICE)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    found = found_ledger(tmp_path_factory.mktemp("chain") / "chain.db")
    found.set_status(status_call(found, [ENDED]))
    yield found
    found.engine.close()


@pytest.fixture(scope="module")
def mined(ledger: Ledger) -> Mined:
    """The anchor among twenty transactions of one block, so that the trie has branches and extensions."""
    office = account(OFFICE)
    nonce = ledger.chain.chain_nonce(office.address)
    hashes = []
    for step in range(20):
        call = CALL if step == 17 else anchor_call(("beside", step))
        raw, hash_ = ledger.chain.sign_anchor(office, nonce + step, call)
        ledger.chain.send(raw)
        hashes.append(hash_)
    ledger.clock.sleep(2)
    found = [ledger.chain.mined(hash_) for hash_ in hashes]
    assert found[17] is not None and {each.block for each in found if each} == {found[17].block}
    return found[17]


def lying(ledger: Ledger, method: str, change: Callable[[Any], Any]) -> EngineChain:
    def bend(asked: str, params: Any, ask: Any) -> Any:
        return change(ask()) if asked == method else ask()

    return EngineChain(Between(ledger.engine, bend), ledger.identity, ledger.contracts)


def test_an_anchor_proof_stands_alone(ledger: Ledger, mined: Mined) -> None:
    anchor = ledger.chain.anchor_proof(mined, 2)
    header = parse_header(anchor.header)
    assert finality(header, "embedded", [ledger.engine.sealer]).block_hash == mined.block_hash
    receipt = prove_receipt(header.receipts_root, anchor.index, anchor.receipt)
    (log,) = receipt.logs
    event = decode_anchored(log)
    assert log.address == ledger.contracts.records
    assert (event.root, event.size, event.issuer) == (CALL.root, 7, ISSUER)
    assert parse_header(anchor.after).hash == ledger.chain.canonical(2)
    assert anchor.accreditation is None and anchor.index == mined.index


def test_every_receipt_of_the_block_can_be_proved(ledger: Ledger, mined: Mined) -> None:
    for index in range(20):
        anchor = ledger.chain.anchor_proof(replace(mined, index=index), 0)
        assert prove_receipt(parse_header(anchor.header).receipts_root, index, anchor.receipt).status == 1


def test_a_repeated_anchor_proves_nothing_and_says_so(ledger: Ledger, mined: Mined) -> None:
    repeated = ledger.anchor(CALL)
    with pytest.raises(ConflictError, match="CHAIN_NOT_ANCHORED_THERE"):
        ledger.chain.anchor_proof(repeated, 0)
    assert ledger.chain.anchored(OFFICE, CALL.root) == mined
    assert ledger.chain.anchored(OFFICE, digest("never")) is None


def test_a_reverted_transaction_has_nothing_to_prove(ledger: Ledger) -> None:
    office = account(OFFICE)
    nonce = ledger.chain.chain_nonce(office.address)
    failed = ledger.mine(*ledger.chain.sign_anchor(office, nonce, replace(CALL, size=8)))
    assert not failed.succeeded
    with pytest.raises(ConflictError, match="CHAIN_TRANSACTION_FAILED"):
        ledger.chain.anchor_proof(failed, 0)


def test_a_block_that_left_the_chain_is_not_proved(ledger: Ledger, mined: Mined) -> None:
    with pytest.raises(ConflictError, match="CHAIN_REORGANISED"):
        ledger.chain.anchor_proof(replace(mined, block_hash=bytes(32)), 0)


def test_headers_rebuilt_from_json_are_those_of_the_engine(ledger: Ledger, mined: Mined) -> None:
    def bend(method: str, params: Any, ask: Any) -> Any:
        if method == "debug_getRawHeader":
            raise InputError("ENGINE_METHOD_UNKNOWN", method=method)
        return ask()

    rebuilt = EngineChain(Between(ledger.engine, bend), ledger.identity, ledger.contracts)
    assert rebuilt.anchor_proof(mined, 1) == ledger.chain.anchor_proof(mined, 1)


def test_later_forks_headers_end_at_the_first_absent_field(ledger: Ledger) -> None:
    answer = ledger.engine.request("eth_getBlockByNumber", ["latest", False])
    cancun = {
        **answer, "baseFeePerGas": "0x0", "withdrawalsRoot": "0x" + "22" * 32, "blobGasUsed": "0x0",
        "excessBlobGas": "0x0", "parentBeaconBlockRoot": "0x" + "33" * 32,
    }  # fmt: skip
    header = parse_header(proving.rebuild_header(Block(0, bytes(32), 0, cancun)))
    assert len(header.rest) == 5 and header.extra_data == bytes.fromhex(answer["extraData"][2:])
    gap = {name: value for name, value in cancun.items() if name != "withdrawalsRoot"}
    assert len(parse_header(proving.rebuild_header(Block(0, bytes(32), 0, gap))).rest) == 1


def test_a_qbft_header_is_named_by_its_hash_without_seals(ledger: Ledger) -> None:
    """Besu's raw header holds the seals, its block hash does not."""
    validators = sorted(bytes([number]) * 20 for number in range(1, 5))
    extra = encode([bytes(32), list(validators), [], b"\1", [bytes([number]) * 65 for number in range(3)]])
    fields = decode_strict(bytes.fromhex(ledger.engine.request("debug_getRawHeader", ["0x1"])[2:]))
    assert isinstance(fields, list)
    raw = encode([*fields[:12], extra, *fields[13:]])
    name = block_hash(parse_header(raw), "qbft")

    class Besu:
        def request(self, method: str, params: Any = ()) -> Any:
            return "0x" + raw.hex()

    found = proving.fetch_header(proving.Node(Besu()), "qbft", Block(1, name, 0, {}))
    assert found.rlp == raw and found.hash != name
    with pytest.raises(UnavailableError, match="CHAIN_PROOF_WRONG"):
        proving.fetch_header(proving.Node(Besu()), "qbft", Block(1, found.hash, 0, {}))


# ---- state ----


def status_proof(
    chain: EngineChain, leaf: bytes, seconds: int | None = None, beside: tuple[tuple[str, bytes], ...] = ()
) -> tuple[bytes, list[bytes]]:
    """Header and trie nodes of a leaf's status in the batch that was proved."""
    header = chain.state_header(seconds)
    return header, chain.state_proof(header, OFFICE, leaf, CALL.root, beside)


def words_of(ledger: Ledger, header_rlp: bytes, nodes: list[bytes], leaf: bytes, root: bytes) -> list[int]:
    """As a verifier reads them: every node used, the code hash that of the trust file."""
    proof = ProofNodes(nodes)
    header = parse_header(header_rlp)
    found = prove_account(header.state_root, ledger.contracts.records, proof)
    assert found.code_hash == ledger.chain.records_code()
    slots = (
        records_layout.status_slot(ISSUER, leaf),
        records_layout.history_slot(ISSUER, leaf),
        records_layout.batch_slot(ISSUER, root),
        records_layout.RETIRED_SLOT,
    )
    words = [prove_slot(found.storage_root, slot, proof) for slot in slots]
    proof.require_all_used()
    assert nodes == sorted(set(nodes))
    return words


def test_a_status_proof_shows_state_history_and_batch(ledger: Ledger, mined: Mined) -> None:
    header, nodes = status_proof(ledger.chain, ENDED)
    status, history, batch, retired = words_of(ledger, header, nodes, ENDED, CALL.root)
    word = records_layout.unpack_status(status)
    assert (word.state, word.frozen, word.count) == (State.REVOKED, False, 1)
    step = records_layout.history_step(
        bytes(32), ISSUER, word.state, word.effective, word.recorded, word.reason,
        digest("statement", ENDED, State.REVOKED),
    )  # fmt: skip
    assert history.to_bytes(32, "big") == step
    assert records_layout.unpack_batch(batch).size == 7 and retired == 0


def test_a_leaf_never_touched_is_proved_active_by_exclusion(ledger: Ledger, mined: Mined) -> None:
    header, nodes = status_proof(ledger.chain, UNTOUCHED)
    status, history, batch, _ = words_of(ledger, header, nodes, UNTOUCHED, CALL.root)
    assert status == history == 0 and batch != 0


def test_the_batches_of_statements_are_proved_beside_the_state(ledger: Ledger, mined: Mined) -> None:
    """One that nobody anchored by a complete exclusion, which is a proof too; the record's own batch is proved once."""
    beside = ((OFFICE, CALL.root), (OFFICE, digest("nobody's")))
    header, nodes = status_proof(ledger.chain, ENDED, None, beside)
    proof = ProofNodes(nodes)
    found = prove_account(parse_header(header).state_root, ledger.contracts.records, proof)
    own, nobody = (records_layout.batch_slot(ISSUER, root) for _, root in beside)
    assert prove_slot(found.storage_root, own, proof) != 0
    assert prove_slot(found.storage_root, nobody, proof) == 0


def test_a_fresh_proof_seals_a_block_only_when_the_head_is_old(ledger: Ledger, mined: Mined) -> None:
    before, _ = ledger.chain.head()
    ledger.clock.sleep(60)
    status_proof(ledger.chain, ENDED)
    assert ledger.chain.head()[0] == before
    header, _ = status_proof(ledger.chain, ENDED, 5)
    assert parse_header(header).number == before.block + 1
    assert parse_header(header).timestamp == int(ledger.clock.now)
    status_proof(ledger.chain, ENDED, 5)
    assert ledger.chain.head()[0].block == before.block + 1


def test_a_network_node_is_not_asked_to_make_blocks(ledger: Ledger) -> None:
    asked = Between(ledger.engine, lambda method, params, ask: ask())
    chain = EngineChain(asked, ledger.identity, ledger.contracts, "qbft")
    with pytest.raises(UnavailableError, match="CHAIN_PROOF_WRONG"):  # no QBFT extraData here
        status_proof(chain, ENDED, 5)
    assert "zhengyin_makeBlock" not in asked.asked


# ---- lies ----


def flipped(text: str, at: int = -1) -> str:
    """The hex text with one digit changed."""
    place = at % len(text)
    return text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :]


def _other_status(receipts: Any) -> Any:
    return [{**each, "status": "0x1", "cumulativeGasUsed": "0x5"} for each in receipts]


def _one_missing(receipts: Any) -> Any:
    return receipts[:-1]


def _log_changed(receipts: Any) -> Any:
    first, *rest = receipts
    log = {**first["logs"][0], "data": flipped(first["logs"][0]["data"])}
    return [{**first, "logs": [log]}, *rest]


def _bloom_changed(receipts: Any) -> Any:
    return [{**each, "logsBloom": "0x" + "00" * 256} for each in receipts]


@pytest.mark.parametrize("lie", [_other_status, _one_missing, _log_changed, _bloom_changed])
def test_forged_receipts_never_reach_a_bundle(ledger: Ledger, mined: Mined, lie: Any) -> None:
    with pytest.raises(UnavailableError, match="CHAIN_PROOF_WRONG"):
        lying(ledger, "eth_getBlockReceipts", lie).anchor_proof(mined, 0)


@pytest.mark.parametrize("lie", [lambda a: None, lambda a: [], lambda a: [{}], lambda a: "0x", lambda a: a[0]])
def test_garbled_receipts_are_trouble_of_the_node(ledger: Ledger, mined: Mined, lie: Any) -> None:
    with pytest.raises(UnavailableError, match=r"CHAIN_PROOF_WRONG|CHAIN_ANSWER_GARBLED"):
        lying(ledger, "eth_getBlockReceipts", lie).anchor_proof(mined, 0)


@pytest.mark.parametrize("lie", [flipped, lambda a: "0x", lambda a: "0xc0", lambda a: flipped(a, 300)])
def test_forged_headers_never_reach_a_bundle(ledger: Ledger, mined: Mined, lie: Any) -> None:
    with pytest.raises(UnavailableError, match="CHAIN_PROOF_WRONG"):
        lying(ledger, "debug_getRawHeader", lie).anchor_proof(mined, 0)


def _account_only(answer: Any) -> Any:
    return {**answer, "storageProof": []}


def _node_flipped(answer: Any) -> Any:
    return {**answer, "accountProof": [flipped(node) for node in answer["accountProof"]]}


def _stuffed(answer: Any) -> Any:
    return {**answer, "accountProof": [*answer["accountProof"], "0x" + "c1" * 40]}


def _shortened(answer: Any) -> Any:
    return {
        **answer,
        "storageProof": [{**each, "proof": each["proof"][:-1]} for each in answer["storageProof"]],
    }


@pytest.mark.parametrize("lie", [_account_only, _node_flipped, _stuffed, _shortened])
def test_forged_state_never_reaches_a_bundle(ledger: Ledger, mined: Mined, lie: Any) -> None:
    with pytest.raises(UnavailableError, match="CHAIN_PROOF_WRONG"):
        status_proof(lying(ledger, "eth_getProof", lie), ENDED)


def test_state_of_an_account_with_other_code_is_not_used(ledger: Ledger) -> None:
    node, head = proving.Node(ledger.engine), proving.Node(ledger.engine).head()
    header = proving.fetch_header(node, "embedded", head)
    with pytest.raises(UnavailableError, match="CHAIN_PROOF_WRONG"):
        proving.state_proof(node, header, ledger.contracts.council, keccak(b""), [bytes(32)])


def test_an_index_beyond_the_block_is_not_proved(ledger: Ledger, mined: Mined) -> None:
    with pytest.raises(UnavailableError, match="CHAIN_PROOF_WRONG"):
        ledger.chain.anchor_proof(replace(mined, index=20), 0)
