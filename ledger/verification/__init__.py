"""Verification: one numbered procedure over frozen facts. FORMATS, "Verification"."""

from ledger.verification.batch import ProvedBatch, prove_batch
from ledger.verification.facts import Facts, IndexFacts
from ledger.verification.policies import TOLERANCES, Tolerances
from ledger.verification.procedure import verify
from ledger.verification.report import Report, not_found

__all__ = [
    "TOLERANCES",
    "Facts",
    "IndexFacts",
    "ProvedBatch",
    "Report",
    "Tolerances",
    "not_found",
    "prove_batch",
    "verify",
]
