"""The chain (``ledger.ports.Chain``) over any engine: calls, transactions, proofs, events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ledger.chain import proving, transactions
from ledger.chain.abi import interface
from ledger.chain.contracts import Contracts, check_code
from ledger.chain.events import EventReader
from ledger.chain.node import Block, Node, reading
from ledger.chain.records_calls import GasLimits, act_data, anchor_data, status_data
from ledger.chain.rpc import quantity
from ledger.chain.trust_list_events import TrustListFollower
from ledger.chain.trust_list_proofs import TrustListProofs
from ledger.core.bundles import Anchor
from ledger.core.identifiers import organisation_bytes32
from ledger.core.manifests import BlockName, ChainIdentity
from ledger.core.trust_services import TrustSnapshot
from ledger.core.trusted_chains import TrustListPin
from ledger.errors import ConfigError, ConflictError, InputError, UnavailableError
from ledger.ports import Account, ActCall, AnchorCall, Engine, Mined, StatusCall
from ledger.proofs import records_layout
from ledger.proofs.events import TOPIC_BATCH_ANCHORED
from ledger.proofs.headers import CONSENSUS, UNSEALED, Header, parse_header
from ledger.proofs.keccak import keccak

_KNOWN = re.compile(r"already (?:known|imported|in)|known transaction", re.IGNORECASE)


UNSEALED_DEPTH = 12
"""Blocks above a block of an unsealed chain: the deepest reorganisation that development nodes play is no deeper."""


class EngineChain:
    """Implements ``ledger.ports.Chain``. One instance serves all threads: it keeps only what it checked.

    ``identity`` and ``contracts`` come from the settings or the trust file, never from the engine. The engine is
    first asked when something is wanted of it, and then checked: an office whose node is down goes on issuing.

    ``depth``: on a chain that nobody seals, how many later blocks make a block count as final.

    Raises (on construction):
        ConfigError: CHAIN_CONSENSUS_UNKNOWN, CHAIN_OTHER_RECORDS.
    Raises (on first use): as `check`.
    """

    def __init__(
        self,
        engine: Engine,
        identity: ChainIdentity,
        contracts: Contracts,
        consensus: str = "embedded",
        gas: GasLimits | None = None,
        depth: int = UNSEALED_DEPTH,
    ) -> None:
        if consensus not in CONSENSUS:
            raise ConfigError("CHAIN_CONSENSUS_UNKNOWN", consensus=consensus, known=", ".join(CONSENSUS))
        if identity.records != contracts.records:
            raise ConfigError("CHAIN_OTHER_RECORDS", expected=_hex(identity.records))
        self._engine = engine
        self._unchecked = Node(engine)
        self._identity = identity
        self._contracts = contracts
        self._consensus = consensus
        self._gas = gas or GasLimits()
        self._depth = depth if consensus == UNSEALED else 0
        self._code: bytes | None = None
        self._followed: TrustListFollower | None = None
        self._listed: TrustListProofs | None = None

    def check(self) -> None:
        """Is this the chain that was named, with this version's contracts? A training chain has the same addresses
        and may have the same id: its genesis tells it apart.

        Raises:
            ConfigError: CHAIN_OTHER_ID, CHAIN_OTHER_GENESIS, CHAIN_NOT_FOUND, CHAIN_CODE_DIFFERS.
            UnavailableError: the engine does not answer, or answers nonsense.
        """
        if (found := self._unchecked.chain_id()) != self._identity.id:
            raise ConfigError("CHAIN_OTHER_ID", expected=self._identity.id, found=found)
        expected, genesis = self._identity.genesis, self._unchecked.block(0).hash
        if genesis != expected:
            raise ConfigError("CHAIN_OTHER_GENESIS", expected=_hex(expected), found=_hex(genesis))
        self._code = keccak(check_code(self._unchecked, self._contracts))

    @property
    def _node(self) -> Node:
        """The node, checked before its first use."""
        if self._code is None:
            self.check()
        return self._unchecked

    @property
    def _events(self) -> EventReader:
        return EventReader.of_ledger(self._node, self._contracts)

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
        return keccak(check_code(self._node, self._contracts)) if self._code is None else self._code

    def head(self) -> tuple[BlockName, int]:
        block = self._final()
        return BlockName(block.number, block.hash), block.timestamp

    def _final(self) -> Block:
        """The newest final block: the head where blocks are sealed, else the one with enough blocks above it."""
        head = self._node.head()
        return self._node.block(max(0, head.number - self._depth)) if self._depth else head

    def canonical(self, block: int) -> bytes:
        """Raises UnavailableError CHAIN_BEHIND where the node has not got that far."""
        return self._node.block(block).hash

    def chain_nonce(self, account: bytes) -> int:
        """The account's transactions in final blocks; what still waits is the store's to count."""
        return self._node.nonce(account, quantity(self._final().number) if self._depth else "latest")

    def spent(self, account: bytes, nonce: int, hash_: bytes) -> bool:
        """Whether a final block shows the nonce used by a transaction other than ``hash_``.

        The questions that decide it go to one node in one batch: of two nodes that differ in height, one could
        tell of the nonce and the other, which lags, of a transaction that it has not seen yet.
        """
        final = self._final()
        used, block, receipt = self._node.state_at(final.number, account, hash_)
        if block != final.hash:
            raise UnavailableError("CHAIN_BEHIND", block=final.number)
        return used > nonce and receipt is None

    # ---- transactions ----

    def sign_anchor(self, account: Account, nonce: int, call: AnchorCall) -> tuple[bytes, bytes]:
        return self._sign(account, nonce, anchor_data(call), self._gas.of_anchor(len(call.signers)))

    def sign_status(self, account: Account, nonce: int, call: StatusCall) -> tuple[bytes, bytes]:
        undecided = sum(not any(statement) for _, statement in call.changes)
        return self._sign(account, nonce, status_data(call), self._gas.of_status(len(call.changes), undecided))

    def check_anchor(self, account: Account, call: AnchorCall) -> None:
        self._node.call(self._contracts.records, anchor_data(call), account.address)

    def check_status(self, account: Account, call: StatusCall) -> None:
        """Items that their leaf's state does not allow are no refusal: they give ``StatusRefused`` events. What the
        contract refuses is the same for all items, so one is tried: a trial costs as much as the call itself."""
        first = replace(call, changes=call.changes[:1])
        self._node.call(self._contracts.records, status_data(first), account.address)

    def sign_act(self, account: Account, nonce: int, call: ActCall) -> tuple[bytes, bytes]:
        return self._sign(account, nonce, act_data(call), self._gas.of_act(call))

    def check_act(self, account: Account, call: ActCall) -> None:
        """Leaves that another court froze are no refusal: they give ``FreezeRefused`` events."""
        self._node.call(self._contracts.records, act_data(call), account.address)

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
        if receipt is None or (self._depth and receipt.block > self._final().number):
            return None
        if self._node.block(receipt.block).hash != receipt.block_hash:
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
        head = self._final().number
        answer = self._node.call(self._contracts.records, found.call(organisation, root), block=quantity(head))
        with reading("eth_call"):
            words = found.outputs.decode(answer)["0"]
        if words["sequence"] == 0:
            return None
        since = self._node.block_at(words["time"], head)
        topics = [TOPIC_BATCH_ANCHORED, organisation, root]
        hash_ = self._events.find(self._contracts.records, topics, since, head)
        return None if hash_ is None else self.mined(hash_)

    def state_header(self, fresh_seconds: int | None) -> bytes:
        if fresh_seconds is not None and self._consensus == "embedded":
            self._freshen(fresh_seconds)
        return proving.fetch_header(self._node, self._consensus, self._final()).rlp

    def state_proof(
        self, header: bytes, issuer: str, leaf: bytes, root: bytes, statements: Sequence[tuple[str, bytes]] = ()
    ) -> list[bytes]:
        organisation = organisation_bytes32(issuer)
        status = records_layout.status_slot(organisation, leaf)
        slots = [
            status,
            records_layout.history_slot(organisation, leaf),
            records_layout.batch_slot(organisation, root),
            records_layout.RETIRED_SLOT,
            *(records_layout.batch_slot(organisation_bytes32(i), r) for i, r in statements),
        ]
        parsed = parse_header(header)
        nodes, words = self._prove(parsed, slots)
        with reading("eth_getProof"):
            frozen = records_layout.unpack_status(words[0]).frozen
        # only a freeze has a court to name: a proof that no verifier reads would be slack
        return self._prove(parsed, [*slots, records_layout.court_slot(organisation, leaf)])[0] if frozen else nodes

    def _prove(self, header: Header, slots: Sequence[bytes]) -> tuple[list[bytes], list[int]]:
        once = list(dict.fromkeys(slots))
        return proving.state_proof(self._node, header, self._contracts.records, self.records_code(), once)

    def _freshen(self, seconds: int) -> None:
        """Who only reads beside the sealing node takes the head as it is; its age is the verifier's to judge."""
        try:
            self._engine.request("zhengyin_makeBlock", [seconds])
        except (ConfigError, InputError) as error:
            if error.code not in ("ENGINE_READ_ONLY", "ENGINE_METHOD_UNKNOWN"):
                raise

    def events(self, since: int, until: int) -> Iterator[tuple[int, int, Any]]:
        return self._events.read(since, until)

    def trust_list(self, block: int | None = None) -> TrustSnapshot | None:
        address = self._contracts.trust_list
        if address is None:
            return None
        if self._followed is None:
            self._followed = TrustListFollower(self._node, address)
        return self._followed.snapshot(self._final().number if block is None else block)

    def trust_list_proof(self, header: bytes, slots: Sequence[bytes]) -> tuple[TrustListPin, list[bytes]]:
        pin = self._contracts.trust_list_pin()
        if self._listed is None:
            self._listed = TrustListProofs(self._node, pin)
        return pin, self._listed.nodes(parse_header(header), slots)

    def _sign(self, account: Account, nonce: int, data: bytes, gas: int) -> tuple[bytes, bytes]:
        call = transactions.Call(self._contracts.records, data, gas)
        return transactions.sign(self._identity.id, account, nonce, call)


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
