"""EmbeddedEngine: Ethereum JSON-RPC over a chain in one file, in process, without a port or a thread."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

from ledger.chain.embedded.chain import Chain
from ledger.chain.embedded.checks import Identity, check_block, check_chain, read_identity
from ledger.chain.embedded.headers import genesis_header, sealer_address
from ledger.chain.embedded.methods import READS, Reader
from ledger.chain.embedded.parameters import take
from ledger.chain.embedded.pending import admit, known
from ledger.chain.embedded.store import Store
from ledger.chain.rpc import data, parse_data, parse_quantity, quantity
from ledger.errors import ConfigError, InputError, UnavailableError

_VERSION = "zhengyin-embedded/1/py-evm-berlin"
_MAX_CHAIN_ID = 2**53 - 1


class EmbeddedEngine:
    """A chain of one sealer. Any thread may call; several processes may open the same file.

    Blocks are made inside requests: whoever asks about the chain while transactions wait first makes the
    block that is due (one a second at most, never ahead of the clock).
    """

    def __init__(self, chain: Chain, identity: Identity) -> None:
        self._chain = chain
        self._reader = Reader(chain)
        self._lock = RLock()
        self._trouble: UnavailableError | None = None
        self._identity = identity

    @classmethod
    def create(
        cls, path: Path, *, node_key: bytes, clock: Callable[[], float], operator: str,
        chain_id: int | None = None,
    ) -> EmbeddedEngine:  # fmt: skip
        """Start a chain whose only sealer is ``node_key`` (32 bytes, secp256k1).

        ``operator`` (1 to 32 bytes of UTF-8) stands in the genesis block. ``chain_id`` below 2^53; random
        by default, so that no transaction of one ledger can be replayed on another.
        Raises ConfigError ENGINE_FILE_EXISTS, InputError ENGINE_KEY_REFUSED, ENGINE_OPERATOR_REFUSED,
        ENGINE_CHAIN_ID_REFUSED, UnavailableError ENGINE_STORAGE.
        """
        name = operator.encode()
        if not 1 <= len(name) <= 32 or "\0" in operator:
            raise InputError("ENGINE_OPERATOR_REFUSED")
        number = secrets.randbelow(_MAX_CHAIN_ID) + 1 if chain_id is None else chain_id
        if not 1 <= number <= _MAX_CHAIN_ID:
            raise InputError("ENGINE_CHAIN_ID_REFUSED")
        _place_genesis(path, name, sealer_address(node_key), number, int(clock()))
        return cls.open(path, node_key=node_key, clock=clock)

    @classmethod
    def open(cls, path: Path, *, node_key: bytes | None, clock: Callable[[], float]) -> EmbeddedEngine:
        """Open an existing chain and check it (`checks`); without ``node_key`` it only reads.

        Raises ConfigError ENGINE_FILE_MISSING, ENGINE_FILE_FOREIGN, ENGINE_WRONG_KEY; IntegrityError
        ENGINE_BLOCK_DAMAGED (with the block's number), ENGINE_STATE_DAMAGED, ENGINE_FILE_DAMAGED;
        UnavailableError ENGINE_STORAGE.
        """
        store = Store.open(path, read_only=node_key is None)
        try:
            with store.reading():
                identity = read_identity(store)
                ours = identity.sealer if node_key is None else sealer_address(node_key)
                if ours != identity.sealer:
                    raise ConfigError("ENGINE_WRONG_KEY", found=ours.hex(), expected=identity.sealer.hex())
                chain = Chain(store, identity.chain_id, node_key, clock)
                check_chain(chain, identity)
        except BaseException:
            store.close()
            raise
        return cls(chain, identity)

    def close(self) -> None:
        with self._lock:
            self._chain.store.close()

    @property
    def chain_id(self) -> int:
        return self._identity.chain_id

    @property
    def operator(self) -> str:
        return self._identity.operator

    @property
    def sealer(self) -> bytes:
        """20-byte address every commit seal recovers to."""
        return self._identity.sealer

    @property
    def genesis_hash(self) -> bytes:
        return self._identity.genesis_hash

    def check(self, number: int) -> None:
        """Check block ``number`` whole. Raises IntegrityError ENGINE_BLOCK_DAMAGED."""
        with self._lock, self._chain.store.reading():
            if number > 0:
                check_block(self._chain, self._identity, number)

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Answer a JSON-RPC method with the ``result`` an Ethereum node would give.

        Raises InputError RPC_… for malformed parameters, ENGINE_METHOD_UNKNOWN, ENGINE_BLOCK_UNKNOWN,
        ENGINE_REVERTED (``data``: hex), ENGINE_EXECUTION_FAILED; ConfigError ENGINE_READ_ONLY; for raw
        transactions see `pending.admit`; UnavailableError ENGINE_CLOCK_BEHIND, ENGINE_STORAGE.
        """
        with self._lock:
            if method in READS:
                return self._read(method, params)
            if method == "eth_sendRawTransaction":
                return self._send(params)
            if method == "zhengyin_makeBlock":
                return self._make_block(params)
            constants = {
                "eth_chainId": quantity(self.chain_id),
                "net_version": str(self.chain_id),
                "web3_clientVersion": _VERSION,
                "eth_gasPrice": quantity(0),
            }
            if method not in constants:
                raise InputError("ENGINE_METHOD_UNKNOWN", method=method[:80])
            return constants[method]

    def _read(self, method: str, params: Sequence[Any]) -> Any:
        self._advance()
        with self._chain.store.reading():
            answer = READS[method](self._reader, params)
            waits = answer is None and method == "eth_getTransactionReceipt"
            if waits and self._trouble is not None and known(self._chain, parse_data(params[0])):
                raise self._trouble  # who waits for this transaction must hear why no block comes
        return answer

    def _advance(self) -> None:
        """Make the block that is due. Its troubles concern only who waits for a block, see `_read`."""
        try:
            self._chain.make_due_block()
            self._trouble = None
        except UnavailableError as error:
            self._trouble = error

    def _send(self, params: Sequence[Any]) -> str:
        self._demand_key()
        (raw,) = take(params, 1, 1)
        return data(admit(self._chain, parse_data(raw, what="transaction")))

    def _make_block(self, params: Sequence[Any]) -> str:
        self._demand_key()
        (seconds,) = take(params, 1, 1)
        older_than = seconds if type(seconds) is int and seconds >= 0 else parse_quantity(seconds, "seconds")
        return quantity(self._chain.make_block(older_than))

    def _demand_key(self) -> None:
        if not self._chain.writable:
            raise ConfigError("ENGINE_READ_ONLY")


def _place_genesis(path: Path, operator: bytes, sealer: bytes, chain_id: int, timestamp: int) -> None:
    """Write block 0 to a draft beside ``path`` and link it there; a crash before leaves only the draft."""
    beside = [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")]
    if any(file.exists() for file in (path, *beside)):  # a stray log would be replayed into the new file
        raise ConfigError("ENGINE_FILE_EXISTS", path=str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".new")
        for leftover in (draft, *(draft.with_name(draft.name + suffix) for suffix in ("-wal", "-shm"))):
            leftover.unlink(missing_ok=True)
        _write_genesis(draft, operator, sealer, chain_id, timestamp)
        os.link(draft, path)  # never over an existing file
        draft.unlink()
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except FileExistsError as error:
        raise ConfigError("ENGINE_FILE_EXISTS", path=str(path)) from error
    except OSError as error:
        raise UnavailableError("ENGINE_STORAGE", detail=str(error)) from error


def _write_genesis(path: Path, operator: bytes, sealer: bytes, chain_id: int, timestamp: int) -> None:
    store = Store.create(path)
    try:
        genesis = genesis_header(operator=operator, sealer=sealer, timestamp=timestamp)
        with store.writing():
            store.write("INSERT INTO block (number, hash, header) VALUES (0, ?, ?)", genesis.hash, genesis.encode())
            store.write_many(
                "INSERT INTO meta (name, value) VALUES (?, ?)",
                [("chain_id", chain_id.to_bytes(8, "big")), ("genesis", genesis.hash)],
            )
    finally:
        store.close()  # the last connection moves the write-ahead log into the file and removes it
