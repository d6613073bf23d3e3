"""The report: five headlines, four lines, two conclusions, and words for every code."""

from __future__ import annotations

import json
from dataclasses import replace

import bundle_factory as f
import pytest
from verification_attacks import ATTACKS, Attack

from ledger.core.registries import Kind, Reason, State
from ledger.core.verdicts import Indication, Outcome, Step, StepResult, failed, undetermined
from ledger.errors import messages
from ledger.verification import Facts, Report, not_found, verify
from ledger.verification.lines import Headline, Line, Topic, headline, headline_code, make_line
from ledger.verification.words import duration, instant, tell


def by_name(name: str) -> Facts:
    return next(a.make() for a in ATTACKS if a.name == name)


HEADLINES = {
    "a_revoked_license": Headline.NO_LONGER_IN_FORCE,
    "an_expired_license": Headline.NO_LONGER_IN_FORCE,
    "a_changed_name": Headline.DOES_NOT_MATCH,
    "a_batch_that_was_disowned": Headline.DOES_NOT_MATCH,
    "a_state_sealed_by_a_stranger": Headline.DOES_NOT_MATCH,
    "the_state_taken_away": Headline.CANNOT_BE_DECIDED,
    "a_license_frozen_by_a_court": Headline.CANNOT_BE_DECIDED,
    "a_revocation_without_a_decision": Headline.CANNOT_BE_DECIDED,
}


@pytest.mark.parametrize("name", HEADLINES)
def test_headline_of(name: str) -> None:
    assert verify(by_name(name)).headline is HEADLINES[name]


def test_valid_headline() -> None:
    assert verify(f.facts(f.stapled())).headline is Headline.VALID


def test_no_longer_in_force_is_not_said_of_what_was_never_proved_genuine() -> None:
    unproved = f.issue(validation=f.validation(crls=()))
    report = verify(f.facts(f.changed(unproved, State.REVOKED)))
    assert report.indication is Indication.TOTAL_FAILED
    assert report.headline is Headline.CANNOT_BE_DECIDED


def test_not_found_is_never_forged_and_tells_an_issuer_from_a_stranger() -> None:
    here, issuer = not_found(), not_found(as_of_block=40)
    assert here.headline is issuer.headline is Headline.NOT_FOUND
    assert (here.exit_code, here.cause_code, issuer.cause_code) == (3, "NOT_KNOWN_HERE", "NOT_ISSUED")
    assert "40" in issuer.short("zh")
    assert all(line.outcome is Outcome.SKIPPED for line in here.lines)
    json.dumps(here.to_json())


def test_lines_that_were_not_checked_say_so() -> None:
    lines = {line.topic: line for line in verify(by_name("a_blank_after_the_bundle")).lines}
    assert lines[Topic.UNALTERED].code == "LINE_UNALTERED_NO"
    assert lines[Topic.ISSUED].code == "LINE_ISSUED_NOT_CHECKED"
    assert lines[Topic.ANCHORED].code == "LINE_ANCHORED_NOT_CHECKED"
    assert lines[Topic.IN_FORCE].code == "LINE_IN_FORCE_NOT_CHECKED"


def test_a_forged_record_under_an_honest_manifest_gets_no_tick_anywhere() -> None:
    report = verify(by_name("a_record_that_is_not_in_the_batch"))
    assert not any(line.outcome is Outcome.PASSED for line in (*report.lines, *report.conclusions))


@pytest.mark.parametrize(
    "name", ["the_event_of_another_batch", "another_manifest_over_the_same_root", "the_same_root_with_another_size"]
)
def test_a_manifest_beside_an_event_of_another_is_not_called_anchored(name: str) -> None:
    report = verify(by_name(name))
    lines = {line.topic: line.outcome for line in (*report.lines, *report.conclusions)}
    assert lines[Topic.ANCHORED] is lines[Topic.INTEGRITY] is lines[Topic.PROVENANCE] is Outcome.FAILED


def test_a_record_of_office_b_under_a_manifest_of_a_has_no_provenance() -> None:
    report = verify(by_name("a_record_of_office_b_under_the_manifest_of_a"))
    assert [line.outcome for line in report.conclusions] == [Outcome.FAILED, Outcome.FAILED]


def test_the_anchor_line_says_whether_one_or_several_sealed() -> None:
    one = verify(f.facts(f.stapled()))
    several = verify(f.facts(f.stapled(f.issue(chain=f.QBFT), chain=f.QBFT), trust=f.make_trust(f.QBFT)))
    assert "one operator" in one.lines[3].text("en") and "单方确认" in one.lines[3].text("zh")
    assert "Byzantine agreement" in several.lines[3].text("en") and "多机构共识" in several.lines[3].text("zh")


def test_integrity_and_provenance_are_two_conclusions() -> None:
    def conclusions(name: str) -> list[Outcome]:
        return [line.outcome for line in verify(by_name(name)).conclusions]

    assert conclusions("a_stolen_signing_key") == [Outcome.PASSED, Outcome.FAILED]
    assert conclusions("a_changed_name") == [Outcome.FAILED, Outcome.PASSED]
    assert conclusions("a_revoked_license") == [Outcome.PASSED, Outcome.PASSED]


def test_report_says_who_when_where_and_sealed_by_whom() -> None:
    report = verify(f.facts(f.stapled()))
    text = report.detailed("zh")
    for said in ("Office A", f.OFFICE_A, "CA root", "2027-01-15 16:00:00", "区块 12", "张三", "真实有效"):
        assert said in text
    assert "Issued by Office A" in report.short("en")
    sealer = report.proved["finality"]["sealers"][0]
    assert sealer == {"address": f.EMBEDDED.addresses[0].hex(), "organisation": f.OFFICE_A}


def test_claims_that_do_not_verify_are_not_shown() -> None:
    assert verify(by_name("a_changed_name")).claims == {}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
def test_every_finding_has_words_in_both_languages(attack: Attack) -> None:
    report = verify(attack.make())
    found = json.loads(json.dumps(report.to_json()))
    for step in found["steps"]:
        for finding in step["findings"]:
            assert finding["code"] in messages(), finding["code"]
            assert "{" not in finding["zh"] + finding["en"], finding
    assert "{" not in report.detailed("zh") + report.detailed("en")
    assert found["exitCode"] == {"TOTAL-FAILED": 1, "INDETERMINATE": 3}[found["indication"]]


def test_every_state_reason_and_kind_has_a_word() -> None:
    for registry in (State, Reason, Kind):
        for member in registry:
            assert f"WORD_{registry.__name__.upper()}_{member.word.upper()}" in messages()


def test_every_line_code_has_words() -> None:
    for topic in Topic:
        for outcome in Outcome:
            results = [StepResult(step, outcome) for step in Step]
            assert make_line(topic, results, {}).code in messages()


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((Outcome.FAILED, Outcome.UNDETERMINED), Outcome.FAILED),
        ((Outcome.UNDETERMINED, Outcome.PASSED), Outcome.UNDETERMINED),
        ((Outcome.SKIPPED, Outcome.PASSED), Outcome.PASSED),
        ((Outcome.SKIPPED, Outcome.SKIPPED), Outcome.SKIPPED),
    ],
)
def test_composition_of_a_line(outcomes: tuple[Outcome, Outcome], expected: Outcome) -> None:
    results = [StepResult(s, o) for s, o in zip((Step.STATUS, Step.VALIDITY), outcomes, strict=True)]
    line: Line = make_line(Topic.IN_FORCE, results, {})
    assert line.outcome is expected


def test_headline_of_a_mixed_failure_is_does_not_match() -> None:
    results = (
        StepResult(Step.STATUS, Outcome.FAILED, (failed("STATUS_REVOKED"),)),
        StepResult(Step.VALIDITY, Outcome.FAILED, (failed("STEP_REFUSED"),)),
    )
    assert headline(results, Indication.TOTAL_FAILED) is Headline.DOES_NOT_MATCH


def test_an_authority_that_is_not_recognised_here_makes_nothing_differ() -> None:
    honest = f.facts(f.stapled())
    elsewhere = tuple(replace(r, jurisdiction="HK") for r in honest.trust.recognitions)
    report = verify(replace(honest, trust=replace(honest.trust, recognitions=elsewhere)))
    assert (report.exit_code, report.cause_code) == (1, "PATH_NOT_RECOGNISED")
    told = report.to_json()["headline"]
    assert (told["name"], told["code"], told["zh"]) == (
        *("doesNotMatch", "HEADLINE_NOT_RECOGNISED", "所用证书机构未获本地认可"),
    )
    lines = {line.topic: line for line in (*report.lines, *report.conclusions)}
    assert lines[Topic.UNALTERED].outcome is lines[Topic.INTEGRITY].outcome is Outcome.PASSED
    for topic in (Topic.ISSUED, Topic.PROVENANCE):
        assert (lines[topic].outcome, lines[topic].code) == (Outcome.FAILED, f"LINE_{topic.name}_NOT_RECOGNISED")
        assert "None" not in lines[topic].text("en") and "–" not in lines[topic].text("zh")
    assert "内容或签发不符" not in report.detailed("zh")


def test_not_recognised_is_said_of_nothing_that_differs() -> None:
    unrecognised = StepResult(Step.PATH, Outcome.FAILED, (failed("PATH_NOT_RECOGNISED"),))
    changed = StepResult(Step.BYTES, Outcome.FAILED, (failed("BYTES_SIZE_DIFFERS"),))
    ended = StepResult(Step.STATUS, Outcome.FAILED, (failed("STATUS_REVOKED"),))
    open_ = StepResult(Step.REVOCATION, Outcome.UNDETERMINED, (undetermined("REVOCATION_MISSING"),))
    decided = StepResult(
        Step.STATUS, Outcome.FAILED, (failed("STATUS_STATEMENT_INVALID", cause="PATH_NOT_RECOGNISED"),)
    )
    forged = StepResult(Step.STATUS, Outcome.FAILED, (failed("STATUS_STATEMENT_INVALID", cause="CMS_SIGNATURE"),))
    for results, code in (
        ((unrecognised,), "HEADLINE_NOT_RECOGNISED"),
        ((unrecognised, ended, decided), "HEADLINE_NOT_RECOGNISED"),
        ((unrecognised, changed), "HEADLINE_DOES_NOT_MATCH"),
        ((unrecognised, forged), "HEADLINE_DOES_NOT_MATCH"),
        ((ended, changed), "HEADLINE_DOES_NOT_MATCH"),
    ):
        assert headline_code(headline(results, Indication.TOTAL_FAILED), results) == code
    assert make_line(Topic.ISSUED, (unrecognised, open_), {}).code == "LINE_ISSUED_NO"


def test_words_of_a_refusal_name_the_rule_behind_it() -> None:
    finding = undetermined("PATH_REFUSED", cause="PATH_NONE", causeValues={})
    assert messages()["PATH_NONE"]["en"] in tell(finding, "en")


def test_instants_and_ages_are_readable() -> None:
    assert instant(f.T) == "2027-01-15 16:00:00 UTC+8"
    assert instant(2**60) == str(2**60)
    assert [duration(s, "en") for s in (1, 200, 8000, 200_000)] == ["1 seconds", "3 minutes", "2 hours", "2 days"]


def test_report_is_frozen() -> None:
    report: Report = verify(f.facts(f.stapled()))
    assert replace(report, claims={}).headline is report.headline
    with pytest.raises(AttributeError):
        report.headline = Headline.NOT_FOUND  # type: ignore[misc]
