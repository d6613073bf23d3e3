"""All that a trust list says, read from its events once and then kept up to date."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from ledger.chain.events import EventReader
from ledger.chain.node import Node, reading
from ledger.chain.trust_list_calls import NOBODY
from ledger.core.identifiers import actor_from_bytes32
from ledger.core.trust_services import (
    DatedStatus,
    ListedRecognition,
    ListedService,
    Listing,
    Qualification,
    QualificationType,
    RecognitionTerms,
    ServiceStatus,
    ServiceType,
    TrustSnapshot,
)


class TrustListFollower:
    """The trust list at ``address``. One serves all threads; it asks for new blocks only.

    What it tells is the node's word: who needs more compares a service's statuses with the digest that the contract
    keeps over them (`TrustList.statuses`).
    """

    def __init__(self, node: Node, address: bytes) -> None:
        self._events = EventReader.of_trust_list(node, address)
        self._lock = threading.Lock()
        self._folded = _Folded()
        self._read = 0

    def snapshot(self, until: int) -> TrustSnapshot:
        """As of block ``until`` or, where it was further already, as far as that.

        Raises UnavailableError CHAIN_BEHIND, CHAIN_ANSWER_GARBLED, ENGINE_….
        """
        with self._lock:
            if until > self._read:
                # what is folded before a fault in between is folded again on a copy, or a status would count twice
                fresh = self._folded.copy()
                with reading("eth_getLogs"):
                    for _, _, event in self._events.read(self._read + 1, until):
                        fresh.fold(event.name, event.values)
                self._folded, self._read = fresh, until
            return self._folded.snapshot(self._read)


class _Folded:
    """Entries by their names, in the order of their first event."""

    def __init__(self) -> None:
        self.services: dict[bytes, ListedService] = {}
        self.compromised: dict[bytes, int] = {}
        self.qualifications: dict[bytes, Qualification] = {}
        self.authorities: dict[str, tuple[bytes, str]] = {}
        self.recognitions: dict[RecognitionTerms, ListedRecognition] = {}
        self.documents: set[bytes] = set()

    def copy(self) -> _Folded:
        made = _Folded()
        for name, entries in vars(self).items():
            setattr(made, name, entries.copy())
        return made

    def fold(self, event: str, values: dict[str, Any]) -> None:
        getattr(self, f"_{event}", lambda _: None)(values)

    def snapshot(self, block: int) -> TrustSnapshot:
        return TrustSnapshot(
            block,
            tuple(replace(s, compromised_since=self.compromised.get(s.listing.key)) for s in self.services.values()),
            tuple(self.qualifications.items()),
            tuple((j, account, who) for j, (account, who) in self.authorities.items()),
            tuple(self.recognitions.values()),
            frozenset(self.documents),
        )

    # a provider is any 32 bytes to the contract: one that is no organisation's id must not stop the reading

    def _ServiceListed(self, v: dict[str, Any]) -> None:
        provider = actor_from_bytes32(v["provider"])
        listing = Listing(provider, ServiceType(v["serviceType"]), v["key"], v["name"], v["document"])
        self.services[v["certificate"]] = ListedService(v["certificate"], listing, (), None)
        self.documents.add(v["document"])

    def _ServiceDescribed(self, v: dict[str, Any]) -> None:
        service = self.services[v["certificate"]]
        described = replace(service.listing, document=v["document"])
        self.services[v["certificate"]] = replace(service, listing=described)
        self.documents.add(v["document"])

    def _ServiceStatusChanged(self, v: dict[str, Any]) -> None:
        service = self.services[v["certificate"]]
        status = DatedStatus(ServiceStatus(v["status"]), v["since"])
        self.services[v["certificate"]] = replace(service, statuses=(*service.statuses, status))

    def _KeyCompromised(self, v: dict[str, Any]) -> None:
        self.compromised[v["key"]] = v["since"]

    def _Qualified(self, v: dict[str, Any]) -> None:
        provider, type_ = actor_from_bytes32(v["provider"]), QualificationType(v["qualificationType"])
        self.qualifications[v["id"]] = Qualification(type_, provider, v["number"], v["from"], v["until"])
        self.documents.add(v["id"])

    def _QualificationEnded(self, v: dict[str, Any]) -> None:
        self.qualifications[v["id"]] = replace(self.qualifications[v["id"]], until=v["until"])

    def _AuthorityAppointed(self, v: dict[str, Any]) -> None:
        jurisdiction = _jurisdiction(v)
        if v["account"] == NOBODY:
            self.authorities.pop(jurisdiction, None)
        else:
            self.authorities[jurisdiction] = v["account"], actor_from_bytes32(v["organisation"])

    def _Recognised(self, v: dict[str, Any]) -> None:
        self.recognitions[_terms(v)] = ListedRecognition(_terms(v), v["from"], v["until"])
        self.documents.add(v["agreement"])

    def _RecognitionEnded(self, v: dict[str, Any]) -> None:
        self.recognitions[_terms(v)] = replace(self.recognitions[_terms(v)], until=v["until"])


def _jurisdiction(values: dict[str, Any]) -> str:
    # the contract checks that something stands there, not what: an odd one is shown, and recognised by nobody's policy
    return values["jurisdiction"].rstrip(b"\0").decode("ascii", "replace")  # type: ignore[no-any-return]


def _terms(v: dict[str, Any]) -> RecognitionTerms:
    return RecognitionTerms(_jurisdiction(v), v["certificate"], v["purpose"], v["level"], v["agreement"])
