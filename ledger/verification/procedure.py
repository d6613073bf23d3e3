"""The procedure: all steps over frozen facts, pure; the same for the command, the API, the page and the court
report.

Every step that can run does run (ETSI EN 319 102-1 clause 5.1.3): an early undetermined step must not hide a
later proven failure. A step whose input an earlier one could not establish is skipped, and never without that
earlier one having failed or stayed undetermined.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.core.bundles import Bundle
from ledger.core.verdicts import Outcome, Step, StepResult, compose, failed, noted, undetermined
from ledger.errors import ConfigError, InputError
from ledger.verification.case import Blocked, Case
from ledger.verification.facts import Facts
from ledger.verification.report import Report, make_report
from ledger.verification.steps import STEPS, Judge

BATCH_STEPS = tuple(step for step in Step if Step.BINDING.value <= step.value <= Step.ACCREDITATION.value)
"""Steps that are the same for every record of one batch, but for the record's own issuer, kind and type."""

_STATEMENT_STEPS = tuple(step for step in STEPS if step.value <= Step.ACCREDITATION.value)


def verify(facts: Facts) -> Report:
    """Judge one bundle. Never raises for hostile input: what breaks a rule is a failed step with its code."""
    return _report(Case(facts, _judge_statement), tuple(STEPS))


def _judge_statement(bundle: Bundle, case: Case) -> Report:
    """A statement by steps 0 to 13 under the same trust and jurisdiction; it has no status of its own."""
    facts = replace(
        case.facts,
        bundle=bundle.to_bytes(),
        documents=(),
        jurisdiction=case.jurisdiction,
        fresh_state=None,
        problems=(),
        known=None,
        sealed=None,
    )
    return _report(Case(facts, _judge_statement, case.tolerances), _STATEMENT_STEPS)


def _report(case: Case, chosen: tuple[Step, ...]) -> Report:
    found = [_run(step, STEPS[step], case) for step in chosen]
    results = tuple(sorted(_without_silence(found), key=lambda r: r.step.value))
    indication, cause = compose(results)
    return make_report(case, results, indication, cause)


def _run(step: Step, judge: Judge, case: Case) -> StepResult:
    try:
        return judge(case)
    except Blocked as e:
        return StepResult(step, Outcome.SKIPPED, (noted("STEP_NEEDS_EARLIER", step=e.step.value),))
    except InputError as e:
        finding = failed("STEP_REFUSED", cause=e.code, causeValues=e.values)
        return StepResult(step, Outcome.FAILED, (finding,))
    except ConfigError as e:
        # this machine lacks what the step needs (an algorithm): nothing against the record
        finding = undetermined("STEP_IMPOSSIBLE_HERE", cause=e.code, causeValues=e.values)
        return StepResult(step, Outcome.UNDETERMINED, (finding,))
    except Exception as e:
        # Hostile bytes must not stop the other steps; a fault of ours proves nothing against a record.
        return StepResult(step, Outcome.UNDETERMINED, (undetermined("STEP_FAULT", error=type(e).__name__),))


def _without_silence(results: list[StepResult]) -> list[StepResult]:
    """No vacuous truth: if nothing failed or stayed open, no step can have been skipped for want of
    another."""
    if any(r.outcome in (Outcome.FAILED, Outcome.UNDETERMINED) for r in results):
        return results
    return [replace(r, outcome=Outcome.UNDETERMINED) if is_blocked(r) else r for r in results]


def is_blocked(result: StepResult) -> bool:
    """Skipped for want of an earlier step, not because there was nothing to check."""
    return result.outcome is Outcome.SKIPPED and any(f.code == "STEP_NEEDS_EARLIER" for f in result.findings)
