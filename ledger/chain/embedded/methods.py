"""The JSON-RPC methods that read: one small method each, in a table by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ledger.chain.embedded import vm
from ledger.chain.embedded.chain import Chain
from ledger.chain.embedded.headers import Header
from ledger.chain.embedded.logs import find_logs
from ledger.chain.embedded.parameters import log_filter, parse_call, parse_filter, parse_slot, take
from ledger.chain.embedded.pending import next_nonce
from ledger.chain.embedded.receipts import read_receipt
from ledger.chain.embedded.state_proofs import prove
from ledger.chain.embedded.transactions import Transaction, parse_transaction
from ledger.chain.embedded.views import show_block, show_log, show_proof, show_receipt, show_transaction
from ledger.chain.rpc import data, parse_block, parse_data, quantity
from ledger.errors import InputError, IntegrityError

_RECEIPT = "SELECT block, position, status, gas_used, cumulative, raw, hash FROM tx"


class Reader:
    """Answers from one snapshot of the chain; what is not there is None, as nodes answer."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._store = chain.store

    # blocks

    def block_number(self, params: Sequence[Any]) -> str:
        take(params, 0, 0)
        return quantity(self._store.head_number())

    def block(self, params: Sequence[Any]) -> dict[str, Any] | None:
        wanted, full = take(params, 1, 2)
        header = self._find(wanted)
        return None if header is None else self._block(header, bool(full))

    def block_by_hash(self, params: Sequence[Any]) -> dict[str, Any] | None:
        digest, full = take(params, 1, 2)
        header = self._find({"blockHash": digest})
        return None if header is None else self._block(header, bool(full))

    def raw_header(self, params: Sequence[Any]) -> str:
        (wanted,) = take(params, 1, 1)
        return data(self._at(wanted).encode())

    def block_receipts(self, params: Sequence[Any]) -> list[dict[str, Any]] | None:
        (wanted,) = take(params, 1, 1)
        header = self._find(wanted)
        if header is None:
            return None
        rows = self._store.all(f"{_RECEIPT} WHERE block = ? ORDER BY position", (header.number,))
        return [self._receipt(row, header.hash) for row in rows]

    # transactions

    def transaction(self, params: Sequence[Any]) -> dict[str, Any] | None:
        (digest,) = take(params, 1, 1)
        key = parse_data(digest, 32, "hash")
        row = self._store.one("SELECT raw, block, position FROM tx WHERE hash = ?", key)
        if row is not None:
            transaction = self._parse(row[0], key, row[1])
            return self._show(transaction, (self._chain.header(row[1]).hash, row[1], row[2]))
        waiting = self._store.one("SELECT raw FROM pending WHERE hash = ?", key)
        return self._show(parse_transaction(waiting[0], self._chain.chain_id), None) if waiting else None

    def receipt(self, params: Sequence[Any]) -> dict[str, Any] | None:
        (digest,) = take(params, 1, 1)
        row = self._store.one(f"{_RECEIPT} WHERE hash = ?", parse_data(digest, 32, "hash"))
        return None if row is None else self._receipt(row, self._chain.header(row[0]).hash)

    def transaction_count(self, params: Sequence[Any]) -> str:
        address, at = take(params, 1, 2)
        sender = parse_data(address, 20, "address")
        nonce: int = self._state(at).get_nonce(sender)
        return quantity(next_nonce(self._chain, sender, nonce) if at == "pending" else nonce)

    def logs(self, params: Sequence[Any]) -> list[dict[str, Any]]:
        (value,) = take(params, 1, 1)
        fields = parse_filter(value)
        if "blockHash" in fields:
            first = last = self._at({"blockHash": fields["blockHash"]}).number
        else:
            first = self._number(fields.get("fromBlock"))
            last = self._number(fields.get("toBlock"))
        return [show_log(log) for log in find_logs(self._store, log_filter(fields, first, last))]

    # state

    def balance(self, params: Sequence[Any]) -> str:
        address, at = take(params, 1, 2)
        return quantity(self._state(at).get_balance(parse_data(address, 20, "address")))

    def code(self, params: Sequence[Any]) -> str:
        address, at = take(params, 1, 2)
        return data(self._state(at).get_code(parse_data(address, 20, "address")))

    def storage(self, params: Sequence[Any]) -> str:
        address, slot, at = take(params, 2, 3)
        value: int = self._state(at).get_storage(parse_data(address, 20, "address"), parse_slot(slot))
        return data(value.to_bytes(32, "big"))

    def proof(self, params: Sequence[Any]) -> dict[str, Any]:
        address, slots, at = take(params, 2, 3)
        if not isinstance(slots, list | tuple):
            raise InputError("RPC_PARAMETERS_REFUSED", what="slots")
        key = parse_data(address, 20, "address")
        root = self._at(at).state_root
        return show_proof(prove(self._chain.nodes, root, key, [parse_slot(slot) for slot in slots]), key)

    def call(self, params: Sequence[Any]) -> str:
        wanted, at = take(params, 1, 2)
        return data(vm.call(self._opener(at), parse_call(wanted)))

    def estimate_gas(self, params: Sequence[Any]) -> str:
        wanted, at = take(params, 1, 2)
        # Without a block, or at the newest: as the next block would run it, see Chain.state_next.
        seen_from = "pending" if at in (None, "latest", "pending") else at
        return quantity(vm.estimate(self._opener(seen_from), parse_call(wanted)))

    # shared

    def _opener(self, at: Any) -> Callable[[], Any]:
        header = self._at(at)
        open_state = self._chain.state_next if at == "pending" else self._chain.state_at
        return lambda: open_state(header)

    def _state(self, at: Any) -> Any:
        return self._chain.state_at(self._at(at))

    def _at(self, value: Any) -> Header:
        header = self._find(value)
        if header is None:
            raise InputError("ENGINE_BLOCK_UNKNOWN")
        return header

    def _find(self, value: Any) -> Header | None:
        """Header of a block parameter, None where the chain has none such; None means the newest.

        One sealer: what is in a block is final, so latest, safe and finalized are one.
        """
        wanted = "latest" if value is None else parse_block(value)
        if isinstance(wanted, bytes):
            row = self._store.one("SELECT number FROM block WHERE hash = ?", wanted)
            return None if row is None else self._chain.header(row[0])
        head = self._store.head_number()
        number = wanted if isinstance(wanted, int) else 0 if wanted == "earliest" else head
        return None if number > head else self._chain.header(number)

    def _number(self, value: Any) -> int:
        """Bound of a log filter; beyond the head means the head."""
        wanted = "latest" if value is None else parse_block(value)
        if isinstance(wanted, bytes):
            raise InputError("RPC_BLOCK_REFUSED")
        head = self._store.head_number()
        return wanted if isinstance(wanted, int) and wanted < 2**63 else 0 if wanted == "earliest" else head

    def _block(self, header: Header, full: bool) -> dict[str, Any]:
        rows = self._store.all("SELECT raw, hash, position FROM tx WHERE block = ? ORDER BY position", (header.number,))
        shown = [
            self._show(self._parse(raw, digest, header.number), (header.hash, header.number, position))
            if full
            else data(digest)
            for raw, digest, position in rows
        ]
        return show_block(header, shown, len(header.encode()) + sum(len(row[0]) for row in rows))

    def _parse(self, raw: bytes, digest: bytes, block: int) -> Transaction:
        """A mined transaction, sound when it was accepted. Raises IntegrityError ENGINE_BLOCK_DAMAGED."""
        try:
            transaction = parse_transaction(raw, self._chain.chain_id)
        except InputError as error:
            raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=block) from error
        if transaction.hash != digest:
            raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=block)
        return transaction

    def _show(self, transaction: Transaction, place: tuple[bytes, int, int] | None) -> dict[str, Any]:
        return show_transaction(transaction, self._chain.chain_id, place)

    def _receipt(self, row: Sequence[Any], block_hash: bytes) -> dict[str, Any]:
        transaction = self._parse(row[5], row[6], row[0])
        return show_receipt(read_receipt(self._store, row[:5]), transaction, block_hash, row[0], row[1])


READS: Mapping[str, Callable[[Reader, Sequence[Any]], Any]] = {
    "eth_blockNumber": Reader.block_number,
    "eth_getBlockByNumber": Reader.block,
    "eth_getBlockByHash": Reader.block_by_hash,
    "eth_getBlockReceipts": Reader.block_receipts,
    "eth_getTransactionByHash": Reader.transaction,
    "eth_getTransactionReceipt": Reader.receipt,
    "eth_getTransactionCount": Reader.transaction_count,
    "eth_getLogs": Reader.logs,
    "eth_getBalance": Reader.balance,
    "eth_getCode": Reader.code,
    "eth_getStorageAt": Reader.storage,
    "eth_getProof": Reader.proof,
    "eth_call": Reader.call,
    "eth_estimateGas": Reader.estimate_gas,
    "debug_getRawHeader": Reader.raw_header,
}
