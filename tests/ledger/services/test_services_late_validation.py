"""Revocation data after the grace period: taken once, whatever fails; and what they say about a batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ledger_world import World

from ledger.assembly.auditing import audit
from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.bundles import Bundle, ValidationData
from ledger.core.trust import Trust
from ledger.core.verdicts import Indication, Step
from ledger.errors import UnavailableError
from ledger.outside.demo_authority import DemoAuthority
from ledger.ports import RevocationSource
from ledger.services.batch_signing import LATER_VALIDATION, VALIDATION
from ledger.services.late_validation import LateValidation
from ledger.store.segments import SegmentFolders
from ledger.verification import Facts, verify
from ledger.verification.report import Report

GRACE = 86_400


@pytest.fixture
def sealed(world: World) -> World:
    """One anchored record, ``ids["seal"]``."""
    world.ids["seal"] = world.issue_seal().id
    world.drain()
    return world


def bundle(world: World, name: str = "seal") -> Bundle:
    return world.app.bundling.bundle(world.row(world.ids[name]), None, state=True)


def judged(world: World, **policy: Any) -> Report:
    trust: Trust = world.app.trust.content()
    trust = replace(trust, policies=tuple(replace(each, **policy) for each in trust.policies))
    return verify(Facts(bundle(world).to_bytes(), (), trust, int(world.clock())))


def codes(report: Report) -> list[str]:
    step = next(result for result in report.steps if result.step is Step.REVOCATION)
    return [finding.code for finding in step.findings]


def segment(world: World) -> Any:
    with world.app.store.read() as unit:
        return world.app.segments.open(unit.batches.get(world.row(world.ids["seal"]).batch or 0).root)


def authority(world: World) -> DemoAuthority:
    """The one that certified office A."""
    leaf = world.app.signer(OFFICE_A).certificate
    for folder in world.app.home.authority_folders():
        found = DemoAuthority(folder)
        try:
            found.revocation().collect([leaf], int(world.clock()))
        except UnavailableError:
            continue
        return found
    raise AssertionError("no authority of office A")


def test_verdict_is_provisional_until_the_data_were_taken_again(sealed: World) -> None:
    app = sealed.app
    assert codes(judged(sealed)) == ["REVOCATION_PROVISIONAL"]
    strict = judged(sealed, revocation="final")
    assert (strict.indication, codes(strict)) == (Indication.INDETERMINATE, ["REVOCATION_FINAL_WANTED"])
    first = bundle(sealed).validation
    done = app.late_validation.run_due()
    assert (done.written, done.waiting, done.problems) == (0, 1, [])
    sealed.clock.sleep(GRACE + 10)
    done = app.late_validation.run_due()
    assert (done.written, done.waiting, done.problems) == (1, 0, [])
    later = bundle(sealed).validation
    assert later.certificates == first.certificates and not set(later.crls) & set(first.crls)
    strict = judged(sealed, revocation="final")
    assert (strict.indication, codes(strict)) == (Indication.TOTAL_PASSED, [])


def test_each_batch_once_and_later_ones_are_found(sealed: World) -> None:
    sealed.clock.sleep(GRACE + 10)
    assert sealed.app.late_validation.run_due().written == 1
    stored = segment(sealed).get(LATER_VALIDATION)
    sealed.close()
    assert sealed.app.late_validation.run_due().written == 0
    sealed.ids["second"] = sealed.issue_seal("乙章").id
    sealed.drain()
    done = sealed.app.late_validation.run_due()
    assert (done.written, done.waiting) == (0, 1)
    sealed.clock.sleep(GRACE + 10)
    assert sealed.app.late_validation.run_due().written == 1
    assert segment(sealed).get(LATER_VALIDATION) == stored
    assert bundle(sealed, "second").validation != bundle(sealed).validation


class Silent:
    """An authority that does not answer."""

    def collect(self, *_: Any, **__: Any) -> ValidationData:
        raise UnavailableError("REVOCATION_FETCH_NONE", issuer="CA", cause="FETCH_LATE", causeValues={})


class Another:
    """A source that meanwhile finds another chain."""

    def __init__(self, source: RevocationSource) -> None:
        self._source = source

    def collect(self, *asked: Any, **named: Any) -> ValidationData:
        found = self._source.collect(*asked, **named)
        return replace(found, certificates=())


def by(world: World, source: RevocationSource, holder: str = "other") -> LateValidation:
    return LateValidation(world.app.store, world.app.segments, lambda: source, GRACE, world.clock, holder)


def test_silent_authority_holds_back_its_batch_and_nothing_is_written(sealed: World) -> None:
    sealed.clock.sleep(GRACE + 10)
    for source, code in (
        (Silent(), "REVOCATION_FETCH_NONE"),
        (Another(sealed.app.revocation), "VALIDATION_OTHER_PATH"),
    ):
        done = by(sealed, source).run_due()
        assert (done.written, done.waiting, [p.code for p in done.problems]) == (0, 1, [code])
        assert "{" not in done.problems[0].text("zh")
        assert segment(sealed).get(LATER_VALIDATION) is None
    assert sealed.app.late_validation.run_due().written == 1


def test_nothing_more_is_asked_for_a_certificate_that_has_expired(sealed: World) -> None:
    sealed.clock.sleep(20 * 365 * 86_400)
    done = by(sealed, Silent()).run_due()
    assert (done.written, done.problems) == (0, [])


def test_two_processes_do_not_both_ask(sealed: World) -> None:
    sealed.clock.sleep(GRACE + 10)
    assert sealed.app.store.take_lease("validation", "the other", sealed.clock(), 60)
    done = sealed.app.late_validation.run_due()
    assert (done.written, done.waiting) == (0, 0)
    sealed.clock.sleep(61)
    assert sealed.app.late_validation.run_due().written == 1


def test_crash_between_two_media_is_mended_with_the_same_bytes(sealed: World, tmp_path: Path) -> None:
    sealed.clock.sleep(GRACE + 10)
    assert sealed.app.late_validation.run_due().written == 1
    stored = segment(sealed).get(LATER_VALIDATION)
    both = SegmentFolders(sealed.app.home.segments, tmp_path / "copy")
    again = LateValidation(sealed.app.store, both, Silent, GRACE, sealed.clock, "again")
    assert again.run_due().written == 1
    assert SegmentFolders(tmp_path / "copy").open(segment(sealed).root()).get(LATER_VALIDATION) == stored


def test_killed_before_the_write_it_begins_again(sealed: World) -> None:
    sealed.clock.sleep(GRACE + 10)
    sealed.worker("late-validation", fault="validation.collected")
    assert segment(sealed).get(LATER_VALIDATION) is None
    assert sealed.app.late_validation.run_due().written == 1
    assert codes(judged(sealed, revocation="final")) == []


def test_batch_on_its_way_is_not_passed_over_by_a_later_one(sealed: World) -> None:
    late, first = sealed.app.late_validation, sealed.row(sealed.ids["seal"]).batch or 0
    sealed.issue_seal("乙章")
    sealed.drain()
    sealed.clock.sleep(GRACE + 10)
    with sealed.app.store.begin() as unit:
        unit.batches.move(first, "receipted", "final")
    assert late.run_due().written == 1
    with sealed.app.store.begin() as unit:
        unit.batches.move(first, "final", "receipted")
    assert late.run_due().written == 1


@pytest.mark.parametrize("stolen", [False, True])
def test_what_was_reported_after_the_signature_is_seen(sealed: World, stolen: bool) -> None:
    """A revocation leaves what was signed before; a theft that turns out to be older does not."""
    leaf, signed = sealed.app.signer(OFFICE_A).certificate, int(sealed.clock())
    sealed.clock.sleep(100)
    authority(sealed).revoke(leaf, int(sealed.clock()), since=signed - 3600 if stolen else None)
    sealed.clock.sleep(GRACE)
    assert sealed.app.late_validation.run_due().written == 1
    report = judged(sealed)
    if stolen:
        assert (report.indication, codes(report)) == (Indication.TOTAL_FAILED, ["REVOCATION_REVOKED"])
    else:
        assert (report.indication, codes(report)) == (Indication.TOTAL_PASSED, ["REVOCATION_LATER"])


def test_earlier_data_stay_in_the_segment_and_an_audit_reads_both(sealed: World) -> None:
    before = segment(sealed).get(VALIDATION)
    sealed.clock.sleep(GRACE + 10)
    sealed.app.late_validation.run_due()
    assert segment(sealed).get(VALIDATION) == before
    assert audit(sealed.app, 0)[0].findings == ()
    root = segment(sealed).root().hex()
    file = sealed.app.home.segments / root[:2] / root[2:4] / root / LATER_VALIDATION
    file.chmod(0o600)
    file.write_bytes(b"{}")
    (finding,) = audit(sealed.app, 0)[0].findings
    assert (finding.code, finding.where.endswith(LATER_VALIDATION)) == ("AUDIT_PART_DIFFERS", True)
