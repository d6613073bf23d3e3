"""Each batch through the procedure that verifiers use: path, revocation, finality, accreditation."""

from __future__ import annotations

from collections.abc import Callable

from ledger.core.bundles import Bundle
from ledger.core.manifests import Manifest
from ledger.core.merkle import HASH_BYTES
from ledger.core.trust import Trust
from ledger.core.verdicts import Outcome
from ledger.ports import Segment, Vault
from ledger.services import bodies
from ledger.services.anchoring import MANIFEST, RECEIPT
from ledger.services.audit_findings import NOT_TRUSTED, Findings
from ledger.services.batch_signing import read_validation, signatures_of
from ledger.services.bundling import anchor_of, inclusion_of
from ledger.verification.facts import Facts
from ledger.verification.procedure import BATCH_STEPS, is_blocked, verify

_DECIDED = frozenset(
    {
        "PATH_AUTHORITY_NOT_GRANTED", "PATH_AUTHORITY_COMPROMISED", "PATH_NOT_RECOGNISED", "PATH_RECOGNISED_LATER",
        "PATH_RECOGNITION_ENDED", "PATH_LEVEL_TOO_LOW", "SIGNER_COMPROMISED", "REVOCATION_REVOKED",
        "REVOCATION_COMPROMISED", "TIME_TOKEN_AUTHORITY_NOT_GRANTED", "TIME_TOKEN_AUTHORITY_COMPROMISED",
        "TIME_TOKEN_REVOKED",
    }
)  # fmt: skip
"""What a council, a jurisdiction or an authority has decided about who signed. No byte here is other than it was
anchored, and none can be put right."""


class ProcedureAudit:
    def __init__(
        self, vault: Vault, trust: Callable[[], Trust], clock: Callable[[], float], findings: Findings
    ) -> None:
        self._vault = vault
        self._trust = trust
        self._clock = clock
        self._findings = findings

    def verify(self, segment: Segment, number: int, where: str) -> None:
        """Steps 5 to 13 for a receipted batch, through record ``number``, by this folder's trust file."""
        bundle = self._bundle(segment, number)
        report = verify(Facts(bundle.to_bytes(), (), self._trust(), int(self._clock())))
        for step in report.steps:
            if step.step not in BATCH_STEPS or is_blocked(step):
                continue
            against = [f.code for f in step.findings if f.outcome is step.outcome]
            values = {"step": step.step.value, "error": against[0] if against else "–"}
            code = NOT_TRUSTED if against and _DECIDED.issuperset(against) else "AUDIT_BATCH_NOT_PROVED"
            if step.outcome is Outcome.FAILED:
                self._findings.differs(code, where, **values)
            elif step.outcome is Outcome.UNDETERMINED:
                self._findings.open(code, where, **values)

    def _bundle(self, segment: Segment, number: int) -> Bundle:
        handle = segment.vault_handles()[number]
        leaf = segment.leaves()[HASH_BYTES * number : HASH_BYTES * (number + 1)]
        record, _ = bodies.decrypt(self._vault.get([handle])[handle], leaf, segment.body(number))
        manifest = Manifest.from_bytes(segment.get(MANIFEST) or b"")
        return Bundle(
            record=record,
            disclosures=(),
            inclusion=inclusion_of(segment, number),
            manifest=manifest,
            signatures=signatures_of(segment, manifest),
            validation=read_validation(segment),
            anchor=anchor_of(segment, segment.get(RECEIPT) or b""),
            state=None,
        )
