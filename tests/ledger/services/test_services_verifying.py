"""What is on its way, erased or silent is said as such; only the procedure says "does not match"."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ledger_world import World

from ledger.assembly.demo_plan import NOTARY, OFFICE_A
from ledger.core.records import FileDigest
from ledger.core.registries import State
from ledger.core.verdicts import Indication
from ledger.crypto.digests import digest_path
from ledger.errors import UnavailableError
from ledger.services.offline import Question
from ledger.services.verifying import NO_SM3
from ledger.verification.lines import Headline
from ledger.verification.report import together

VALUES = {"title": "页面", "source": "取证系统", "submitter": "甲", "collectedAt": "2026-11-01", "method": "导出"}


OTHER = FileDigest(17, bytes(32), NO_SM3)
BYTES = ("BYTES_SIZE_DIFFERS", "BYTES_DIGEST_DIFFERS")


def deposit(world: World, path: Path, depositor: str = OFFICE_A) -> str:
    return world.app.issuing.deposit(depositor, world.app.types.get("evidence"), [path], VALUES).id


def test_a_record_on_its_way_is_pending_and_not_unknown(world: World) -> None:
    seal = world.issue_seal()
    report = world.app.verifying.by_id(seal.id, Question())
    assert (report.headline, report.exit_code) == (Headline.CANNOT_BE_DECIDED, 3)
    assert [r.code for r in report.remarks] == ["RECORD_PENDING"]


def test_a_second_deposit_on_its_way_does_not_hide_the_first(world: World, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>页面</title>", "utf-8")
    document = digest_path(page)
    deposit(world, page)
    world.drain()
    deposit(world, page)
    report = world.app.verifying.by_file(document, Question((document,)))
    assert report.indication is Indication.TOTAL_PASSED


def test_several_offices_with_a_record_of_one_file_are_all_heard(demo: World, tmp_path: Path) -> None:
    """Whoever deposits another office's license as evidence does not hide what that office says about it."""
    (tmp_path / "license.pdf").write_bytes(b"%PDF-1.7 invented")
    file = digest_path(tmp_path / "license.pdf")
    (alone,) = demo.app.verifying.all_by_file(file, Question((file,)))
    assert together([alone])["name"] == "valid"
    deposit(demo, tmp_path / "license.pdf", NOTARY)
    demo.drain()
    both = demo.app.verifying.all_by_file(file, Question((file,)))
    assert [r.proved["record"]["issuer"] for r in both] == [NOTARY, OFFICE_A]
    assert together(both)["name"] == "valid"
    demo.change(demo.row(demo.ids["filed"]).leaf, State.REVOKED)
    demo.drain()
    both = demo.app.verifying.all_by_file(file, Question((file,)))
    assert [r.headline for r in both] == [Headline.VALID, Headline.NO_LONGER_IN_FORCE]
    assert together(both)["name"] == "severalDiffer"
    (nobody,) = demo.app.verifying.all_by_file(replace(file, sha256=bytes(32)), Question())
    assert nobody.headline is Headline.NOT_FOUND


def test_a_document_without_sm3_is_compared_by_size_and_sha256(demo: World, tmp_path: Path) -> None:
    (tmp_path / "license.pdf").write_bytes(b"%PDF-1.7 invented")
    file = replace(digest_path(tmp_path / "license.pdf"), sm3=NO_SM3)
    bundle = demo.app.bundling.bundle(demo.row(demo.ids["filed"]), None, state=False).to_bytes()
    for document, passed in ((file, True), (replace(file, size=file.size + 1), False), (OTHER, False)):
        report = demo.app.verifying.bundle(bundle, Question((document,)))
        assert (report.indication is Indication.TOTAL_PASSED) == passed
        assert report.indication is Indication.TOTAL_PASSED or report.cause_code in BYTES


def test_a_file_that_nobody_deposited_is_not_found_and_never_forged(world: World, tmp_path: Path) -> None:
    page = tmp_path / "other.html"
    page.write_text("other", "utf-8")
    report = world.app.verifying.by_file(digest_path(page), Question())
    assert (report.headline, report.exit_code) == (Headline.NOT_FOUND, 3)


def test_an_erased_record_is_erased_and_not_missing(demo: World) -> None:
    row = demo.row(demo.ids["plain"])
    demo.app.vault.erase([row.vault])
    report = demo.app.verifying.by_id(demo.ids["plain"], Question())
    assert [r.code for r in report.remarks] == ["RECORD_ERASED"]


def test_a_silent_chain_leaves_the_status_open(demo: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise UnavailableError("CHAIN_BEHIND", block=1)

    monkeypatch.setattr(demo.app.chain, "state_header", silent)
    report = demo.app.verifying.by_id(demo.ids["plain"], Question())
    assert report.indication is Indication.INDETERMINATE
    assert report.headline is Headline.CANNOT_BE_DECIDED
