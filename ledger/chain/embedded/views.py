"""Blocks, transactions, receipts, logs and proofs as JSON-RPC shows them (Ethereum execution APIs)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.chain.embedded.headers import Header
from ledger.chain.embedded.logs import StoredLog
from ledger.chain.embedded.receipts import Receipt
from ledger.chain.embedded.state_proofs import AccountProof
from ledger.chain.embedded.transactions import Transaction
from ledger.chain.rpc import data, quantity


def show_block(header: Header, transactions: Sequence[Any], size: int) -> dict[str, Any]:
    """``transactions``: hashes or whole views; ``size`` in bytes of header and transactions."""
    return {
        "number": quantity(header.number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": data(header.ommers_hash),
        "miner": data(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transactions_root),
        "receiptsRoot": data(header.receipts_root),
        "logsBloom": data(header.bloom),
        "difficulty": quantity(header.difficulty),
        "totalDifficulty": quantity(header.number + 1),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": data(header.extra_data),
        "mixHash": data(header.mix_hash),
        "nonce": data(header.nonce),
        "size": quantity(size),
        "uncles": [],
        "transactions": list(transactions),
    }


def show_transaction(transaction: Transaction, chain_id: int, place: tuple[bytes, int, int] | None) -> dict[str, Any]:
    """``place``: (block hash, block number, index), None while it waits."""
    return {
        "type": "0x0",
        "hash": data(transaction.hash),
        "chainId": quantity(chain_id),
        "nonce": quantity(transaction.nonce),
        "from": data(transaction.sender),
        "to": data(transaction.to) if transaction.to else None,
        "value": quantity(transaction.value),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(transaction.gas_price),
        "input": data(transaction.data),
        "v": quantity(transaction.v),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
        "blockHash": data(place[0]) if place else None,
        "blockNumber": quantity(place[1]) if place else None,
        "transactionIndex": quantity(place[2]) if place else None,
    }


def show_receipt(
    receipt: Receipt, transaction: Transaction, block_hash: bytes, block: int, position: int
) -> dict[str, Any]:
    """A receipt with its logs; gas cost nothing but what the transaction offered."""
    digest = transaction.hash
    logs = [
        StoredLog(block, block_hash, position, digest, place, log.address, log.topics, log.data)
        for place, log in enumerate(receipt.logs, receipt.first_log)
    ]
    return {
        "type": "0x0",
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(position),
        "blockHash": data(block_hash),
        "blockNumber": quantity(block),
        "from": data(transaction.sender),
        "to": data(transaction.to) if transaction.to else None,
        "contractAddress": data(transaction.contract) if transaction.contract else None,
        "cumulativeGasUsed": quantity(receipt.cumulative),
        "gasUsed": quantity(receipt.gas_used),
        "effectiveGasPrice": quantity(transaction.gas_price),
        "logs": [show_log(log) for log in logs],
        "logsBloom": data(receipt.bloom.to_bytes(256, "big")),
        "status": quantity(receipt.status),
    }


def show_log(log: StoredLog) -> dict[str, Any]:
    return {
        "address": data(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(log.block),
        "blockHash": data(log.block_hash),
        "transactionHash": data(log.transaction_hash),
        "transactionIndex": quantity(log.transaction),
        "logIndex": quantity(log.position),
        "removed": False,
    }


def show_proof(proof: AccountProof, address: bytes) -> dict[str, Any]:
    return {
        "address": data(address),
        "nonce": quantity(proof.nonce),
        "balance": quantity(proof.balance),
        "storageHash": data(proof.storage_root),
        "codeHash": data(proof.code_hash),
        "accountProof": [data(node) for node in proof.nodes],
        "storageProof": [
            {
                "key": data(slot.key.to_bytes(32, "big")),
                "value": quantity(slot.value),
                "proof": [data(node) for node in slot.nodes],
            }
            for slot in proof.slots
        ],
    }
