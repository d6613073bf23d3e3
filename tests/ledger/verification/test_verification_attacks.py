"""Every step stops its attacks by name, and nothing else would: without the step the verdict is another."""

from __future__ import annotations

from dataclasses import replace

import bundle_factory as f
import pytest
from verification_attacks import ATTACKS, Attack

from ledger.core.verdicts import Indication, Outcome, Step, StepResult
from ledger.verification import Facts, Report, verify
from ledger.verification.case import Case
from ledger.verification.steps import STEPS

BY_NAME = pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)


def codes(report: Report, step: Step) -> set[str]:
    return {
        found.code
        for result in report.steps
        if result.step is step
        for found in result.findings
        if found.outcome is not Outcome.PASSED
    }


def without(step: Step, facts: Facts, monkeypatch: pytest.MonkeyPatch) -> Report:
    """The verdict of a procedure in which ``step`` reads what it reads and finds nothing wrong."""
    real = STEPS[step]

    def passing(case: Case) -> StepResult:
        return StepResult(step, Outcome.PASSED, (), real(case).proved)

    monkeypatch.setitem(STEPS, step, passing)
    return verify(facts)


def test_honest_license_passes() -> None:
    report = verify(f.facts(f.stapled()))
    assert report.indication is Indication.TOTAL_PASSED
    assert [r.outcome for r in report.steps] == [Outcome.PASSED] * 16 + [Outcome.SKIPPED]  # no seals at hand


def test_honest_license_of_four_validators_passes_where_a_court_asks_for_bft() -> None:
    bundle = f.stapled(f.issue(chain=f.QBFT), chain=f.QBFT)
    trust = f.make_trust(f.QBFT, policies=(f.make_policy(finality="bft"),))
    report = verify(f.facts(bundle, trust=trust))
    assert report.indication is Indication.TOTAL_PASSED
    assert report.proved["finality"]["kind"] == "bft"


def test_two_signatures_pass_together() -> None:
    assert verify(f.facts(f.stapled(f.issue(signatures=2)))).indication is Indication.TOTAL_PASSED


def test_after_may_be_the_genesis_block() -> None:
    trust = f.make_trust(chains=(f.make_chain(identity=f.genesis_identity()),))
    bundle = f.stapled(f.issue(after_block=0, manifest={"chain": f.genesis_identity()}))
    assert verify(f.facts(bundle, trust=trust)).indication is Indication.TOTAL_PASSED


@BY_NAME
def test_attack_is_stopped(attack: Attack) -> None:
    report = verify(attack.make())
    assert report.indication is attack.indication
    assert attack.code in codes(report, attack.step)
    # by the step that is named, and not only by another that notices it, too
    (result,) = [r for r in report.steps if r.step is attack.step]
    assert result.outcome is (Outcome.FAILED if attack.indication is Indication.TOTAL_FAILED else Outcome.UNDETERMINED)
    assert not any(x.code == "STEP_FAULT" for r in report.steps for x in r.findings)


@BY_NAME
def test_attack_would_get_further_without_its_step(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = verify(attack.make()), without(attack.step, attack.make(), monkeypatch)
    if attack.alone:
        assert after.indication is Indication.TOTAL_PASSED
    else:
        assert after.steps != before.steps


@pytest.mark.parametrize("step", list(STEPS), ids=lambda s: s.name)
def test_every_step_has_an_attack(step: Step) -> None:
    assert any(a.step is step for a in ATTACKS)


@pytest.mark.parametrize("step", [s for s in STEPS if s not in (Step.CONTAINER, Step.ANCHOR)], ids=lambda s: s.name)
def test_every_step_alone_stops_something(step: Step) -> None:
    assert any(a.step is step and a.alone for a in ATTACKS)


def test_an_early_open_step_does_not_hide_a_later_failure() -> None:
    lists = f.validation(crls=())
    bundle = f.changed(f.issue(validation=lists), f.State.REVOKED)
    report = verify(f.facts(bundle))
    assert report.indication is Indication.TOTAL_FAILED
    assert report.cause is not None and report.cause.step is Step.STATUS


def test_a_skipped_step_never_passes_by_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STEPS, Step.FINALITY, lambda case: StepResult(Step.FINALITY, Outcome.PASSED))
    report = verify(f.facts(f.stapled()))
    assert report.indication is Indication.INDETERMINATE


def test_a_fault_of_the_verifier_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(case: Case) -> StepResult:
        raise KeyError("fault")

    monkeypatch.setitem(STEPS, Step.INCLUSION, broken)
    report = verify(f.facts(f.stapled()))
    assert report.indication is Indication.INDETERMINATE
    assert report.cause_code == "STEP_FAULT"


def test_content_that_was_not_given_is_said_to_be_unchecked() -> None:
    report = verify(f.facts(f.stapled(), documents=()))
    assert report.indication is Indication.TOTAL_PASSED
    assert report.steps[1].outcome is Outcome.SKIPPED
    assert report.lines[0].code == "LINE_UNALTERED_WITHOUT_FILE"


def test_taken_over_number_is_read_leniently() -> None:
    id_ = f.make_record().id
    wrong = id_[:-1] + ("0" if id_[-1] != "0" else "1")
    report = verify(f.facts(f.stapled(f.issue(f.make_record(id=wrong, origin="takenOver")))))
    assert report.indication is Indication.TOTAL_PASSED
    assert report.steps[2].findings[0].code == "RECORD_ID_LENIENT"


def test_both_proved_times_before_a_compromise_leave_the_record_untouched() -> None:
    fallen = f.CompromisedSigner(f.OFFICE_A, f.leaf("A").sha256, f.T + 1)
    trust = f.make_trust(compromised_signers=(fallen,), authorities=(f.make_authority(compromised_since=f.T + 1),))
    assert verify(f.facts(f.stapled(), trust=trust)).indication is Indication.TOTAL_PASSED


def test_a_later_revocation_does_not_touch_an_earlier_signature() -> None:
    serial = f.leaf("A").x509.serial_number
    later = f.crl(f.ISSUING, f.T + 60, serial, f.T + 30)
    bundle = f.stapled(f.issue(validation=f.validation(crls=tuple(sorted((f.crl(f.ROOT), later))))))
    assert verify(f.facts(bundle)).indication is Indication.TOTAL_PASSED


def test_late_and_implausible_closing_are_said_and_not_failed() -> None:
    late = verify(f.facts(f.stapled(f.issue(manifest={"closed": f.T - 50}, after_time=f.T - 200_000))))
    early = verify(f.facts(f.stapled(f.issue(manifest={"closed": f.T - 10**6}))))
    long = f.issue(manifest={"closed": f.T - 100_000}, after_time=f.T - 200_000)
    slow = verify(f.facts(f.stapled(long)))
    assert {late.indication, early.indication, slow.indication} == {Indication.TOTAL_PASSED}
    assert "TIME_CLOSED_IMPLAUSIBLE" in {x.code for x in early.steps[9].findings}
    assert [x.values["hours"] for x in slow.steps[9].findings if x.code == "TIME_LATE"] == [27]


def test_policy_of_the_relying_party_replaces_that_of_the_accreditation() -> None:
    strict = f.make_policy(jurisdiction="CN-SC", finality="bft")
    facts = f.facts(f.stapled(), trust=f.make_trust(policies=(f.make_policy(), strict)))
    assert verify(facts).indication is Indication.TOTAL_PASSED
    assert verify(replace(facts, jurisdiction="CN-SC")).cause_code == "FINALITY_SINGLE"
