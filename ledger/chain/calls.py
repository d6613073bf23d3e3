"""Calls that a proposal makes, as values, and what a call found on the chain means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.chain.abi import interface
from ledger.chain.contracts import Contracts
from ledger.core.accreditations import Accreditation
from ledger.core.identifiers import organisation_bytes32
from ledger.core.manifests import ChainIdentity
from ledger.core.registries import Permission
from ledger.errors import InputError

OPEN_END = 2**40 - 1
"""``until`` of a window without end (seconds UTC)."""

ALL_PERMISSIONS = Permission.ANCHOR | Permission.STATUS | Permission.RELATE


@dataclass(frozen=True, slots=True)
class CouncilCall:
    """One call that a proposal makes."""

    target: bytes
    data: bytes


class ConsortiumCalls:
    """Calls on the consortium, to be put in a proposal.

    Instants are seconds UTC; ``since`` 0 is the executing block's, an earlier one becomes it.
    Raises InputError ORGANISATION_ID, USCC_… for a malformed organisation.
    """

    def __init__(self, consortium: bytes) -> None:
        self._consortium = consortium

    def register(self, organisation: str) -> CouncilCall:
        return self._call("registerOrganisation", organisation_bytes32(organisation))

    def account(self, address: bytes, organisation: str, permissions: int = ALL_PERMISSIONS) -> CouncilCall:
        """``permissions``: bits of ``Permission``; 0 takes the rights away."""
        return self._call("setAccount", address, organisation_bytes32(organisation), permissions)

    def bind_signer(self, organisation: str, certificate: bytes, since: int = 0, until: int = OPEN_END) -> CouncilCall:
        """``certificate``: SHA-256 of the signing certificate's DER."""
        return self._call("bindSigner", organisation_bytes32(organisation), certificate, since, until)

    def end_signer(self, organisation: str, certificate: bytes, until: int = 0) -> CouncilCall:
        return self._call("endSigner", organisation_bytes32(organisation), certificate, until)

    def compromise_signer(self, organisation: str, certificate: bytes, since: int) -> CouncilCall:
        return self._call("compromiseSigner", organisation_bytes32(organisation), certificate, since)

    def accredit(self, document: Accreditation, since: int = 0, until: int = OPEN_END) -> CouncilCall:
        """The chain gets the document's digest; the document itself must be kept, bundles carry it."""
        organisation = organisation_bytes32(document.organisation)
        jurisdiction = document.jurisdiction.encode("ascii").ljust(32, b"\0")
        return self._call(
            "accredit", document.id(), organisation, int(document.kind), jurisdiction, document.scope(),
            since, until,
        )  # fmt: skip

    def end_accreditation(self, id_: bytes, until: int = 0) -> CouncilCall:
        return self._call("endAccreditation", id_, until)

    def succeed(self, organisation: str, successor: str, since: int = 0) -> CouncilCall:
        heir = organisation_bytes32(successor)
        return self._call("succeed", organisation_bytes32(organisation), heir, since)

    def superior(self, organisation: str, superior: str | None) -> CouncilCall:
        above = bytes(32) if superior is None else organisation_bytes32(superior)
        return self._call("setSuperior", organisation_bytes32(organisation), above)

    def bar(self, organisation: str) -> CouncilCall:
        return self._call("bar", organisation_bytes32(organisation))

    def unbar(self, organisation: str) -> CouncilCall:
        return self._call("unbar", organisation_bytes32(organisation))

    def _call(self, function: str, *values: object) -> CouncilCall:
        return CouncilCall(self._consortium, interface("Consortium").call(function, *values))


class RecordsCalls:
    """Calls on Records that the council makes: as one of two parties, and the end of writing.

    Raises InputError ORGANISATION_ID, USCC_… for a malformed organisation.
    """

    def __init__(self, records: bytes) -> None:
        self._records = records

    def annul(self, issuer: str, leaf: bytes, statement: bytes) -> CouncilCall:
        """``statement``: leaf of the signed statement of whoever else annuls."""
        return self._call("annul", organisation_bytes32(issuer), leaf, statement)

    def disown(self, issuer: str, root: bytes, statement: bytes) -> CouncilCall:
        return self._call("disown", organisation_bytes32(issuer), root, statement)

    def retire(self, successor: ChainIdentity) -> CouncilCall:
        """Ends writing for ever; the ledger goes on in ``successor``."""
        return self._call("retire", successor.id, successor.genesis, successor.records)

    def _call(self, function: str, *values: object) -> CouncilCall:
        return CouncilCall(self._records, interface("Records").call(function, *values))


@dataclass(frozen=True, slots=True)
class DescribedCall:
    """A call in words. ``contract`` and ``function`` are None where they are not the ledger's: look twice."""

    contract: str | None
    function: str | None
    values: dict[str, Any]


def describe(call: CouncilCall, contracts: Contracts) -> DescribedCall:
    """What ``call`` would do, for whoever is asked to approve it."""
    names = {contracts.council: "Council", contracts.consortium: "Consortium", contracts.records: "Records"}
    if contracts.trust_list is not None:
        names[contracts.trust_list] = "TrustList"
    contract = names.get(call.target)
    for function in interface(contract).functions.values() if contract else ():
        if function.selector == call.data[:4]:
            try:
                return DescribedCall(contract, function.name, function.inputs.decode(call.data[4:]))
            except InputError:
                break
    return DescribedCall(contract, None, {})
