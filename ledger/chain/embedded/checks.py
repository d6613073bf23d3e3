"""What is checked of a stored chain before it is used.

All headers: each hash is that of its header, each header names the one before. The head's commit seal
covers its hash of the parent, and so on down: with one good seal at the head no byte of any header or
seal can differ from what the sealer made. The newest blocks are checked whole, for what a broken disk or
a meddling hand leaves behind; older ones by `check_block`, on demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ledger.chain.embedded.chain import Chain
from ledger.chain.embedded.hashing import ordered_root
from ledger.chain.embedded.headers import (
    SEAL,
    VANITY,
    Header,
    child_header,
    genesis_header,
    sealer_of,
)
from ledger.chain.embedded.receipts import joined_bloom, read_receipt
from ledger.chain.embedded.store import Store
from ledger.chain.embedded.transactions import parse_transaction
from ledger.errors import ConfigError, InputError, IntegrityError
from ledger.proofs.keccak import keccak

_WHOLE_BLOCKS, _WHOLE_ITEMS = 64, 5000  # newest blocks checked whole, and where that ends earlier


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the chain is: fixed at creation, named by the genesis block."""

    chain_id: int
    operator: str
    sealer: bytes
    genesis_hash: bytes


def read_identity(store: Store) -> Identity:
    """Raises IntegrityError ENGINE_BLOCK_DAMAGED (block 0); ConfigError ENGINE_WRONG_KEY: another genesis."""
    meta = store.meta()
    row = store.one("SELECT hash, header FROM block WHERE number = 0")
    if row is None or {"chain_id", "genesis"} - set(meta):
        raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=0)
    if keccak(row[1]) != row[0]:
        raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=0)
    if row[0] != meta["genesis"]:
        raise ConfigError("ENGINE_WRONG_KEY", found=row[0].hex(), expected=meta["genesis"].hex())
    try:
        genesis = Header.decode(row[1])
        sealer, operator = genesis.extra_data[VANITY:-SEAL], genesis.extra_data[:VANITY].rstrip(b"\0")
        name = operator.decode()
    except (InputError, UnicodeDecodeError) as error:
        raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=0) from error
    if genesis != genesis_header(operator=operator, sealer=sealer, timestamp=genesis.timestamp):
        raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=0)
    return Identity(int.from_bytes(meta["chain_id"], "big"), name, sealer, row[0])


def check_chain(chain: Chain, identity: Identity) -> None:
    """All headers' hash chain, the newest blocks whole. Raises IntegrityError ENGINE_BLOCK_DAMAGED."""
    previous, expected = bytes(32), 0
    for number, digest, raw in chain.store.each("SELECT number, hash, header FROM block ORDER BY number"):
        # RLP of a header: three bytes of list prefix, a0, then the parent's hash.
        if number != expected or keccak(raw) != digest or raw[4:36] != previous:
            raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=expected)
        previous, expected = digest, expected + 1
    items = 0
    for number in range(expected - 1, max(0, expected - 1 - _WHOLE_BLOCKS), -1):
        items += check_block(chain, identity, number)
        if items > _WHOLE_ITEMS:
            break


def check_block(chain: Chain, identity: Identity, number: int) -> int:
    """One block whole: form, parent, seal, transactions, receipts, logs, state root.

    Returns how many transactions and logs it holds. Raises IntegrityError ENGINE_BLOCK_DAMAGED.
    """
    try:
        parent, header = chain.header(number - 1), chain.header(number)
        rows = chain.store.all(
            "SELECT block, position, status, gas_used, cumulative, hash, sender, raw FROM tx"
            " WHERE block = ? ORDER BY position",
            (number,),
        )
        transactions = [parse_transaction(row[7], chain.chain_id) for row in rows]
        sound = sealer_of(header) == identity.sealer and chain.nodes.has_root(header.state_root)
    except InputError as error:
        raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=number) from error
    receipts = [read_receipt(chain.store, row[:5]) for row in rows]
    logs = sum(len(receipt.logs) for receipt in receipts)
    gas = [0, *(receipt.cumulative for receipt in receipts)]
    rebuilt = child_header(
        parent, timestamp=header.timestamp, state_root=header.state_root,
        transactions_root=ordered_root([row[7] for row in rows]),
        receipts_root=ordered_root([receipt.encode() for receipt in receipts]),
        bloom=joined_bloom(receipts), gas_used=gas[-1],
    )  # fmt: skip
    places = chain.store.all("SELECT position FROM log WHERE block = ? ORDER BY tx, position", (number,))
    if not (
        sound
        and header.timestamp > parent.timestamp
        and rebuilt.seal_hash == header.seal_hash
        and [(tx.hash, tx.sender) for tx in transactions] == [tuple(row[5:7]) for row in rows]
        and [row[1] for row in rows] == list(range(len(rows)))
        and [receipt.gas_used for receipt in receipts] == [b - a for a, b in pairwise(gas)]
        and [place for (place,) in places] == list(range(logs))
    ):
        raise IntegrityError("ENGINE_BLOCK_DAMAGED", block=number)
    return len(rows) + logs
