"""Trust services as the contract TrustList knows them: numbers, digests, and what a jurisdiction recognises.

Words follow ETSI TS 119 612 (clause 5.5: services, their statuses and history). Certificates, keys, names and
documents are SHA-256 digests of 32 bytes, instants seconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.core import shapes
from ledger.core.accreditations import JURISDICTION
from ledger.core.identifiers import organisation_bytes32
from ledger.core.manifests import ChainIdentity
from ledger.core.registries import Kind, Registry
from ledger.core.trusted_chains import TrustListPin
from ledger.errors import InputError

LEVELS = range(1, 5)
"""Levels of assurance."""
IDENTITY = "identity"
OTHER_PURPOSES = {IDENTITY: 256}
"""Purposes of a recognition that are no kind of record: persons who prove by a certificate who they are."""


class ServiceType(Registry):
    """What a service does."""

    CA = 1
    OCSP = 2
    TSA = 3
    SEAL_MAKER = 4


class ServiceStatus(Registry):
    """In which state a service stands. Only GRANTED is trusted; SUSPENDED is meant to be lifted."""

    GRANTED = 1
    SUSPENDED = 2
    WITHDRAWN = 3


class QualificationType(Registry):
    """CERTIFICATION: 电子认证服务许可; GOVERNMENT: 电子政务电子认证服务机构."""

    CERTIFICATION = 1
    GOVERNMENT = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """What a service is listed as. ``key`` digests the DER of the SubjectPublicKeyInfo, ``name`` that of the
    subject, ``document`` the service's canonical description; ``provider`` is an organisation's id."""

    provider: str
    service_type: ServiceType
    key: bytes
    name: bytes
    document: bytes

    def words(self) -> tuple[bytes, int, bytes, bytes, bytes]:
        """As ``ITrustList.Listing``. Raises InputError ORGANISATION_ID, USCC_…."""
        return organisation_bytes32(self.provider), int(self.service_type), self.key, self.name, self.document


@dataclass(frozen=True, slots=True)
class DatedStatus:
    """One entry of a service's history."""

    status: ServiceStatus
    since: int


@dataclass(frozen=True, slots=True)
class Qualification:
    """``number`` digests the number the provider was given; holds from ``since`` until just before ``until``."""

    qualification_type: QualificationType
    provider: str
    number: bytes
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class RecognitionTerms:
    """What a jurisdiction recognises: a service for a purpose (number of a record kind; above 255 another one) at
    a level, by an agreement whose document ``agreement`` digests."""

    jurisdiction: str
    certificate: bytes
    purpose: int
    level: int
    agreement: bytes

    def words(self) -> tuple[bytes, bytes, int, int, bytes]:
        """As ``ITrustList.Terms``. Raises InputError SHAPE_…."""
        shapes.integer(self.purpose, "purpose", 1, 0xFFFF)
        shapes.integer(self.level, "level", LEVELS[0], LEVELS[-1])
        jurisdiction = jurisdiction_bytes32(self.jurisdiction)
        return jurisdiction, self.certificate, self.purpose, self.level, self.agreement


def jurisdiction_bytes32(jurisdiction: str) -> bytes:
    """The jurisdiction as contracts hold it: ASCII, left-aligned, zero-padded. Raises InputError SHAPE_TEXT."""
    return shapes.text(jurisdiction, "jurisdiction", JURISDICTION, 32).encode("ascii").ljust(32, b"\0")


def purpose_number(word: str, path: str = "purpose") -> int:
    """The number of a record kind's word or of another purpose. Raises InputError REGISTRY_UNKNOWN."""
    return OTHER_PURPOSES.get(word) or int(Kind.of_word(word, path))


def purpose_word(number: int) -> str:
    """Inverse of `purpose_number`; a number that has no word here is shown as it stands (``purpose77``)."""
    for word, known in OTHER_PURPOSES.items():
        if number == known:
            return word
    try:
        return Kind.of_number(number, "purpose").word
    except InputError:
        return f"purpose{number}"


@dataclass(frozen=True, slots=True)
class ListedService:
    """A service on chain: its newest listing, every status it had (oldest first), and since when its key is no
    longer trusted. ``certificate``: SHA-256 of its DER."""

    certificate: bytes
    listing: Listing
    statuses: tuple[DatedStatus, ...]
    compromised_since: int | None


@dataclass(frozen=True, slots=True)
class ListedRecognition:
    """Terms that a jurisdiction recognises from ``since`` until just before ``until``."""

    terms: RecognitionTerms
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class TrustSnapshot:
    """All that the contract TrustList says as of ``block``, in the order it was written.

    ``qualifications`` by the digest of their document; ``authorities``: account and organisation that write the
    recognitions of a jurisdiction; ``documents``: digests of all documents that were ever named.
    """

    block: int
    services: tuple[ListedService, ...]
    qualifications: tuple[tuple[bytes, Qualification], ...]
    authorities: tuple[tuple[str, bytes, str], ...]
    recognitions: tuple[ListedRecognition, ...]
    documents: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class TrustListProof:
    """What a node tells of the trust list of a chain, with that by which it can be held against one block.

    ``pin``: where its keeper believes the list to stand, under which code; ``header``: RLP; ``nodes``: trie nodes of
    the list's account and of the slots that were asked for, each once.
    """

    chain: ChainIdentity
    pin: TrustListPin
    header: bytes
    nodes: tuple[bytes, ...]
    told: TrustSnapshot
