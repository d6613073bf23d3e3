"""Calls on TrustList: the council's, to be put in a proposal, and a jurisdiction's own, as calldata."""

from __future__ import annotations

from ledger.chain.abi import interface
from ledger.chain.calls import OPEN_END, CouncilCall
from ledger.core.identifiers import organisation_bytes32
from ledger.core.trust_services import (
    Listing,
    QualificationType,
    RecognitionTerms,
    ServiceStatus,
    jurisdiction_bytes32,
)

NOBODY = bytes(20)


class TrustListCalls:
    """Calls on the trust list at this address (20 bytes), to be put in a proposal.

    Instants are seconds UTC; one before the executing block becomes that block's.
    Raises InputError ORGANISATION_ID, USCC_…, SHAPE_… for malformed values.
    """

    def __init__(self, trust_list: bytes) -> None:
        self._trust_list = trust_list

    def list_service(self, certificate: bytes, listing: Listing) -> CouncilCall:
        """``certificate``: SHA-256 of its DER, by which the service is known."""
        return self._call("listService", certificate, listing.words())

    def describe_service(self, certificate: bytes, document: bytes) -> CouncilCall:
        return self._call("describeService", certificate, document)

    def status(self, certificate: bytes, status: ServiceStatus) -> CouncilCall:
        return self._call("setServiceStatus", certificate, int(status))

    def bar(self, certificate: bytes) -> CouncilCall:
        """Suspends; a proposal of nothing but such calls has no delay."""
        return self._call("bar", certificate)

    def compromise_key(self, key: bytes, since: int) -> CouncilCall:
        """``key``: SHA-256 of the DER of its SubjectPublicKeyInfo; ``since`` may lie in the past."""
        return self._call("compromiseKey", key, since)

    def qualify(
        self,
        id_: bytes,
        provider: str,
        qualification_type: QualificationType,
        number: bytes,
        since: int = 0,
        until: int = OPEN_END,
    ) -> CouncilCall:
        """``id_``: SHA-256 of the qualification's canonical document, ``number`` that of its number."""
        holder = organisation_bytes32(provider)
        return self._call("qualify", id_, holder, int(qualification_type), number, since, until)

    def end_qualification(self, id_: bytes, until: int = 0) -> CouncilCall:
        return self._call("endQualification", id_, until)

    def authority(self, jurisdiction: str, account: bytes = NOBODY) -> CouncilCall:
        """The one account that writes the jurisdiction's recognitions from then on."""
        return self._call("setAuthority", jurisdiction_bytes32(jurisdiction), account)

    def publish(self, number: int, document: bytes, next_update: int) -> CouncilCall:
        return self._call("publish", number, document, next_update)

    def _call(self, function: str, *values: object) -> CouncilCall:
        return CouncilCall(self._trust_list, interface("TrustList").call(function, *values))


def recognise_data(terms: RecognitionTerms, since: int = 0, until: int = OPEN_END) -> bytes:
    """Calldata for the account of the recognising jurisdiction. Raises InputError SHAPE_…."""
    return interface("TrustList").call("recognise", terms.words(), since, until)


def end_recognition_data(terms: RecognitionTerms, until: int = 0) -> bytes:
    """As `recognise_data`; ``until`` 0 ends it with the block that writes it."""
    return interface("TrustList").call("endRecognition", terms.words(), until)
