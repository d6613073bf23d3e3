"""The chain (``ledger.ports.Chain``) over any engine: calls, transactions, proofs, events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ledger.chain import proving, transactions
from ledger.chain.abi import interface
from ledger.chain.contracts import Contracts, check_code
from ledger.chain.events import EventReader
from ledger.chain.node import Node, reading
from ledger.core.bundles import Anchor
from ledger.core.identifiers import organisation_bytes32
from ledger.core.manifests import BlockName, ChainIdentity
from ledger.errors import ConfigError, ConflictError, InputError, UnavailableError
from ledger.ports import Account, AnchorCall, Engine, Mined, StatusCall
from ledger.proofs import records_layout
from ledger.proofs.events import TOPIC_BATCH_ANCHORED
from ledger.proofs.headers import CONSENSUS
from ledger.proofs.keccak import keccak

_KNOWN = re.compile(r"already (?:known|imported|in)|known transaction", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class GasLimits:
    """Gas limits by formula, above what the contracts can use under Berlin rules.

    Not by estimate: an estimate runs on the newest block, and a change that an earlier, still waiting
    transaction makes possible would be estimated as refused, at a tenth of its cost.
    """

    anchor: int = 300_000
    signer: int = 20_000
    status: int = 150_000
    change: int = 62_000
    undecided: int = 24_000
    """More for a suspension without statement, which the contract notes in a word of its own."""

    def of_anchor(self, signers: int) -> int:
        return self.anchor + self.signer * signers

    def of_status(self, changes: int, undecided: int = 0) -> int:
        """``undecided``: how many of the changes come without statement."""
        return self.status + self.change * changes + self.undecided * undecided

    def most_changes(self, limit: int) -> int:
        """How many changes one transaction may hold under an engine's limit of gas a transaction."""
        return max(0, (limit - self.status) // self.change)


class EngineChain:
    """Implements ``ledger.ports.Chain``. One instance serves all threads: it keeps only what it checked.

    ``identity`` and ``contracts`` come from the settings or the trust file, never from the engine.

    Raises (on construction):
        ConfigError: CHAIN_CONSENSUS_UNKNOWN, CHAIN_OTHER_RECORDS, CHAIN_OTHER_ID, CHAIN_OTHER_GENESIS,
            CHAIN_NOT_FOUND, CHAIN_CODE_DIFFERS.
        UnavailableError: the engine does not answer, or answers nonsense.
    """

    def __init__(
        self,
        engine: Engine,
        identity: ChainIdentity,
        contracts: Contracts,
        consensus: str = "embedded",
        gas: GasLimits | None = None,
    ) -> None:
        self._engine = engine
        self._node = Node(engine)
        self._identity = identity
        self._contracts = contracts
        self._consensus = consensus
        self._gas = gas or GasLimits()
        self._require_same_chain()
        self._records_code = keccak(check_code(self._node, contracts))
        self._events = EventReader(self._node, contracts)

    def _require_same_chain(self) -> None:
        """A training chain has the same addresses and may have the same id: its genesis tells it apart."""
        if self._consensus not in CONSENSUS:
            known = ", ".join(CONSENSUS)
            raise ConfigError("CHAIN_CONSENSUS_UNKNOWN", consensus=self._consensus, known=known)
        if self._identity.records != self._contracts.records:
            raise ConfigError("CHAIN_OTHER_RECORDS", expected=_hex(self._identity.records))
        if (found := self._node.chain_id()) != self._identity.id:
            raise ConfigError("CHAIN_OTHER_ID", expected=self._identity.id, found=found)
        expected, genesis = self._identity.genesis, self._node.block(0).hash
        if genesis != expected:
            raise ConfigError("CHAIN_OTHER_GENESIS", expected=_hex(expected), found=_hex(genesis))

    @property
    def identity(self) -> ChainIdentity:
        return self._identity

    @property
    def contracts(self) -> Contracts:
        return self._contracts

    @property
    def consensus(self) -> str:
        return self._consensus

    @property
    def gas(self) -> GasLimits:
        return self._gas

    def records_code(self) -> bytes:
        """Keccak-256 of the runtime code of Records, as account proofs show it and the trust file pins it."""
        return self._records_code

    def head(self) -> tuple[BlockName, int]:
        block = self._node.head()
        return BlockName(block.number, block.hash), block.timestamp

    def canonical(self, block: int) -> bytes:
        """Raises UnavailableError CHAIN_BEHIND where the node has not got that far."""
        return self._node.block(block).hash

    def chain_nonce(self, account: bytes) -> int:
        """The account's transactions in final blocks; what still waits is the store's to count."""
        return self._node.nonce(account)

    # ---- transactions ----

    def sign_anchor(self, account: Account, nonce: int, call: AnchorCall) -> tuple[bytes, bytes]:
        return self._sign(account, nonce, _anchor(call), self._gas.of_anchor(len(call.signers)))

    def sign_status(self, account: Account, nonce: int, call: StatusCall) -> tuple[bytes, bytes]:
        undecided = sum(not any(statement) for _, statement in call.changes)
        return self._sign(account, nonce, _status(call), self._gas.of_status(len(call.changes), undecided))

    def check_anchor(self, account: Account, call: AnchorCall) -> None:
        self._node.call(self._contracts.records, _anchor(call), account.address)

    def check_status(self, account: Account, call: StatusCall) -> None:
        """Items that their leaf's state does not allow are no refusal: they give ``StatusRefused`` events."""
        self._node.call(self._contracts.records, _status(call), account.address)

    def send(self, raw: bytes) -> None:
        """Idempotent. An engine's refusal passes on unless the engine knows these very bytes.

        Raises:
            ConflictError, InputError, UnavailableError: the engine's own, see ``ledger.chain.rpc``.
        """
        hash_ = keccak(raw)
        try:
            if self._node.send(raw) != hash_:
                raise UnavailableError("CHAIN_ANSWER_GARBLED", method="eth_sendRawTransaction")
        except (ConflictError, InputError, UnavailableError) as error:
            # "nonce too low" is what a node says of a transaction that it has mined already.
            if error.code == "CHAIN_ANSWER_GARBLED":
                raise
            if not (_KNOWN.search(str(error.values.get("words", ""))) or self._node.knows(hash_)):
                raise

    def mined(self, hash_: bytes) -> Mined | None:
        receipt = self._node.receipt(hash_)
        if receipt is None or self._node.block(receipt.block).hash != receipt.block_hash:
            return None
        return Mined(receipt.block, receipt.block_hash, receipt.index, receipt.status == 1)

    # ---- proofs and events ----

    def anchor_proof(self, mined: Mined, after: int) -> Anchor:
        """Raises ConflictError CHAIN_NOT_ANCHORED_THERE (the transaction anchored nothing: the batch was
        there before), CHAIN_TRANSACTION_FAILED, CHAIN_REORGANISED; UnavailableError CHAIN_PROOF_WRONG."""
        block = self._node.block(mined.block)
        if block.hash != mined.block_hash:
            raise ConflictError("CHAIN_REORGANISED", block=mined.block)
        header = proving.fetch_header(self._node, self._consensus, block)
        nodes, receipt = proving.receipt_proof(self._node, header, mined.index)
        if not any(log.address == self._contracts.records and log.topics[:1] == (TOPIC_BATCH_ANCHORED,)
                   for log in receipt.logs):  # fmt: skip
            raise ConflictError("CHAIN_NOT_ANCHORED_THERE", block=mined.block, index=mined.index)
        earlier = proving.fetch_header(self._node, self._consensus, self._node.block(after))
        return Anchor(None, header.rlp, mined.index, nodes, earlier.rlp)

    def anchored(self, issuer: str, root: bytes) -> Mined | None:
        """Where the issuer's batch with ``root`` was first anchored, whoever sent the transaction.

        Costs one question where there is none; else the contract's own date leads to the block.
        """
        organisation = organisation_bytes32(issuer)
        found = interface("Records").functions["batchOf"]
        answer = self._node.call(self._contracts.records, found.call(organisation, root))
        with reading("eth_call"):
            words = found.outputs.decode(answer)["0"]
        if words["sequence"] == 0:
            return None
        head = self._node.head().number
        since = self._node.block_at(words["time"], head)
        topics = [TOPIC_BATCH_ANCHORED, organisation, root]
        hash_ = self._events.find(self._contracts.records, topics, since, head)
        return None if hash_ is None else self.mined(hash_)

    def status_proof(
        self, issuer: str, leaf: bytes, root: bytes, fresh_seconds: int | None
    ) -> tuple[bytes, list[bytes]]:
        if fresh_seconds is not None and self._consensus == "embedded":
            self._freshen(fresh_seconds)
        organisation = organisation_bytes32(issuer)
        slots = [
            records_layout.status_slot(organisation, leaf),
            records_layout.history_slot(organisation, leaf),
            records_layout.batch_slot(organisation, root),
            records_layout.RETIRED_SLOT,
        ]
        header = proving.fetch_header(self._node, self._consensus, self._node.head())
        nodes, _ = proving.state_proof(self._node, header, self._contracts.records, self._records_code, slots)
        return header.rlp, nodes

    def _freshen(self, seconds: int) -> None:
        """Who only reads beside the sealing node takes the head as it is; its age is the verifier's to judge."""
        try:
            self._engine.request("zhengyin_makeBlock", [seconds])
        except ConfigError as error:
            if error.code != "ENGINE_READ_ONLY":
                raise

    def events(self, since: int, until: int) -> Iterator[tuple[int, int, Any]]:
        return self._events.read(since, until)

    def _sign(self, account: Account, nonce: int, data: bytes, gas: int) -> tuple[bytes, bytes]:
        call = transactions.Call(self._contracts.records, data, gas)
        return transactions.sign(self._identity.id, account, nonce, call)


def _anchor(call: AnchorCall) -> bytes:
    batch = (
        call.accreditation, int(call.kind), call.suite, call.size, call.root, call.manifest_sha256, bytes(32),
        call.signers,
    )  # fmt: skip
    return interface("Records").call("anchor", batch)


def _status(call: StatusCall) -> bytes:
    issuer = organisation_bytes32(call.issuer)
    values = (issuer, call.changes, int(call.state), call.effective, int(call.reason))
    return interface("Records").call("setStatus", *values)


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
