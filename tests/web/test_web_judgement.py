"""The page's judgement of a bundle against the ledger's own, step by step: never better, and the same wherever both
check. Every bundle under ``tests/vectors/bundles``, fresh ones of a ledger, and bundles with flipped bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_world import OFFICE_A, World
from timestamp_kit import Server, make_tsa
from web_kit import Modules

from api.web.translations import finding_words
from ledger.assembly.demo_plan import COURT
from ledger.core.records import FileDigest
from ledger.core.registries import State
from ledger.core.trust import TrustFile
from ledger.crypto.cms import assemble, signed_attributes, verify_detached
from ledger.services.acting import RELATING, RecordsAct
from ledger.verification import Facts, verify

BUNDLES = Path(__file__).resolve().parents[1] / "vectors" / "bundles"
NOT_CHECKED = {10, 12, 16}
BY_SIGNATURE = {5, 6, 11}
"""Open, or resting on what is open, where the browser cannot check a signature: by SM2, above all."""
NAMES = [case["name"] for case in json.loads((BUNDLES / "cases.json").read_text("utf-8"))["cases"]]
CASES = {case["name"]: case for case in json.loads((BUNDLES / "cases.json").read_text("utf-8"))["cases"]}
FRESH = ("filed", "plain", "revoked", "suspended", "old", "new", "business", "evidence", "seal")
FLIPPED = ("an-honest-license", "an-honest-license-on-four-validators", "a-revoked-license")
NOW: dict[str, Any] = {"documents": [], "timeOfInterest": None, "maxAge": None, "jurisdiction": None}
BY_STATEMENTS = {
    "STATUS_REVOKED", "STATUS_SUSPENDED", "STATUS_SUPERSEDED", "STATUS_STATEMENT_UNDETERMINED", "STATUS_UNSIGNED",
    "STATUS_ANNULLED",
    "STATUS_STATEMENT_INVALID",
}  # fmt: skip
"""Hang on whether a decision stands, which needs its certificate's path: the page leaves them open."""


BY_TIME, TOKEN_OPEN = (9, 11), "TIME_TOKEN_NOT_CHECKED_HERE"


def judged(modules: Modules, bundle: bytes, trust: bytes, question: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The page's report and the ledger's."""
    documents = tuple(FileDigest.from_json(d, "document") for d in question["documents"])
    shown = [{"size": d.size, "sha256": d.sha256.hex(), "sm3": d.sm3.hex()} for d in documents]
    asked = {name: value for name, value in question.items() if name != "documents"}
    given_ = {"bundle": bundle.hex(), "trust": trust.decode(), "documents": shown, "words": finding_words("zh")}
    found = modules.ask("judge", {**given_, "language": "zh", **asked})
    facts = Facts(
        bundle=bundle,
        documents=documents,
        trust=TrustFile.from_bytes(trust).content,
        now=question["now"],
        time_of_interest=question["timeOfInterest"],
        as_of_bundle=question["asOfBundle"],
        max_age=question["maxAge"],
        jurisdiction=question["jurisdiction"],
    )
    return found["gives"], verify(facts).to_json()


def compare(page: dict[str, Any], ledger: dict[str, Any]) -> None:
    assert page["indication"] != "TOTAL-PASSED"
    assert page["headline"]["name"] in ("doesNotMatch", "cannotBeDecided")
    assert [s["step"] for s in page["steps"]] == [s["step"] for s in ledger["steps"]]
    left_open = "STEP_NOT_CHECKED_HERE" in codes(page["steps"][6])
    for ours, theirs in zip(page["steps"], ledger["steps"], strict=True):
        assert "STEP_FAULT" not in codes(ours), ours
        if ours["step"] in NOT_CHECKED:
            assert (ours["outcome"], codes(ours)) == ("skipped", ["STEP_NOT_CHECKED_HERE"])
        elif ours["step"] == 14:
            compare_status(ours, theirs)
        elif ours["step"] in BY_TIME and TOKEN_OPEN in codes(page["steps"][9]):
            compare_times(ours, theirs)
        elif ours["step"] in BY_SIGNATURE and left_open:
            assert ours["outcome"] == ("failed" if failures(ours) else "skipped")
            assert set(failures(ours)) <= set(failures(theirs))
        else:
            assert (ours["outcome"], codes(ours)) == (theirs["outcome"], codes(theirs)), ours["step"]
            if "CMS_ALGORITHM" not in causes(theirs):  # a point on no curve: the page sees that something else differs
                assert causes(ours) == causes(theirs)
    open_steps = NOT_CHECKED | (BY_SIGNATURE if left_open else set())
    open_steps |= set(BY_TIME) if TOKEN_OPEN in codes(page["steps"][9]) else set()
    checked = [s for s in ledger["steps"] if s["step"] not in open_steps]
    refuted = [s for s in checked if s["outcome"] == "failed" and not set(failures(s)) <= BY_STATEMENTS]
    if refuted:
        assert page["indication"] == "TOTAL-FAILED"
        # only the whole procedure can say that a record which is not in force is genuine
        expected = {"noLongerInForce": "cannotBeDecided"}.get(ledger["headline"]["name"], ledger["headline"]["name"])
        assert page["headline"]["name"] == expected
    for line in page["lines"]:
        theirs = next(other for other in ledger["lines"] if other["topic"] == line["topic"])
        assert line["outcome"] != "passed" or theirs["outcome"] == "passed"
        assert line["zh"] != line["code"], "a line without words"


def compare_times(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Of a token the page says that it is there, and leaves open what hangs on its time."""
    assert ours["outcome"] != "passed" or theirs["outcome"] == "passed"
    assert ours["outcome"] != "failed" or theirs["outcome"] == "failed"
    told = [{c for c in codes(step) if not c.startswith("TIME_TOKEN_")} for step in (ours, theirs)]
    assert told[0] == told[1] or ours["outcome"] == "undetermined"


def compare_status(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    if theirs["outcome"] != "passed":
        assert ours["outcome"] != "passed"
    assert ours["outcome"] != "failed" or theirs["outcome"] == "failed", (codes(ours), codes(theirs))
    assert "STATUS_STATEMENT_INVALID" not in codes(ours) or "STATUS_STATEMENT_INVALID" in codes(theirs)
    assert set(codes(ours)) - BY_STATEMENTS == set(codes(theirs)) - BY_STATEMENTS


def codes(step: dict[str, Any]) -> list[str]:
    return sorted(finding["code"] for finding in step["findings"])


def causes(step: dict[str, Any]) -> list[str]:
    return sorted(str(finding["values"].get("cause")) for finding in step["findings"])


def failures(step: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in step["findings"] if finding["outcome"] == "failed"]


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_bundle_is_never_judged_better(modules: Modules, name: str) -> None:
    case = CASES[name]
    page, ledger = judged(
        modules, (BUNDLES / f"{name}.zyb").read_bytes(), (BUNDLES / case["trust"]).read_bytes(), case["question"]
    )
    compare(page, ledger)
    words = [finding["zh"] for step in page["steps"] for finding in step["findings"]]
    assert all(not text.isascii() for text in words), "a finding without words"


@pytest.mark.parametrize("name", FRESH)
@pytest.mark.parametrize("as_of_bundle", [False, True])
def test_a_fresh_bundle_is_judged_as_far_as_a_page_can(
    modules: Modules, shared_demo: World, name: str, as_of_bundle: bool
) -> None:
    app = shared_demo.app
    bundle = app.bundling.bundle(shared_demo.row(shared_demo.ids[name]), None, state=True).to_bytes()
    question = {**NOW, "now": int(shared_demo.clock()), "asOfBundle": as_of_bundle}
    page, ledger = judged(modules, bundle, app.trust.current().to_bytes(), question)
    compare(page, ledger)
    assert page["headline"]["name"] == "cannotBeDecided"


def freeze(demo: World) -> None:
    demo.act(RecordsAct.FREEZE, COURT, OFFICE_A, demo.row(demo.ids["plain"]).leaf)
    demo.drain()


def disown(demo: World) -> None:
    with demo.app.store.read() as unit:
        row = demo.row(demo.ids["plain"])
        assert row.batch is not None
        root = unit.batches.get(row.batch).root
    for actor in (OFFICE_A, COURT):
        demo.act(RecordsAct.DISOWN, actor, OFFICE_A, root)
        demo.drain()


def annul(demo: World) -> None:
    leaf = demo.row(demo.ids["plain"]).leaf
    demo.change(leaf, State.REVOKED)
    demo.drain()
    for actor in (OFFICE_A, COURT):
        demo.act(RecordsAct.ANNUL, actor, OFFICE_A, leaf)
        demo.drain()


@pytest.mark.parametrize("act", [freeze, disown, annul])
def test_what_a_court_or_two_organisations_did_is_seen_by_both(
    modules: Modules, demo: World, act: Callable[[World], None]
) -> None:
    act(demo)
    bundle = demo.app.bundling.bundle(demo.row(demo.ids["plain"]), None, state=True).to_bytes()
    for as_of_bundle in (False, True):
        question = {**NOW, "now": int(demo.clock()), "asOfBundle": as_of_bundle}
        page, ledger = judged(modules, bundle, demo.app.trust.current().to_bytes(), question)
        compare(page, ledger)
        assert page["proved"]["status"]["court"] == ledger["proved"]["status"]["court"]


@pytest.mark.parametrize("act", RELATING)
def test_what_a_record_says_of_another_is_told_alike(modules: Modules, demo: World, act: RecordsAct) -> None:
    target = demo.row(demo.ids["evidence"]).leaf
    statement = demo.act(act, COURT, OFFICE_A, target)
    demo.drain()
    with demo.app.store.read() as unit:
        row = unit.records.by_leaf(statement)
    assert row is not None
    bundle = demo.app.bundling.bundle(row, None, state=True).to_bytes()
    question = {**NOW, "now": int(demo.clock()), "asOfBundle": False}
    page, ledger = judged(modules, bundle, demo.app.trust.current().to_bytes(), question)
    compare(page, ledger)
    for report in (page, ledger):
        (said,) = [f for f in report["steps"][2]["findings"] if f["code"] == "RECORD_RELATES"]
        assert said["values"] == {"relation": act.value, "issuer": OFFICE_A, "leaf": target.hex()}
        assert "须另行核验" in said["zh"] and act.value not in said["zh"]


def test_a_token_is_read_and_its_time_is_left_open(modules: Modules, world: World) -> None:
    authority, _ = make_tsa(int(world.clock()), world.home / "authorities" / "tsa")
    server = Server(lambda request: authority.answer(request, int(world.clock())))
    settings_file = world.home / "zhengyin.toml"
    settings_file.write_text(settings_file.read_text("utf-8") + f'timestamp_urls = ["{server.url}"]\n', "utf-8")
    world.close()
    accepted = world.issue_seal()
    world.drain()
    server.stop()
    app = world.app
    bundle = app.bundling.bundle(world.row(accepted.id), None, state=True)
    trust, content = app.trust.current().to_bytes(), bundle.manifest.to_bytes()
    question = {**NOW, "now": int(world.clock()), "asOfBundle": True}
    page, ledger = judged(modules, bundle.to_bytes(), trust, question)
    compare(page, ledger)
    assert (page["steps"][6]["outcome"], codes(page["steps"][9])) == ("passed", [TOKEN_OPEN])
    found = verify_detached(bundle.signatures[0], content)
    attributes = signed_attributes(content, found.certificate, found.signing_time)
    bare = replace(bundle, signatures=(assemble(found.certificate, attributes, found.signature),))
    page, ledger = judged(modules, bare.to_bytes(), trust, question)
    compare(page, ledger)
    assert codes(page["steps"][9]) == ["TIME_TOKEN_MISSING"]


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 12_000), flip=st.integers(1, 255))
def test_a_flipped_byte_is_found_by_both(modules: Modules, at: int, flip: int) -> None:
    case = CASES["made-by-the-embedded-engine"]
    bundle = bytearray((BUNDLES / f"{case['name']}.zyb").read_bytes())
    bundle[at % len(bundle)] ^= flip
    page, ledger = judged(modules, bytes(bundle), (BUNDLES / case["trust"]).read_bytes(), case["question"])
    compare(page, ledger)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_changed_letter_in_a_value_is_found_by_both(modules: Modules, data: st.DataObject) -> None:
    """Within base64url texts the container stays readable, so that every later step meets the change."""
    name = data.draw(st.sampled_from(FLIPPED))
    case = CASES[name]
    bundle = bytearray((BUNDLES / f"{name}.zyb").read_bytes())
    places = [at for at, byte in enumerate(bundle) if chr(byte).isalnum()]
    at = data.draw(st.sampled_from(places))
    bundle[at] = ord("B") if bundle[at] == ord("A") else ord("A")
    page, ledger = judged(modules, bytes(bundle), (BUNDLES / case["trust"]).read_bytes(), case["question"])
    compare(page, ledger)
