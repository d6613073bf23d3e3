"""Verification with nothing but a bundle and a trust file: no chain, no database, and none of their code loaded."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.core.bundles import ValidationData
from ledger.core.records import FileDigest
from ledger.core.trust import Trust
from ledger.verification.facts import Facts
from ledger.verification.procedure import verify
from ledger.verification.report import Report
from ledger.verification.sealed import SealedFile


@dataclass(frozen=True, slots=True)
class Question:
    """What the relying party asks beside the bundle; see ``Facts`` for each."""

    documents: tuple[FileDigest, ...] = ()
    time_of_interest: int | None = None
    as_of_bundle: bool = False
    max_age: int | None = None
    jurisdiction: str | None = None
    sealed: tuple[SealedFile, ...] | None = None
    seal_data: ValidationData | None = None


def verify_offline(bundle: bytes, trust: Trust, question: Question, now: int) -> Report:
    """Judge a bundle with nothing but a trust file."""
    return verify(
        Facts(
            bundle=bundle,
            documents=question.documents,
            trust=trust,
            now=now,
            time_of_interest=question.time_of_interest,
            as_of_bundle=question.as_of_bundle,
            max_age=question.max_age,
            jurisdiction=question.jurisdiction,
            sealed=question.sealed,
            seal_data=question.seal_data,
        )
    )
