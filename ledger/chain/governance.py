"""The council's acts: proposing, approving, vetoing, executing, and reading where a proposal stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ledger.chain.abi import interface
from ledger.chain.calls import CouncilCall
from ledger.chain.contracts import Contracts
from ledger.chain.node import TransactionReceipt, reading
from ledger.chain.rpc import parse_data
from ledger.chain.transactor import Transactor
from ledger.core.identifiers import organisation_from_bytes32
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError
from ledger.ports import Account


class ProposalState(IntEnum):
    """States of ``ICouncil.State``; those that cannot change any more are ``settled``."""

    UNKNOWN = 0
    OPEN = 1
    WAITING = 2
    READY = 3
    EXECUTED = 4
    VETOED = 5
    EXPIRED = 6
    SUPERSEDED = 7

    @property
    def settled(self) -> bool:
        return self >= ProposalState.EXECUTED


@dataclass(frozen=True, slots=True)
class Proposal:
    """``made`` and ``reached`` (of the threshold; None while below it) in seconds UTC."""

    id: int
    state: ProposalState
    calls: tuple[CouncilCall, ...]
    made: int
    reached: int | None
    approvals: int
    vetoes: int
    urgent: bool


class Council:
    """The council of one deployment. Acts raise as ``Transactor.transact``."""

    def __init__(self, transactor: Transactor, contracts: Contracts) -> None:
        self._transactor = transactor
        self._contracts = contracts

    def propose(self, account: Account, calls: Sequence[CouncilCall]) -> int:
        """Number of the new proposal. Proposing is not approving. Raises InputError COUNCIL_NO_CALLS."""
        if not calls:
            raise InputError("COUNCIL_NO_CALLS")
        receipt = self._act(account, "propose", [(call.target, call.data) for call in calls])
        return self._proposal_made(receipt)

    def check(self, call: CouncilCall) -> None:
        """Dry run of one call as if it were executed now. Raises ConflictError CHAIN_REFUSED with the contract's
        error, before anybody is asked to approve what would only fail."""
        self._transactor.node.call(call.target, call.data, self._contracts.council)

    def approve(self, account: Account, id_: int) -> TransactionReceipt:
        return self._act(account, "approve", id_)

    def veto(self, account: Account, id_: int) -> TransactionReceipt:
        return self._act(account, "veto", id_)

    def execute(self, account: Account, id_: int) -> TransactionReceipt:
        return self._act(account, "execute", id_)

    def wait_ready(self, id_: int) -> None:
        """Look until the delay has passed. Raises ConflictError COUNCIL_NOT_READY with the state."""
        found = self._transactor.until(lambda: self._awaited(id_))
        if found is not ProposalState.READY:
            raise ConflictError("COUNCIL_NOT_READY", id=id_, state=self.state(id_).name)

    def carry(self, accounts: Sequence[Account], calls: Sequence[CouncilCall]) -> int:
        """Propose by the first account, approve by all given, wait out the delay, execute by the first."""
        if not accounts:
            raise InputError("COUNCIL_EMPTY")
        id_ = self.propose(accounts[0], calls)
        for account in accounts:
            self.approve(account, id_)
        self.wait_ready(id_)
        self.execute(accounts[0], id_)
        return id_

    def state(self, id_: int) -> ProposalState:
        number = self._read("stateOf", id_)["0"]
        with reading("eth_call"):
            return ProposalState(number)

    def proposal(self, id_: int) -> Proposal:
        """Raises NotFoundError COUNCIL_PROPOSAL_UNKNOWN."""
        state = self.state(id_)
        if state is ProposalState.UNKNOWN:
            raise NotFoundError("COUNCIL_PROPOSAL_UNKNOWN", id=id_)
        answer = self._read("proposalOf", id_)
        kept = answer["proposal"]
        return Proposal(
            id=id_,
            state=state,
            calls=tuple(CouncilCall(call["target"], call["data"]) for call in answer["calls"]),
            made=kept["made"],
            reached=kept["reached"] or None,
            approvals=kept["approvals"],
            vetoes=kept["vetoes"],
            urgent=kept["urgent"],
        )

    def count(self) -> int:
        """Number of proposals made so far; their ids run from 1."""
        return int(self._read("proposalCount")["0"])

    def organisation_of(self, account: bytes) -> str:
        """Organisation for which the account speaks. Raises NotFoundError COUNCIL_NOT_MEMBER."""
        organisation = self._read("memberOf", account)["organisation"]
        if organisation == bytes(32):
            raise NotFoundError("COUNCIL_NOT_MEMBER", account="0x" + account.hex())
        with reading("eth_call"):
            return organisation_from_bytes32(organisation)

    def rules(self) -> dict[str, int]:
        """``threshold`` of ``organisations``, ``delay`` in seconds, ``term``: number of the membership."""
        return self._read("rules")

    def _awaited(self, id_: int) -> ProposalState | None:
        state = self.state(id_)
        return None if state is ProposalState.WAITING else state  # only a delay passes by itself

    def _act(self, account: Account, function: str, *values: object) -> TransactionReceipt:
        data = interface("Council").call(function, *values)
        return self._transactor.transact(account, self._contracts.council, data)

    def _read(self, function: str, *values: object) -> dict[str, Any]:
        found = interface("Council").functions[function]
        answer = self._transactor.node.call(self._contracts.council, found.call(*values))
        with reading("eth_call"):
            return found.outputs.decode(answer)

    def _proposal_made(self, receipt: TransactionReceipt) -> int:
        events = interface("Council").events
        with reading("eth_getTransactionReceipt"):
            for log in receipt.logs:
                topics = [parse_data(topic, 32) for topic in log["topics"]]
                event = events.get(topics[0]) if topics else None
                if event is not None and event.name == "ProposalMade":
                    return int.from_bytes(topics[1], "big")
        raise UnavailableError("CHAIN_ANSWER_GARBLED", method="eth_getTransactionReceipt")
