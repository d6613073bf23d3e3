"""The headline and the four lines under it: what a citizen reads. Each line that was not checked says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from ledger.core.verdicts import Finding, Indication, Outcome, Step, StepResult, worst
from ledger.errors import Language
from ledger.verification.words import show


class Headline(Enum):
    VALID = "valid"
    NO_LONGER_IN_FORCE = "noLongerInForce"
    DOES_NOT_MATCH = "doesNotMatch"
    CANNOT_BE_DECIDED = "cannotBeDecided"
    NOT_FOUND = "notFound"

    @property
    def code(self) -> str:
        return f"HEADLINE_{self.name}"


class Topic(Enum):
    UNALTERED = "unaltered"
    ISSUED = "issued"
    IN_FORCE = "inForce"
    ANCHORED = "anchored"
    INTEGRITY = "integrity"
    PROVENANCE = "provenance"
    NATIONAL_CHAIN = "nationalChain"
    LEDGER_CHAIN = "ledgerChain"


LINES = (Topic.UNALTERED, Topic.ISSUED, Topic.IN_FORCE, Topic.ANCHORED)
CONCLUSIONS = (Topic.INTEGRITY, Topic.PROVENANCE)
"""Two for courts and never one: integrity since anchoring (Online Litigation Rules of the people's courts,
article 16), provenance before it (article 18)."""

# Inclusion and binding are in all but two: a record outside the batch, or under another's manifest or event, is signed
# and anchored by nobody, whatever true signature and true block it shows.
_STEPS = {
    Topic.UNALTERED: (Step.CONTAINER, Step.BYTES, Step.RECORD, Step.DISCLOSURES, Step.INCLUSION),
    Topic.ISSUED: (
        Step.INCLUSION, Step.BINDING, Step.SIGNATURE, Step.TIME, Step.PATH, Step.SIGNER_BINDING, Step.REVOCATION,
        Step.ACCREDITATION,
    ),
    Topic.IN_FORCE: (Step.STATUS, Step.VALIDITY),
    Topic.ANCHORED: (Step.INCLUSION, Step.BINDING, Step.FINALITY, Step.ANCHOR, Step.TIME),
    Topic.INTEGRITY: (
        Step.CONTAINER, Step.BYTES, Step.RECORD, Step.DISCLOSURES, Step.INCLUSION, Step.BINDING,
        Step.FINALITY, Step.ANCHOR, Step.TIME,
    ),
    Topic.PROVENANCE: (
        Step.INCLUSION, Step.BINDING, Step.SIGNATURE, Step.TIME, Step.PATH, Step.SIGNER_BINDING, Step.REVOCATION,
        Step.ACCREDITATION,
    ),
    Topic.NATIONAL_CHAIN: (
        Step.CONTAINER, Step.BYTES, Step.RECORD, Step.DISCLOSURES, Step.INCLUSION, Step.BINDING, Step.SIGNATURE,
        Step.TIME, Step.PATH, Step.REVOCATION,
    ),
    Topic.LEDGER_CHAIN: (
        Step.CONTAINER, Step.RECORD, Step.INCLUSION, Step.BINDING, Step.FINALITY, Step.ANCHOR, Step.SIGNER_BINDING,
        Step.ACCREDITATION,
    ),
}  # fmt: skip
# Of step 9 these lines, which give the instant, ask only whether it can be right: a missing token is not theirs.
_DATED = frozenset({Topic.ANCHORED, Topic.INTEGRITY})
# what an older system said of its records is stated, whoever vouches for the transfer
_SOURCES = frozenset({Topic.ISSUED, Topic.PROVENANCE})
_WRONG_TIMES = frozenset({"TIME_ORDER", "TIME_IN_FUTURE"})
_NOT_IN_FORCE = frozenset(
    {"STATUS_REVOKED", "STATUS_SUSPENDED", "STATUS_SUPERSEDED", "VALIDITY_EXPIRED", "VALIDITY_NOT_YET"}
)
_NOT_YET = {"VALIDITY_NOT_YET"}
# nothing is wrong with the record: who asks does not accept the authority that certified its office, or a seal in it
_NOT_RECOGNISED = frozenset(
    {"PATH_NOT_RECOGNISED", "PATH_RECOGNISED_LATER", "PATH_RECOGNITION_ENDED", "PATH_LEVEL_TOO_LOW"}
)


@dataclass(frozen=True, slots=True)
class Line:
    """One answer. ``outcome`` SKIPPED: not checked."""

    topic: Topic
    outcome: Outcome
    code: str
    values: dict[str, Any]

    def text(self, language: Language) -> str:
        return show(self.code, language, self.values)


def headline(results: Sequence[StepResult], indication: Indication) -> Headline:
    """The five answers. "Genuine but no longer in force" only if steps 0 to 13 passed and nothing but the
    status or the validity speaks against the record; a disowned batch or a false state is "does not
    match"."""
    if indication is Indication.TOTAL_PASSED:
        return Headline.VALID
    if indication is Indication.INDETERMINATE:
        return Headline.CANNOT_BE_DECIDED
    against = [f for r in results for f in r.findings if f.outcome is Outcome.FAILED]
    if any(f.code not in _NOT_IN_FORCE for f in against):
        return Headline.DOES_NOT_MATCH
    genuine = not any(
        r.outcome in (Outcome.FAILED, Outcome.UNDETERMINED) for r in results if r.step.value <= Step.ACCREDITATION.value
    )
    return Headline.NO_LONGER_IN_FORCE if genuine else Headline.CANNOT_BE_DECIDED


def headline_code(name: Headline, results: Sequence[StepResult]) -> str:
    """Code of the headline's words: what is not yet valid is no longer anything, and an authority that is not
    recognised here makes no contents differ."""
    against = {_decisive(f) for f in _findings(results) if f.outcome is Outcome.FAILED}
    if name is Headline.NO_LONGER_IN_FORCE and against == _NOT_YET:
        return "HEADLINE_NOT_YET_IN_FORCE"
    if name is Headline.DOES_NOT_MATCH and against <= _NOT_RECOGNISED | _NOT_IN_FORCE:
        return "HEADLINE_NOT_RECOGNISED"
    return name.code


def make_line(topic: Topic, results: Sequence[StepResult], values: dict[str, Any]) -> Line:
    """The line of ``topic`` from the steps behind it; ``values`` as the report has proved them."""
    chosen = [_asked(topic, r) for r in results if r.step in _STEPS[topic]]
    outcome = _outcome(chosen)
    if topic is Topic.IN_FORCE and outcome is Outcome.PASSED and _is_refuted(results):
        # Every leaf that was never ended is "active", those of forgeries too: no status of what is not genuine.
        outcome = Outcome.SKIPPED
    suffix = {Outcome.PASSED: "YES", Outcome.FAILED: "NO", Outcome.UNDETERMINED: "OPEN"}.get(outcome, "NOT_CHECKED")
    code = f"LINE_{topic.name}_{suffix}"
    if topic in _SOURCES and outcome is Outcome.FAILED and _is_only_unrecognised(chosen):
        code = f"LINE_{topic.name}_NOT_RECOGNISED"
    said = {f.code for f in _findings(chosen)} if outcome is Outcome.PASSED else set()
    if "BYTES_NOT_CHECKED" in said:
        code = f"LINE_{topic.name}_WITHOUT_FILE"
    elif topic in _SOURCES and "TIME_TAKEN_OVER" in said:
        code = f"LINE_{topic.name}_TAKEN_OVER"
    return Line(topic, outcome, code, values)


def _decisive(finding: Finding) -> Any:
    """Its code; of a decision on the record, which the same authority stands behind, what its own report says."""
    return finding.values.get("cause") if finding.code == "STATUS_STATEMENT_INVALID" else finding.code


def _is_only_unrecognised(results: Sequence[StepResult]) -> bool:
    """Who issued is proved, under an authority that is not accepted here."""
    against = {f.code for f in _findings(results) if f.outcome is not Outcome.PASSED}
    return against <= _NOT_RECOGNISED and not any(f.code == "STEP_NEEDS_EARLIER" for f in _findings(results))


def _asked(topic: Topic, result: StepResult) -> StepResult:
    """What of the step concerns the line."""
    if topic not in _DATED or result.step is not Step.TIME or result.outcome is Outcome.SKIPPED:
        return result
    found = tuple(f for f in result.findings if f.code in _WRONG_TIMES)
    return replace(result, findings=found, outcome=worst(found))


def _is_refuted(results: Sequence[StepResult]) -> bool:
    return any(r.outcome is Outcome.FAILED for r in results if r.step.value <= Step.ACCREDITATION.value)


def _outcome(results: Sequence[StepResult]) -> Outcome:
    """As of a step: failed, else open, else not checked where a step lacked its input, else passed."""
    outcomes = {r.outcome for r in results}
    for outcome in (Outcome.FAILED, Outcome.UNDETERMINED):
        if outcome in outcomes:
            return outcome
    blocked = any(f.code == "STEP_NEEDS_EARLIER" for f in _findings(results))
    return Outcome.SKIPPED if blocked or Outcome.PASSED not in outcomes else Outcome.PASSED


def _findings(results: Iterable[StepResult]) -> list[Finding]:
    return [f for r in results for f in r.findings]
