"""What the report says of acts: who froze, annulled, disowned, acted for whom, when and by which decision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bundle_factory as f
import pytest
from attacks_on_acts import by_court, lifted, on_batch

from ledger.core.registries import Reason, State
from ledger.core.verdicts import Indication, Outcome, Step
from ledger.verification import Report, verify
from ledger.verification.facts import IndexFacts, KnownAct
from ledger.verification.lines import Headline, Topic

PASSED, FAILED, OPEN = Indication.TOTAL_PASSED, Indication.TOTAL_FAILED, Indication.INDETERMINATE


def findings(report: Report, code: str) -> list[dict[str, Any]]:
    return [x.values for r in report.steps if r.step is Step.STATUS for x in r.findings if x.code == code]


def test_a_freeze_names_court_instant_and_decision() -> None:
    base = f.issue()
    bundle = f.stapled(base, frozen=True, court=f.OFFICE_B, statements=[by_court(base)])
    report = verify(f.facts(bundle))
    assert (report.indication, report.cause_code) == (OPEN, "STATUS_FROZEN")
    for language, words in (("zh", "冻结"), ("en", "frozen by")):
        text = report.short(language)  # type: ignore[arg-type]
        assert all(w in text for w in (words, "Office B", f.OFFICE_B, "2027-01-15 16:00:30", "杭市监决〔2027〕1 号"))
    assert report.proved["status"]["court"] == f.OFFICE_B


def test_a_freeze_proved_without_its_statement_still_names_the_court() -> None:
    report = verify(f.facts(f.stapled(frozen=True, court=f.OFFICE_B)))
    assert f.OFFICE_B in report.short("zh")
    assert findings(report, "STATUS_FROZEN")[0]["since"] is None


def test_the_index_adds_who_disowned_a_batch_and_proves_nothing() -> None:
    known = IndexFacts(40, (), (), (KnownAct("Disowned", f.OFFICE_A, f.OFFICE_B, f.T + 30),))
    base = f.issue()
    bundle = f.stapled(base, batch={"disowned": 1}, statements=[on_batch(base)])
    offline, online = verify(f.facts(bundle)), verify(f.facts(bundle, known=known))
    assert offline.cause_code == online.cause_code == "STATUS_BATCH_DISOWNED"
    assert "confirmed by another organisation" in offline.short("en")
    assert f"{f.OFFICE_A}, together with {f.OFFICE_B}" in online.short("en")
    assert verify(f.facts(f.stapled(), known=known)).indication is PASSED


def test_an_annulment_names_both() -> None:
    base = f.issue()
    revoked = f.make_statement(base.record, State.REVOKED, f.T + 5, Reason.WITHDRAWN)
    annulled = f.make_statement(base.record, State.ACTIVE, f.T + 15, Reason.SET_ASIDE)
    entries = [
        f.entry_for(revoked, State.REVOKED, f.T + 5, Reason.WITHDRAWN),
        f.entry_for(annulled, State.ACTIVE, f.T + 25, Reason.SET_ASIDE, actor=f.OFFICE_B),
    ]
    bundle = f.stapled(base, entries=entries, statements=[revoked, annulled])
    report = verify(f.facts(bundle))
    assert report.indication is PASSED
    (said,) = findings(report, "STATUS_ANNULLED")
    assert (said["whoValues"]["first"], said["whoValues"]["second"]) == (f.OFFICE_A, f.OFFICE_B)
    assert verify(f.facts(bundle, time_of_interest=f.T + 20)).cause_code == "STATUS_REVOKED"


def test_an_annulment_by_the_council_says_so() -> None:
    base, council = f.issue(), "0x" + "0c" * 32
    revoked = f.make_statement(base.record, State.REVOKED, f.T + 5, Reason.WITHDRAWN)
    annulled = f.make_statement(base.record, State.ACTIVE, f.T + 15, Reason.SET_ASIDE)
    entries = [
        f.entry_for(revoked, State.REVOKED, f.T + 5, Reason.WITHDRAWN),
        f.entry_for(annulled, State.ACTIVE, f.T + 25, Reason.SET_ASIDE, actor=council),
    ]
    report = verify(f.facts(f.stapled(base, entries=entries, statements=[revoked, annulled])))
    assert report.indication is PASSED
    assert "联盟理事会" in report.detailed("zh") and council not in report.detailed("zh")


@pytest.mark.parametrize(
    ("capacity", "code", "words"),
    [
        ("successor", "DECIDED_BY_SUCCESSOR", "承继机构"),
        ("superior", "DECIDED_BY_SUPERIOR", "上级机构"),
        (None, "DECIDED_BY_OTHER", "承继或上级机构"),
        ("emperor", "DECIDED_BY_OTHER", "承继或上级机构"),
    ],
)
def test_who_acts_for_another_office_is_said(capacity: str | None, code: str, words: str) -> None:
    base = f.issue()
    says = {} if capacity is None else {"capacity": capacity}
    change = (State.REVOKED, f.T + 5, Reason.WITHDRAWN)
    statement = f.make_statement(base.record, *change, says=says, record={"issuer": f.OFFICE_B}, office="B")
    bundle = f.stapled(base, entries=[f.entry_for(statement, *change, actor=f.OFFICE_B)], statements=[statement])
    report = verify(f.facts(bundle))
    assert report.proved["status"]["change"]["who"] == code
    assert all(w in report.short("zh") for w in (words, "Office B", f.OFFICE_B))


def test_a_stolen_decision_that_was_undone_holds_up_nobody() -> None:
    """A thief revoked by a decision in a batch that was disowned since; two organisations set that aside."""
    base = f.issue()
    stolen = f.make_statement(base.record, State.REVOKED, f.T + 5, Reason.WITHDRAWN)
    annulled = f.make_statement(base.record, State.ACTIVE, f.T + 15, Reason.SET_ASIDE)
    entries = [
        f.entry_for(stolen, State.REVOKED, f.T + 5, Reason.WITHDRAWN),
        f.entry_for(annulled, State.ACTIVE, f.T + 25, Reason.SET_ASIDE, actor=f.OFFICE_B),
    ]
    disowned = {stolen.record.leaf(): {"disowned": 1}}
    bundle = f.stapled(base, entries=entries, statements=[stolen, annulled], batches_of=disowned)
    report = verify(f.facts(bundle))
    assert report.indication is PASSED
    assert findings(report, "STATUS_STATEMENT_DISOWNED")
    alone = f.stapled(base, entries=entries[:1], statements=[stolen], batches_of=disowned)
    assert verify(f.facts(alone)).cause_code == "STATUS_STATEMENT_DISOWNED"


def test_a_reinstated_license_passes_with_the_batches_of_its_decisions() -> None:
    assert verify(lifted()).indication is PASSED


def test_what_is_not_yet_valid_is_not_called_ended() -> None:
    bundle = f.stapled(f.issue(f.make_record(valid_from="2028-01-01", valid_until="2029-01-01")))
    report = verify(f.facts(bundle))
    assert report.headline is Headline.NO_LONGER_IN_FORCE
    assert report.short("zh").startswith("真实，尚未生效")
    assert report.to_json()["headline"]["en"] == "Genuine but not yet in force"
    expired = f.stapled(f.issue(f.make_record(valid_from="2025-01-01", valid_until="2026-01-01")))
    assert verify(f.facts(expired)).short("zh").startswith("真实，现已失效")


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [({"after_time": f.T + 1000}, Outcome.FAILED), ({"time": f.NOW + 5000}, Outcome.UNDETERMINED)],
)
def test_an_instant_that_cannot_be_right_leaves_no_tick_on_the_anchor(
    changes: dict[str, Any], outcome: Outcome
) -> None:
    report = verify(f.facts(f.issue(**changes)))
    lines = {line.topic: line.outcome for line in (*report.lines, *report.conclusions)}
    assert lines[Topic.ANCHORED] is lines[Topic.INTEGRITY] is outcome


def test_a_missing_token_is_not_the_anchor_s_fault() -> None:
    policies = (f.make_policy(token="required"),)
    report = verify(f.facts(f.stapled(), trust=f.make_trust(policies=policies)))
    assert report.lines[3].outcome is Outcome.PASSED


def test_a_disowned_freeze_statement_only_loses_its_words() -> None:
    base = f.issue()
    bundle = f.stapled(
        base, frozen=True, court=f.OFFICE_B, statements=[by_court(base)], statement_batch={"disowned": 1}
    )
    report = verify(f.facts(bundle))
    assert report.cause_code == "STATUS_FROZEN"
    assert "杭市监决" not in report.short("zh")


def test_dropping_the_freeze_s_statement_never_helps() -> None:
    base = f.issue()
    bundle = f.stapled(base, frozen=True, court=f.OFFICE_B, statements=[by_court(base)])
    assert bundle.state is not None
    without = replace(bundle, state=replace(bundle.state, statements=()))
    assert verify(f.facts(without)).indication is not PASSED
