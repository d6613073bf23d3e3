"""Deployment of the three contracts, once a chain: explicit, in order, checked at the end."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.chain.abi import interface
from ledger.chain.contracts import Contracts, check_code
from ledger.chain.transactor import Transactor
from ledger.core.identifiers import organisation_bytes32
from ledger.core.manifests import ChainIdentity
from ledger.errors import ConflictError, InputError, UnavailableError
from ledger.ports import Account


@dataclass(frozen=True, slots=True)
class Member:
    """An account (20 bytes) that speaks for an organisation in the council."""

    organisation: str
    account: bytes


@dataclass(frozen=True, slots=True)
class CouncilRules:
    """``threshold`` organisations approve; then ``delay`` seconds pass in which the others may veto."""

    members: tuple[Member, ...]
    threshold: int
    delay: int

    def encoded(self) -> tuple[list[tuple[bytes, bytes]], int, int]:
        """Constructor arguments. Raises InputError COUNCIL_EMPTY, ORGANISATION_ID, USCC_…."""
        if not self.members:
            raise InputError("COUNCIL_EMPTY")
        members = [(organisation_bytes32(member.organisation), member.account) for member in self.members]
        return members, self.threshold, self.delay


def deploy(
    transactor: Transactor, deployer: Account, rules: CouncilRules, existing: Contracts | None = None
) -> Contracts:
    """Create Council, Consortium and Records; the deployer keeps no right over them.

    ``existing``: what the settings name; where any of it stands, nothing is created. A crash in between
    leaves contracts that nothing refers to: deploy again.

    Raises:
        ConflictError: CHAIN_ALREADY_DEPLOYED; CHAIN_REFUSED with the council's reason; UnavailableError.
        ConfigError: CHAIN_CODE_DIFFERS, if the engine stored other code than was sent.
    """
    if existing is not None:
        refuse_deployed(transactor, existing)
    council = _create(transactor, deployer, "Council", *rules.encoded())
    consortium = _create(transactor, deployer, "Consortium", council)
    records = _create(transactor, deployer, "Records", consortium)
    contracts = Contracts(council, consortium, records)
    check_code(transactor.node, contracts)
    return contracts


def refuse_deployed(transactor: Transactor, contracts: Contracts) -> None:
    """Raises ConflictError CHAIN_ALREADY_DEPLOYED where any of the three addresses holds code."""
    for address in (contracts.council, contracts.consortium, contracts.records):
        if transactor.node.code(address):
            raise ConflictError("CHAIN_ALREADY_DEPLOYED", address="0x" + address.hex())


def identity_of(transactor: Transactor, contracts: Contracts) -> ChainIdentity:
    """The identity of the chain just deployed to, for the settings and the trust file."""
    return ChainIdentity(transactor.node.chain_id(), transactor.node.block(0).hash, contracts.records)


def _create(transactor: Transactor, deployer: Account, name: str, *values: object) -> bytes:
    compiled = interface(name)
    receipt = transactor.transact(deployer, b"", compiled.creation + compiled.constructor.encode(*values))
    if receipt.contract is None:
        raise UnavailableError("CHAIN_ANSWER_GARBLED", method="eth_getTransactionReceipt")
    return receipt.contract
