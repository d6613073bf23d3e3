"""Outcomes of the verification procedure and how they compose (ETSI EN 319 102-1 clause 5.1.3).

Any failed step makes the whole TOTAL-FAILED with the first failed step as its cause; else any undetermined
makes it INDETERMINATE; else it is TOTAL-PASSED. An early undetermined step never hides a later proven failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ledger.errors import ConfigError, Language, message


class Outcome(Enum):
    PASSED = "passed"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    SKIPPED = "skipped"


class Step(Enum):
    """The numbered steps of FORMATS, "Verification"."""

    CONTAINER = 0
    BYTES = 1
    RECORD = 2
    DISCLOSURES = 3
    INCLUSION = 4
    BINDING = 5
    SIGNATURE = 6
    FINALITY = 7
    ANCHOR = 8
    TIME = 9
    PATH = 10
    SIGNER_BINDING = 11
    REVOCATION = 12
    ACCREDITATION = 13
    STATUS = 14
    VALIDITY = 15
    SEALS = 16


@dataclass(frozen=True, slots=True)
class Finding:
    """One stable code with its values; ``outcome`` is what this finding alone would make of the step.

    A finding that is PASSED is information (late, provisional, no token) and changes nothing.
    """

    code: str
    outcome: Outcome
    values: dict[str, Any]

    def text(self, language: Language) -> str:
        return message(self.code, language, self.values)


def failed(code: str, **values: Any) -> Finding:
    return Finding(code, Outcome.FAILED, values)


def undetermined(code: str, **values: Any) -> Finding:
    return Finding(code, Outcome.UNDETERMINED, values)


def noted(code: str, **values: Any) -> Finding:
    return Finding(code, Outcome.PASSED, values)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step found. ``proved`` is what it established, for the report and for later steps."""

    step: Step
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    proved: dict[str, Any] | None = None


class Indication(Enum):
    """ETSI EN 319 102-1 table 1, main status indications."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


EXIT_CODES = {Indication.TOTAL_PASSED: 0, Indication.TOTAL_FAILED: 1, Indication.INDETERMINATE: 3}


def worst(findings: tuple[Finding, ...]) -> Outcome:
    """Outcome of a step from its findings: failed before undetermined before passed."""
    outcomes = {f.outcome for f in findings}
    for outcome in (Outcome.FAILED, Outcome.UNDETERMINED):
        if outcome in outcomes:
            return outcome
    return Outcome.PASSED


def compose(results: tuple[StepResult, ...]) -> tuple[Indication, StepResult | None]:
    """The main indication and the step that caused it (``None`` when all passed).

    Raises:
        ConfigError: VERDICT_EMPTY, when no step passed at all: nothing checked is never "valid".
    """
    for outcome, indication in (
        (Outcome.FAILED, Indication.TOTAL_FAILED),
        (Outcome.UNDETERMINED, Indication.INDETERMINATE),
    ):
        for result in results:
            if result.outcome is outcome:
                return indication, result
    if not any(r.outcome is Outcome.PASSED for r in results):
        raise ConfigError("VERDICT_EMPTY")
    return Indication.TOTAL_PASSED, None
