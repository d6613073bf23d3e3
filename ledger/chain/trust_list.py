"""A trust list on chain: its deployment beside a ledger, a jurisdiction's acts, and what stands there now.

It is a contract of its own that no other asks: ledgers without one are whole, and adding one changes no address.
All it says at once: ``trust_list_events``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.chain.abi import interface
from ledger.chain.contracts import Contracts
from ledger.chain.events import log_ranges
from ledger.chain.node import TransactionReceipt, reading
from ledger.chain.rpc import data, parse_data
from ledger.chain.transactor import Transactor
from ledger.chain.trust_list_calls import end_recognition_data, recognise_data
from ledger.core.identifiers import organisation_from_bytes32
from ledger.core.trust_services import (
    DatedStatus,
    Listing,
    Qualification,
    QualificationType,
    RecognitionTerms,
    ServiceStatus,
    ServiceType,
    jurisdiction_bytes32,
)
from ledger.errors import ConfigError, IntegrityError, NotFoundError, UnavailableError
from ledger.ports import Account
from ledger.proofs.trust_list_layout import status_step


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A service as stored: its newest status, how many there were, and the digest over all of them.

    ``compromised_since`` is its key's, which other certificates may share.
    """

    listing: Listing
    status: DatedStatus
    count: int
    history: bytes
    compromised_since: int | None


@dataclass(frozen=True, slots=True)
class Published:
    """The newest list published; ``document`` is its SHA-256."""

    number: int
    issued: int
    next_update: int
    document: bytes


def deploy_trust_list(transactor: Transactor, deployer: Account, contracts: Contracts) -> bytes:
    """Address of a new trust list under the ledger's consortium and council; the deployer keeps no right over it.

    Raises as `Transactor.transact`; ConfigError CHAIN_NOT_FOUND, CHAIN_CODE_DIFFERS as `check_trust_list`.
    """
    compiled = interface("TrustList")
    creation = compiled.creation + compiled.constructor.encode(contracts.consortium)
    address = transactor.transact(deployer, b"", creation).contract
    if address is None:
        raise UnavailableError("CHAIN_ANSWER_GARBLED", method="eth_getTransactionReceipt")
    check_trust_list(transactor, contracts, address)
    return address


def check_trust_list(transactor: Transactor, contracts: Contracts, address: bytes) -> None:
    """Raises ConfigError CHAIN_NOT_FOUND, CHAIN_CODE_DIFFERS (also for one that obeys another council)."""
    found = transactor.node.code(address)
    if not found:
        raise ConfigError("CHAIN_NOT_FOUND", contract="TrustList", address=data(address))
    if found != interface("TrustList").deployed(contracts.consortium, contracts.council):
        raise ConfigError("CHAIN_CODE_DIFFERS", contract="TrustList", address=data(address))


def history_of(statuses: Sequence[DatedStatus]) -> bytes:
    """The digest that the contract keeps over these statuses, oldest first."""
    digest = bytes(32)
    for entry in statuses:
        digest = status_step(digest, int(entry.status), entry.since)
    return digest


class TrustList:
    """The trust list at ``address``. Acts raise as ``Transactor.transact``, views CHAIN_ANSWER_GARBLED as `Node`."""

    def __init__(self, transactor: Transactor, address: bytes) -> None:
        self._transactor = transactor
        self._address = address

    def recognise(self, account: Account, terms: RecognitionTerms, since: int, until: int) -> TransactionReceipt:
        """By the account appointed for the jurisdiction that the terms name."""
        return self._transactor.transact(account, self._address, recognise_data(terms, since, until))

    def recognise_each(
        self, account: Account, terms: Sequence[RecognitionTerms], since: int, until: int
    ) -> list[TransactionReceipt]:
        """As `recognise`, all sent together."""
        calls = [recognise_data(one, since, until) for one in terms]
        return self._transactor.transact_alike(account, self._address, calls)

    def check_recognise(self, account: Account, terms: RecognitionTerms, since: int, until: int) -> None:
        """Dry run. Raises ConflictError CHAIN_REFUSED."""
        self._transactor.node.call(self._address, recognise_data(terms, since, until), account.address)

    def end_recognition(self, account: Account, terms: RecognitionTerms, until: int = 0) -> TransactionReceipt:
        return self._transactor.transact(account, self._address, end_recognition_data(terms, until))

    def service(self, certificate: bytes) -> ServiceEntry:
        """Raises NotFoundError TRUST_LIST_SERVICE_UNKNOWN."""
        kept = self._read("serviceOf", certificate)["0"]
        if not kept["count"]:
            raise NotFoundError("TRUST_LIST_SERVICE_UNKNOWN", certificate=certificate.hex())
        compromised: int = self._read("keyOf", kept["key"])["0"]["compromisedSince"]
        with reading("eth_call"):
            return ServiceEntry(
                Listing(
                    organisation_from_bytes32(kept["provider"]),
                    ServiceType(kept["serviceType"]),
                    kept["key"],
                    kept["name"],
                    kept["document"],
                ),
                DatedStatus(ServiceStatus(kept["status"]), kept["since"]),
                kept["count"],
                kept["history"],
                compromised or None,
            )

    def statuses(self, certificate: bytes, entry: ServiceEntry) -> tuple[DatedStatus, ...]:
        """Every status the service had, oldest first: as many as ``entry`` counts, matching its digest.

        Raises IntegrityError TRUST_LIST_HISTORY_DIFFERS where the node's logs are not the stored history.
        """
        event = next(e for e in interface("TrustList").events.values() if e.name == "ServiceStatusChanged")
        wanted = {"address": data(self._address), "topics": [data(event.topic), data(certificate)]}
        node, found = self._transactor.node, list[DatedStatus]()
        for logs, _, _ in log_ranges(node, wanted, 0, node.head().number):
            with reading("eth_getLogs"):
                for log in logs:
                    topics = tuple(parse_data(topic, 32) for topic in log["topics"])
                    values = event.decode(topics, parse_data(log["data"]))
                    found.append(DatedStatus(ServiceStatus(values["status"]), values["since"]))
        told = tuple(found[: entry.count])  # more may have come since
        if len(told) != entry.count or history_of(told) != entry.history:
            raise IntegrityError("TRUST_LIST_HISTORY_DIFFERS", certificate=certificate.hex())
        return told

    def qualification(self, id_: bytes) -> Qualification:
        """Raises NotFoundError TRUST_LIST_QUALIFICATION_UNKNOWN."""
        kept = self._read("qualificationOf", id_)["0"]
        if not kept["from"]:
            raise NotFoundError("TRUST_LIST_QUALIFICATION_UNKNOWN", id=id_.hex())
        with reading("eth_call"):
            provider = organisation_from_bytes32(kept["provider"])
            type_ = QualificationType(kept["qualificationType"])
            return Qualification(type_, provider, kept["number"], kept["from"], kept["until"])

    def authority(self, jurisdiction: str) -> tuple[bytes, str]:
        """(account, its organisation). Raises NotFoundError TRUST_LIST_AUTHORITY_UNKNOWN."""
        kept = self._read("authorityOf", jurisdiction_bytes32(jurisdiction))["0"]
        if not any(kept["account"]):
            raise NotFoundError("TRUST_LIST_AUTHORITY_UNKNOWN", jurisdiction=jurisdiction)
        with reading("eth_call"):
            return kept["account"], organisation_from_bytes32(kept["organisation"])

    def recognition(self, terms: RecognitionTerms) -> tuple[int, int]:
        """(from, until) of exactly these terms. Raises NotFoundError TRUST_LIST_RECOGNITION_UNKNOWN."""
        kept = self._read("recognitionOf", terms.words())["0"]
        if not kept["from"]:
            raise NotFoundError("TRUST_LIST_RECOGNITION_UNKNOWN", jurisdiction=terms.jurisdiction)
        return kept["from"], kept["until"]

    def published(self) -> Published:
        """Raises NotFoundError TRUST_LIST_NONE_PUBLISHED."""
        kept = self._read("published")["0"]
        if not kept["number"]:
            raise NotFoundError("TRUST_LIST_NONE_PUBLISHED")
        return Published(kept["number"], kept["issued"], kept["nextUpdate"], kept["document"])

    def _read(self, function: str, *values: object) -> dict[str, Any]:
        found = interface("TrustList").functions[function]
        answer = self._transactor.node.call(self._address, found.call(*values))
        with reading("eth_call"):
            return found.outputs.decode(answer)
