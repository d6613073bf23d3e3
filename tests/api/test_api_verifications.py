"""Citizens and courts ask without a token; trouble of format or network is told apart from a verdict."""

from __future__ import annotations

from typing import Any

import pytest
from api_kit import Office

from api.kept import MOST, KeptReports
from ledger.assembly.demo_plan import NOTARY, OFFICE_A
from ledger.core.canonical import BUNDLE_LIMITS
from ledger.core.registries import State
from ledger.errors import UnavailableError


def bundle_of(office: Office, name: str = "plain") -> bytes:
    return office.world.app.bundling.bundle(office.world.row(office.world.ids[name]), None, state=False).to_bytes()


def test_a_good_bundle_passes_and_a_changed_one_fails_with_the_step(reading: Office) -> None:
    bundle = bundle_of(reading)
    answer = reading("POST", "/v1/verifications", None, content=bundle)
    assert (answer.status_code, answer.json()["indication"]) == (200, "TOTAL-PASSED")
    changed = bundle.replace(b'"origin":"issued"', b'"origin":"takenOver"', 1)
    answer = reading("POST", "/v1/verifications", None, content=changed)
    assert (answer.status_code, answer.json()["indication"]) == (200, "TOTAL-FAILED")
    other = reading("POST", "/v1/verifications?jurisdiction=XX-1", None, content=bundle).json()
    assert other["indication"] != "TOTAL-PASSED"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b"null", b'{"tag":"\\ud800"}'])
def test_garbage_is_judged(reading: Office, data: bytes) -> None:
    answer = reading("POST", "/v1/verifications", None, content=data)
    assert (answer.status_code, answer.json()["indication"]) == (200, "TOTAL-FAILED")


def test_too_much_is_a_problem(reading: Office) -> None:
    answer = reading("POST", "/v1/verifications", None, content=b" " * (BUNDLE_LIMITS.size + 1))
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert answer.json()["code"] == "API_BODY_TOO_LARGE"


def test_a_document_is_found_by_its_digests_and_a_longer_one_does_not_pass(reading: Office) -> None:
    app = reading.world.app
    file = app.bundling.open(reading.world.row(reading.world.ids["filed"])).record.files[0]
    body = {"sha256": file.sha256.hex(), "sm3": file.sm3.hex(), "size": file.size}
    found = reading("POST", "/v1/verifications/document", None, json=body).json()
    assert (found["headline"]["name"], found["reports"][0]["indication"]) == ("valid", "TOTAL-PASSED")
    longer = reading("POST", "/v1/verifications/document", None, json=body | {"size": file.size + 1}).json()
    assert longer["reports"][0]["indication"] == "TOTAL-FAILED"
    without = reading("POST", "/v1/verifications/document", None, json={k: body[k] for k in ("sha256", "size")}).json()
    assert without["reports"][0]["indication"] == "TOTAL-PASSED"
    nothing = reading("POST", "/v1/verifications/document", None, json=body | {"sha256": "ab" * 32}).json()
    assert (nothing["headline"]["name"], nothing["reports"]) == ("notFound", [])


def test_a_size_that_differs_is_seen_without_sm3_too(reading: Office) -> None:
    app = reading.world.app
    file = app.bundling.open(reading.world.row(reading.world.ids["filed"])).record.files[0]
    body = {"sha256": file.sha256.hex(), "size": file.size + 1}
    found = reading("POST", "/v1/verifications/document", None, json=body).json()
    assert (found["headline"]["name"], found["reports"][0]["cause"]["code"]) == ("doesNotMatch", "BYTES_SIZE_DIFFERS")


def test_a_bundle_with_its_document_says_whether_the_file_is_the_one(reading: Office) -> None:
    bundle = bundle_of(reading, "filed")
    file = reading.world.app.bundling.open(reading.world.row(reading.world.ids["filed"])).record.files[0]
    document = {"sha256": file.sha256.hex(), "sm3": file.sm3.hex(), "size": file.size}

    def ask(**changed: Any) -> Any:
        body = {"bundle": bundle.decode(), "documents": [document | changed]}
        answer = reading("POST", "/v1/verifications/bundle", None, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def bytes_of(report: Any) -> tuple[str, list[str]]:
        step = report["steps"][1]
        return step["outcome"], [f["code"] for f in step["findings"]]

    assert bytes_of(reading("POST", "/v1/verifications", None, content=bundle).json())[1] == ["BYTES_NOT_CHECKED"]
    for same in (ask(), ask(sm3=None)):
        assert (same["indication"], bytes_of(same)) == ("TOTAL-PASSED", ("passed", ["BYTES_EQUAL"]))
    for other in (ask(sha256="ab" * 32), ask(sm3="ab" * 32), ask(size=1), ask(size=1, sm3=None)):
        assert (other["indication"], other["headline"]["name"]) == ("TOTAL-FAILED", "doesNotMatch")
        assert other["cause"]["step"] == 1
    for wrong in ({"bundle": "{}", "documents": []}, {"bundle": "{}"}, {"bundle": 1, "documents": [document]}):
        assert reading("POST", "/v1/verifications/bundle", None, json=wrong).status_code == 422
    garbage = {"bundle": "{", "documents": [document]}
    assert reading("POST", "/v1/verifications/bundle", None, json=garbage).json()["indication"] == "TOTAL-FAILED"


def test_every_office_that_knows_a_document_answers_under_one_true_headline(furnished: Office) -> None:
    world = furnished.world
    row = world.row(world.ids["filed"])
    file = world.app.bundling.open(row).record.files[0]
    values = {"title": "t", "source": "s", "submitter": "甲", "collectedAt": "2026-11-01", "method": "m"}
    world.app.issuing.issue(NOTARY, world.app.types.get("evidence"), values, files=[file])
    world.change(row.leaf, State.REVOKED)
    world.drain()
    body = {"sha256": file.sha256.hex(), "sm3": file.sm3.hex(), "size": file.size}
    found = furnished("POST", "/v1/verifications/document", None, json=body).json()
    assert found["headline"]["name"] == "severalDiffer"
    shown = [(r["proved"]["record"]["issuer"], r["headline"]["name"]) for r in found["reports"]]
    assert shown == [(NOTARY, "valid"), (OFFICE_A, "noLongerInForce")]


def test_a_number_needs_its_code_and_a_wrong_one_looks_like_an_unknown_number(reading: Office) -> None:
    world = reading.world
    row = world.row(world.ids["plain"])
    (code,) = world.app.codes.of([row])
    (wrong,) = world.app.codes.of([world.row(world.ids["spare"])])

    def ask(**body: str) -> Any:
        return reading("POST", "/v1/verifications/number", None, json=body)

    found = ask(id=world.ids["plain"], code=code).json()
    assert (found["headline"]["name"], found["reports"][0]["indication"]) == ("valid", "TOTAL-PASSED")
    refused = [
        ask(id=world.ids["plain"], code=wrong),
        ask(id=world.ids["plain"]),
        ask(id="1.2.3", code=code),
        ask(id="urn:zhengyin:" + "a" * 26, code=wrong),
    ]
    assert refused[0].json()["headline"]["name"] == "notFound"
    assert len({(r.status_code, r.content, str(r.headers)) for r in refused}) == 1


def test_a_silent_chain_is_undetermined_and_never_a_verdict(furnished: Office, monkeypatch: Any) -> None:
    def silent(*_: Any) -> Any:
        raise UnavailableError("CHAIN_BEHIND", block=1)

    bundle = bundle_of(furnished)
    for name in ("head", "state_header", "state_proof"):
        monkeypatch.setattr(furnished.world.app.chain, name, silent)
    answer = furnished("POST", "/v1/verifications", None, content=bundle)
    assert (answer.status_code, answer.json()["indication"]) == (200, "INDETERMINATE")
    assert furnished.issue().status_code == 201, "issuing goes on"
    ready = furnished("GET", "/readyz", None)
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["parts"]["chain"] == {"status": "degraded", "code": "CHAIN_BEHIND"}


def test_a_kept_report_is_forgotten_when_something_happens(furnished: Office) -> None:
    world = furnished.world
    row = world.row(world.ids["plain"])
    body = {"id": world.ids["plain"], "code": world.app.codes.of([row])[0]}
    first = furnished("POST", "/v1/verifications/number", None, json=body)
    assert furnished("POST", "/v1/verifications/number", None, json=body).content == first.content
    assert first.json()["headline"]["name"] == "valid"
    wrong = body | {"code": world.app.codes.of([world.row(world.ids["spare"])])[0]}
    assert furnished("POST", "/v1/verifications/number", None, json=wrong).json()["reports"] == []
    world.change(row.leaf, State.REVOKED)
    world.drain()
    after = furnished("POST", "/v1/verifications/number", None, json=body).json()
    assert after["headline"]["name"] == "noLongerInForce"


def test_reports_are_kept_for_a_while_and_made_once() -> None:
    kept, made = KeptReports(), []

    def make() -> tuple[bytes, bool]:
        made.append(1)
        return b"report", len(made) < 3

    assert [kept.once("k", now, make) for now in (0.0, 29.9, 30.0, 59.9, 60.0, 60.1)] == [b"report"] * 6
    assert len(made) == 4, "the last two were not to be kept"
    assert kept.get("k", -1.0) is None, "a clock that was set back"
    for number in range(MOST + 10):
        kept.once(number, 100.0, lambda: (b"", True))
    assert kept.get(9, 100.0) is None
    assert kept.get(MOST + 9, 100.0) == b""
