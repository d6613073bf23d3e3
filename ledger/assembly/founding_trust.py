"""The trust list of a new ledger: its authorities, who recognises for each jurisdiction, and the first recognitions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ledger.chain.calls import OPEN_END, CouncilCall
from ledger.chain.contracts import Contracts
from ledger.chain.transactor import Transactor
from ledger.chain.trust_list import TrustList
from ledger.chain.trust_list_calls import TrustListCalls
from ledger.core.registries import Kind
from ledger.core.trust_documents import Agreement, ServiceDocument, TrustDocument, document_id
from ledger.core.trust_services import IDENTITY, Listing, RecognitionTerms, ServiceType, purpose_number
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import NotFoundError
from ledger.ports import Account

LEVEL = 2
REFERENCE = "founding"
PURPOSES = (*(kind.word for kind in Kind if kind is not Kind.FREEZE), IDENTITY)
"""For which the jurisdictions of a new ledger recognise its authorities: all that a record can be, and persons."""

_PURPOSES = {ServiceType.CA: PURPOSES, ServiceType.SEAL_MAKER: (Kind.SEAL.word,)}


@dataclass(frozen=True, slots=True)
class FirstList:
    """``services``: descriptions of the authorities; ``voices``: the account that recognises for each
    jurisdiction; ``recognised``: by name of a service, who recognises it where not all do."""

    services: tuple[ServiceDocument, ...]
    voices: Mapping[str, Account]
    recognised: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def documents(self) -> list[TrustDocument]:
        return [*self.services, *(Agreement(jurisdiction, REFERENCE) for jurisdiction in self.voices)]

    def calls(self, contracts: Contracts) -> list[CouncilCall]:
        """For the founding proposal: list the services, appoint who recognises."""
        calls = TrustListCalls(address_of(contracts))
        return [
            *(calls.list_service(fingerprint(s.certificate), listing(s)) for s in self.services),
            *(calls.authority(jurisdiction, account.address) for jurisdiction, account in self.voices.items()),
        ]

    def recognise(self, transactor: Transactor, contracts: Contracts) -> None:
        """Each jurisdiction recognises each certification authority for every purpose, and each maker of seals for
        those, by its own account."""
        for jurisdiction, account in self.voices.items():
            agreement = document_id(Agreement(jurisdiction, REFERENCE))
            terms = [
                RecognitionTerms(jurisdiction, fingerprint(s.certificate), purpose_number(purpose), LEVEL, agreement)
                for s in self.services
                if jurisdiction in self.recognised.get(s.name, (jurisdiction,))
                for purpose in _PURPOSES.get(s.service, ())
            ]
            TrustList(transactor, address_of(contracts)).recognise_each(account, terms, 0, OPEN_END)


def listing(service: ServiceDocument) -> Listing:
    """What the chain keeps of a described service. Raises InputError CERTIFICATE_SYNTAX."""
    parts = read_certificate(service.certificate)
    key, name = (hashlib.sha256(part).digest() for part in (parts.spki, parts.subject))
    return Listing(service.provider, service.service, key, name, document_id(service))


def described(name: str, certificate: bytes, provider: str, service: ServiceType = ServiceType.CA) -> ServiceDocument:
    """Raises InputError CERTIFICATE_SYNTAX, SHAPE_…: what is listed can be read by whoever verifies."""
    read_certificate(certificate)
    return ServiceDocument.from_json(ServiceDocument(name, certificate, provider, service).to_json())


def voices(jurisdictions: Sequence[tuple[str, str]], accounts: Mapping[str, Account]) -> dict[str, Account]:
    """The account of the first organisation of each jurisdiction. ``jurisdictions``: (jurisdiction, organisation),
    those first that speak before others."""
    found: dict[str, Account] = {}
    for jurisdiction, organisation in jurisdictions:
        found.setdefault(jurisdiction, accounts[organisation])
    return found


def address_of(contracts: Contracts) -> bytes:
    """Raises NotFoundError TRUST_LIST_NONE where the ledger has no trust list."""
    if contracts.trust_list is None:
        raise NotFoundError("TRUST_LIST_NONE")
    return contracts.trust_list
