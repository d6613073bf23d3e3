"""Proofs cut from an engine's answers, each verified by ``ledger.proofs`` before it is handed on.

A bundle is read decades later by someone with no node: what is wrong in it must be found now. An engine
that lies, or is confused, gives UnavailableError CHAIN_PROOF_WRONG, never a bad bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ledger.chain.node import Block, Node
from ledger.chain.rpc import data, parse_data, parse_quantity, quantity
from ledger.errors import ConflictError, InputError, UnavailableError
from ledger.proofs import commit_seals
from ledger.proofs.headers import Header, parse_header
from ledger.proofs.receipts import Receipt, prove_receipt
from ledger.proofs.rlp import Item, encode, from_int
from ledger.proofs.storage import prove_account, prove_slot
from ledger.proofs.trie import EMPTY_ROOT, ProofNodes

_HASHED = 32  # a trie node below this size stands inside its parent, never by itself
_FIELDS = (  # JSON names in the order of the header's RLP; numbers lose their zeros, the rest keep their size
    ("parentHash", False), ("sha3Uncles", False), ("miner", False), ("stateRoot", False),
    ("transactionsRoot", False), ("receiptsRoot", False), ("logsBloom", False), ("difficulty", True),
    ("number", True), ("gasLimit", True), ("gasUsed", True), ("timestamp", True), ("extraData", False),
    ("mixHash", False), ("nonce", False), ("baseFeePerGas", True), ("withdrawalsRoot", False),
    ("blobGasUsed", True), ("excessBlobGas", True), ("parentBeaconBlockRoot", False), ("requestsHash", False),
)  # fmt: skip
_ALWAYS = 15


@contextmanager
def _proved(part: str, block: int) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise _wrong(part, block, error.code) from error


def _wrong(part: str, block: int, reason: str) -> UnavailableError:
    return UnavailableError("CHAIN_PROOF_WRONG", part=part, block=block, reason=reason)


def fetch_header(node: Node, consensus: str, block: Block) -> Header:
    """The header whose hash, by the rules of ``consensus``, is that of ``block``."""
    header = _raw_header(node, block)
    with _proved("header", block.number):
        found = parse_header(header)
        if commit_seals.block_hash(found, consensus) != block.hash or found.number != block.number:
            raise _wrong("header", block.number, "hash")
    return found


def _raw_header(node: Node, block: Block) -> bytes:
    try:
        return node.ask("debug_getRawHeader", [quantity(block.number)], parse_data)
    except (InputError, ConflictError):  # the method is not enabled on every node
        return rebuild_header(block)


def rebuild_header(block: Block) -> bytes:
    """Header RLP from the JSON block; the forks' fields end at the first that is absent."""
    items: list[Item] = []
    with _proved("header", block.number):
        for place, (name, number) in enumerate(_FIELDS):
            value = block.fields.get(name)
            if value is None and place >= _ALWAYS:
                break
            items.append(from_int(parse_quantity(value)) if number else parse_data(value))
    return encode(items)


def receipt_proof(node: Node, header: Header, index: int) -> tuple[tuple[bytes, ...], Receipt]:
    """Trie nodes from the receipts root to the receipt at ``index``, in order of use, and that receipt.

    Raises:
        ConflictError: CHAIN_TRANSACTION_FAILED: there is nothing to prove of a reverted transaction.
    """
    answer = node.ask("eth_getBlockReceipts", [quantity(header.number)], _receipts)
    if not 0 <= index < len(answer):
        raise _wrong("receipt", header.number, "index")
    with _proved("receipt", header.number):
        root, nodes = _trie_proof(answer, index)
        if root != header.receipts_root:
            raise _wrong("receipt", header.number, "receiptsRoot")
        try:
            return nodes, prove_receipt(header.receipts_root, index, nodes)
        except InputError as error:
            if error.code == "RECEIPT_FAILED":
                raise ConflictError("CHAIN_TRANSACTION_FAILED", block=header.number, index=index) from error
            raise


def _trie_proof(receipts: Sequence[bytes], index: int) -> tuple[bytes, tuple[bytes, ...]]:
    from trie import HexaryTrie  # loads half a second of libraries: only where a proof is cut

    trie = HexaryTrie({})
    for place, receipt in enumerate(receipts):
        trie[encode(from_int(place))] = receipt
    path = [encode(each) for each in trie.get_proof(encode(from_int(index)))]
    return trie.root_hash, tuple(each for place, each in enumerate(path) if not place or len(each) >= _HASHED)


def _receipts(answer: Any) -> list[bytes]:
    ordered = sorted(answer, key=lambda each: parse_quantity(each["transactionIndex"]))
    return [_receipt(each) for each in ordered]


def _receipt(answer: Mapping[str, Any]) -> bytes:
    """A receipt as it lies in the trie (EIP-2718); what nodes add to it in JSON is left out."""
    logs: list[Item] = [_log(log) for log in answer["logs"]]
    body = encode(
        [
            from_int(parse_quantity(answer["status"])),
            from_int(parse_quantity(answer["cumulativeGasUsed"])),
            parse_data(answer["logsBloom"], 256),
            logs,
        ]
    )
    kind = parse_quantity(answer.get("type") or "0x0")
    return bytes([kind]) + body if kind else body


def _log(answer: Mapping[str, Any]) -> Item:
    topics: list[Item] = [parse_data(topic, 32) for topic in answer["topics"]]
    return [parse_data(answer["address"], 20), topics, parse_data(answer["data"])]


def state_proof(
    node: Node, header: Header, address: bytes, code_hash: bytes, slots: Sequence[bytes]
) -> tuple[list[bytes], list[int]]:
    """(trie nodes of the account and of every slot, each once, ascending; the slots' words).

    The account must have ``code_hash``: the layout of the slots belongs to that code.
    """
    nodes = sorted(set().union(*_ask_paths(node, header, address, slots)))
    with _proved("state", header.number):
        proof = ProofNodes(nodes)
        account = prove_account(header.state_root, address, proof)
        if account.code_hash != code_hash:
            raise _wrong("state", header.number, "codeHash")
        words = [prove_slot(account.storage_root, slot, proof) for slot in slots]
        proof.require_all_used()
    return nodes, words


def slot_proofs(
    node: Node, header: Header, address: bytes, code_hash: bytes, slots: Sequence[bytes]
) -> tuple[bytes, set[bytes], dict[bytes, set[bytes]]]:
    """(storage root, trie nodes of the account, trie nodes of each slot by itself), as `state_proof` asks and verifies:
    what was proved of a slot holds for as long as the storage root is this one."""
    account_nodes, *paths = _ask_paths(node, header, address, slots)
    with _proved("state", header.number):
        account = prove_account(header.state_root, address, ProofNodes(sorted(account_nodes)))
        if account.code_hash != code_hash:
            raise _wrong("state", header.number, "codeHash")
        if len(paths) != len(slots):
            raise _wrong("state", header.number, "storageProof")
        for slot, path in zip(slots, paths, strict=True):
            if path:  # of an empty storage nothing is sent
                prove_slot(account.storage_root, slot, ProofNodes(sorted(path)))
            elif account.storage_root != EMPTY_ROOT:
                raise _wrong("state", header.number, "storageProof")
    return account.storage_root, account_nodes, dict(zip(slots, paths, strict=True))


def _ask_paths(node: Node, header: Header, address: bytes, slots: Sequence[bytes]) -> list[set[bytes]]:
    """Trie nodes of the account, then of each slot."""
    names = [data(slot) for slot in slots]

    def paths(answer: Any) -> list[set[bytes]]:
        found = [answer["accountProof"], *(slot["proof"] for slot in answer["storageProof"])]
        return [{n for n in map(parse_data, path) if len(n) >= _HASHED} for path in found]

    return node.ask("eth_getProof", [data(address), names, quantity(header.number)], paths)
