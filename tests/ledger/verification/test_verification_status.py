"""Status: which state is asked, when it speaks, and what a signed decision makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bundle_factory as f
import pytest

from ledger.core.bundles import Bundle
from ledger.core.registries import Reason, State
from ledger.core.verdicts import Indication, Outcome, Step, failed, undetermined
from ledger.verification import Report, verify
from ledger.verification.facts import IndexFacts

PASSED, FAILED, OPEN = Indication.TOTAL_PASSED, Indication.TOTAL_FAILED, Indication.INDETERMINATE


def status_codes(report: Report) -> set[str]:
    return {x.code for r in report.steps if r.step is Step.STATUS for x in r.findings}


def history(base: Bundle, *changes: tuple[State, int, Reason], **state: Any) -> Bundle:
    statements = [f.make_statement(base.record, s, at, why) for s, at, why in changes]
    entries = [f.entry_for(st, s, at, why) for st, (s, at, why) in zip(statements, changes, strict=True)]
    return f.stapled(base, entries=entries, statements=statements, **state)


DETAINED = (State.SUSPENDED, f.T + 10, Reason.DETAINED)
RETURNED = (State.ACTIVE, f.T + 30, Reason.RETURNED)


def test_revocation_names_date_reason_decision_and_block() -> None:
    report = verify(f.facts(f.changed(f.issue(), State.REVOKED)))
    assert report.indication is FAILED
    change = report.proved["status"]["change"]
    assert (change["state"], change["since"], change["reason"]) == ("revoked", f.T + 30, "cancelled")
    assert report.proved["status"]["block"] == 20


def test_superseded_names_its_successor() -> None:
    report = verify(f.facts(f.changed(f.issue(), State.SUPERSEDED, reason=Reason.RENEWED)))
    assert report.proved["status"]["change"]["successor"] == f.b64(b"\x09" * 32)


def test_status_is_that_of_the_instant_asked_about() -> None:
    bundle = history(f.issue(), DETAINED, RETURNED)
    at = {t: verify(f.facts(bundle, time_of_interest=f.T + t)) for t in (5, 20, 40)}
    assert [r.indication for r in at.values()] == [PASSED, FAILED, PASSED]
    assert "STATUS_CHANGED_SINCE" in status_codes(at[5])
    assert at[20].cause_code == "STATUS_SUSPENDED"


def test_a_decision_recorded_late_counts_from_its_effective_day() -> None:
    bundle = f.issue()
    statement = f.make_statement(bundle.record, State.REVOKED, f.T + 5, Reason.ANNULLED)
    entry = f.entry_for(statement, State.REVOKED, f.T + 5, Reason.ANNULLED, recorded=f.T + 80)
    stapled = f.stapled(bundle, entries=[entry], statements=[statement])
    assert verify(f.facts(stapled, time_of_interest=f.T + 6)).indication is FAILED
    assert verify(f.facts(stapled, time_of_interest=f.T + 4)).indication is PASSED


def test_annulment_restores_and_may_be_stated_before_it_takes_effect() -> None:
    base = f.issue()
    revoked = f.make_statement(base.record, State.REVOKED, f.T + 5, Reason.WITHDRAWN)
    annulled = f.make_statement(
        base.record, State.ACTIVE, f.T + 15, Reason.ANNULLED, record={"issuer": f.OFFICE_B}, office="B"
    )
    entries = [
        f.entry_for(revoked, State.REVOKED, f.T + 5, Reason.WITHDRAWN),
        f.entry_for(annulled, State.ACTIVE, f.T + 25, Reason.SET_ASIDE),
    ]
    report = verify(f.facts(f.stapled(base, entries=entries, statements=[revoked, annulled])))
    assert report.indication is PASSED


def test_only_an_end_can_be_annulled_by_another_office() -> None:
    """A thief of the account lifting a suspension with a foreign office's word and the reason of an annulment."""
    base = f.issue()
    held = f.make_statement(base.record, *DETAINED)
    foreign = f.make_statement(
        base.record, State.ACTIVE, f.T + 25, Reason.SET_ASIDE, record={"issuer": f.OFFICE_B}, office="B"
    )
    entries = [f.entry_for(held, *DETAINED), f.entry_for(foreign, State.ACTIVE, f.T + 25, Reason.SET_ASIDE)]
    report = verify(f.facts(f.stapled(base, entries=entries, statements=[held, foreign])))
    assert report.cause_code == "STATUS_STATEMENT_DIFFERS"


def test_superior_acts_for_the_office_with_its_own_decision() -> None:
    base = f.issue()
    statement = f.make_statement(
        base.record, State.REVOKED, f.T + 5, Reason.ANNULLED, record={"issuer": f.OFFICE_B}, office="B"
    )
    entry = f.entry_for(statement, State.REVOKED, f.T + 5, Reason.ANNULLED, actor=f.OFFICE_B)
    report = verify(f.facts(f.stapled(base, entries=[entry], statements=[statement])))
    assert report.cause_code == "STATUS_REVOKED"


def test_emergency_suspension_lifted_by_a_signed_decision_does_not_stay_open() -> None:
    base = f.issue()
    lifted = f.make_statement(base.record, State.ACTIVE, f.T + 30, Reason.RETURNED)
    entries = [f.entry_for(None, *DETAINED), f.entry_for(lifted, *RETURNED)]
    bundle = f.stapled(base, entries=entries, statements=[lifted])
    report = verify(f.facts(bundle))
    assert report.indication is PASSED
    assert "STATUS_UNSIGNED_EARLIER" in status_codes(report)
    assert verify(f.facts(bundle, time_of_interest=f.T + 20)).cause_code == "STATUS_UNSIGNED"


def test_holder_of_a_revoked_license_gains_nothing_by_dropping_the_decision() -> None:
    with_proof = f.changed(f.issue(), State.REVOKED)
    bundle = f.changed(f.issue(), State.REVOKED, without_batches=True)
    assert with_proof.state is not None and bundle.state is not None
    report = verify(f.facts(replace(bundle, state=replace(bundle.state, statements=()))))
    assert (report.indication, report.cause_code) == (OPEN, "STATUS_UNSIGNED")
    left = verify(f.facts(replace(with_proof, state=replace(with_proof.state, statements=()))))
    assert (left.indication, left.cause_code) == (FAILED, "STATUS_PROOF_REFUSED")


def test_decision_that_cannot_be_decided_leaves_the_status_open() -> None:
    base = f.issue()
    statement = f.make_statement(base.record, *DETAINED, validation=f.validation(crls=()))
    bundle = f.stapled(base, entries=[f.entry_for(statement, *DETAINED)], statements=[statement])
    assert verify(f.facts(bundle)).cause_code == "STATUS_STATEMENT_UNDETERMINED"


@pytest.mark.parametrize("listed", [0, 2])
def test_truncated_or_extended_history_fails(listed: int) -> None:
    bundle = history(f.issue(), DETAINED)
    assert bundle.state is not None
    entries = bundle.state.entries * listed
    report = verify(f.facts(replace(bundle, state=replace(bundle.state, entries=entries))))
    assert report.indication is FAILED
    assert "STATUS_HISTORY_DIFFERS" in status_codes(report)


def test_fresh_state_wins_over_an_older_stapled_one() -> None:
    stapled = f.stapled(time=f.T + 20)
    online = f.changed(f.issue(), State.REVOKED).state
    report = verify(f.facts(stapled, fresh_state=online))
    assert report.cause_code == "STATUS_REVOKED"


def test_older_online_answer_does_not_hide_a_newer_stapled_one() -> None:
    stapled = f.changed(f.issue(), State.REVOKED)
    old = f.make_state(f.issue(), time=f.T + 60)
    assert verify(f.facts(stapled, fresh_state=old)).cause_code == "STATUS_REVOKED"


def test_false_stapled_state_fails_even_beside_an_honest_online_one() -> None:
    false = f.stapled(code=b"\x0f" * 32)
    report = verify(f.facts(false, fresh_state=f.make_state(f.issue())))
    assert report.cause_code == "STATUS_PROOF_REFUSED"


def test_as_of_the_bundle_passes_years_later_and_prints_the_age() -> None:
    report = verify(f.facts(f.stapled(), now=f.T + 9 * 10**6, as_of_bundle=True))
    assert report.indication is PASSED
    assert "STATUS_AS_OF" in status_codes(report)
    assert report.proved["status"]["age"] == 9 * 10**6 - 90
    assert report.proved["validity"]["day"] == "2027-01-15"


def test_as_of_the_bundle_without_a_state_decides_nothing() -> None:
    report = verify(f.facts(f.issue(), as_of_bundle=True))
    assert report.cause_code == "STATUS_UNKNOWN_OFFLINE"
    assert report.steps[15].outcome is Outcome.SKIPPED


def test_stale_state_never_proves_a_suspension_either() -> None:
    report = verify(f.facts(history(f.issue(), DETAINED), now=f.T + 86_400))
    assert (report.indication, report.cause_code) == (OPEN, "STATUS_STALE")


def test_max_age_shortens_and_never_lengthens() -> None:
    assert verify(f.facts(f.stapled(), max_age=5)).cause_code == "STATUS_STALE"
    assert verify(f.facts(f.stapled(), now=f.T + 1000, max_age=10**6)).cause_code == "STATUS_STALE"


@pytest.mark.parametrize("problem", [undetermined("NOT_KNOWN_HERE"), failed("NOT_KNOWN_HERE")])
def test_a_network_fault_is_never_forged(problem: Any) -> None:
    offline = verify(f.facts(f.issue(), problems=(problem,)))
    assert offline.indication is OPEN
    assert verify(f.facts(f.stapled(), problems=(problem,))).indication is PASSED


def test_expiry_is_inclusive_and_in_shanghai() -> None:
    bundle = f.stapled(f.issue(f.make_record(valid_until="2027-01-15")))
    midnight = f.T + 8 * 3600  # 16:00 UTC is midnight in Shanghai
    late = replace(bundle, state=f.make_state(bundle, time=midnight - 1))
    assert verify(f.facts(late, now=midnight - 1)).indication is PASSED
    assert verify(f.facts(late, now=midnight)).cause_code == "VALIDITY_EXPIRED"


def test_statement_proves_itself_but_asks_for_its_own_status() -> None:
    statement = f.make_statement(f.make_record(), State.REVOKED, f.T, Reason.LAPSED)
    report = verify(f.facts(statement, documents=()))
    assert report.steps[13].outcome is Outcome.SKIPPED
    assert report.cause_code == "STATUS_UNKNOWN_OFFLINE"


def test_a_thief_cannot_repeat_a_decision_that_was_lifted() -> None:
    base = f.issue()
    bundle = history(base, DETAINED, RETURNED)
    assert bundle.state is not None
    entries = [*bundle.state.entries, bundle.state.entries[0]]
    report = verify(f.facts(f.stapled(base, entries=entries, statements=bundle.state.statements)))
    assert (report.indication, report.cause_code) == (OPEN, "STATUS_STATEMENT_REUSED")


def test_a_stapled_state_that_was_still_unsigned_is_settled_by_a_newer_one() -> None:
    base = f.issue()
    stapled = f.stapled(base, entries=[f.entry_for(None, *DETAINED)], time=f.T + 60)
    lifted = f.make_statement(base.record, State.ACTIVE, f.T + 30, Reason.RETURNED)
    entries = [f.entry_for(None, *DETAINED), f.entry_for(lifted, *RETURNED)]
    assert verify(f.facts(stapled)).cause_code == "STATUS_UNSIGNED"
    online = f.make_state(base, entries, [lifted])
    assert verify(f.facts(stapled, fresh_state=online)).indication is PASSED


def test_a_renewal_whose_predecessor_does_not_name_it_yet_passes_and_says_so() -> None:
    known = IndexFacts(40, (), (b"\x05" * 32,))
    report = verify(f.facts(f.stapled(), known=known))
    assert report.indication is Indication.TOTAL_PASSED
    assert "STATUS_SUPERSESSION_PENDING" in status_codes(report)


BAD_STATES = {
    "a_header_that_is_none": lambda bundle: replace(f.make_state(bundle), header=b"\xc0"),
    "a_block_sealed_by_a_stranger": lambda bundle: f.make_state(bundle, sealers=(9,)),
    "another_contract": lambda bundle: f.make_state(bundle, code=b"\x0f" * 32),
    "an_index_that_lags": lambda bundle: f.make_state(
        bundle, recorded=[f.entry_for(None, f.State.SUSPENDED, f.T + 30, f.Reason.DETAINED)]
    ),
    "a_decision_nobody_asked_for": lambda bundle: f.make_state(
        bundle, [], [f.make_statement(bundle.record, f.State.REVOKED, f.T, f.Reason.LAPSED)]
    ),
}


@pytest.mark.parametrize("name", BAD_STATES)
@pytest.mark.parametrize("is_stapled", [True, False])
def test_a_lying_or_lagging_node_makes_no_forgery_of_a_true_record(name: str, is_stapled: bool) -> None:
    bundle = f.issue()
    state = BAD_STATES[name](bundle)
    report = verify(f.facts(f.stapled(bundle) if is_stapled else bundle, fresh_state=state))
    assert report.indication is Indication.INDETERMINATE
    assert verify(f.facts(replace(bundle, state=state))).indication is Indication.TOTAL_FAILED


def test_a_revocation_that_a_node_proves_still_fails_the_record() -> None:
    bundle = f.issue()
    fresh = f.changed(bundle, f.State.REVOKED, time=f.NOW - 1).state
    report = verify(f.facts(f.stapled(bundle), fresh_state=fresh))
    assert report.cause_code == "STATUS_REVOKED"
