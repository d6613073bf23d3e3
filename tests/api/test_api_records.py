"""Issuing, listing and showing records; one key makes one record, whatever happens in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from api_kit import SEAL, Office
from ledger_world import OFFICE_A, OFFICE_B, check_ledger

from ledger.core.bundles import Bundle
from ledger.core.canonical import b64

LICENSE = {
    "issuer": OFFICE_A,
    "type": "business-license",
    "serial": "0001",
    "values": {
        "creditCode": OFFICE_A,
        "name": "示范商贸有限公司",
        "enterpriseType": "有限责任公司",
        "legalRepresentative": "张三丰",
        "establishedOn": "2020-01-02",
        "address": "示范路1号",
        "registrationAuthority": "示范市场监督管理局",
    },
}


def test_a_record_goes_from_post_to_bundle(office: Office) -> None:
    made = office.issue()
    assert (made.status_code, made.json()["state"]) == (201, "accepted")
    where = made.headers["location"]
    assert where == f"/v1/records/{made.json()['leaf']}"
    early = office("GET", f"{where}/bundle")
    assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (409, "BUNDLE_NOT_ANCHORED", "2")
    office.world.drain()
    shown = office("GET", where).json()
    assert (shown["state"], shown["batch"]["index"]) == ("receipted", 0)
    bundle = office("GET", f"{where}/bundle")
    assert bundle.headers["content-type"] == "application/vnd.zhengyin.bundle+json"
    assert Bundle.from_bytes(bundle.content).record.id == made.json()["id"]
    stapled = office("GET", f"{where}/bundle?state=1")
    assert Bundle.from_bytes(stapled.content).state is not None
    assert "etag" not in stapled.headers
    batch = office("GET", f"/v1/batches/{shown['batch']['root']}")
    assert (batch.json()["state"], batch.headers["cache-control"]) == (
        "receipted",
        "private, max-age=31536000, immutable",
    )


def test_what_is_known_already_is_not_sent_again(furnished: Office) -> None:
    leaf = furnished.world.row(furnished.world.ids["plain"]).leaf.hex()
    root = furnished("GET", f"/v1/records/{leaf}").json()["batch"]["root"]
    for path in (f"/v1/records/{leaf}/bundle", f"/v1/batches/{root}", "/v1/trust"):
        first = furnished("GET", path)
        tag = first.headers["etag"]
        assert tag.startswith('"')
        for offered in (tag, f'"other", {tag}', "*"):
            again = furnished("GET", path, headers={"If-None-Match": offered})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert furnished("GET", path, headers={"If-None-Match": '"other"'}).content == first.content


def test_the_same_key_and_body_get_the_same_answer_and_another_body_is_refused(office: Office) -> None:
    first = office.post("/v1/records", LICENSE, "one")
    assert first.status_code == 201
    office.world.drain()
    again = office.post("/v1/records", LICENSE, "one")
    assert (again.status_code, again.content, again.headers["location"]) == (
        201,
        first.content,
        first.headers["location"],
    )
    other = office.post("/v1/records", LICENSE | {"serial": "0002"}, "one")
    assert (other.status_code, other.json()["code"]) == (409, "ACCESS_KEY_REUSED")
    taken = office.post("/v1/records", LICENSE, "two")
    assert (taken.status_code, taken.json()["code"]) == (409, "ISSUE_ID_TAKEN")
    assert office.post("/v1/records", LICENSE | {"issuer": OFFICE_B}, "one", office.foreign).status_code == 201


def test_a_request_that_failed_may_be_tried_again_with_its_key(office: Office) -> None:
    broken = {**LICENSE, "values": LICENSE["values"] | {"creditCode": "1"}}  # type: ignore[dict-item]
    assert office.post("/v1/records", broken, "k").status_code == 400
    assert office.post("/v1/records", LICENSE, "k").status_code == 201


def test_two_hundred_posts_with_one_key_make_one_record(office: Office) -> None:
    async def all_at_once() -> list[Any]:
        headers = {"Idempotency-Key": "storm"}
        return await asyncio.gather(
            *(office.ask("POST", "/v1/records", json=SEAL, headers=headers) for _ in range(200))
        )

    answers = asyncio.run(all_at_once())
    assert {(a.status_code, a.content) for a in answers} == {(201, answers[0].content)}
    office.world.drain()
    assert check_ledger(office.world.app, [bytes.fromhex(answers[0].json()["leaf"])]) == 1
    assert [e["act"] for e in office.log()].count("record.issue") == 1


def test_many_callers_at_once_each_get_their_own_record(office: Office) -> None:
    async def all_at_once() -> list[Any]:
        return await asyncio.gather(
            *(office.ask("POST", "/v1/records", json=SEAL, headers={"Idempotency-Key": f"k{n}"}) for n in range(40))
        )

    leaves = {a.json()["leaf"] for a in asyncio.run(all_at_once())}
    assert len(leaves) == 40
    office.world.drain()
    assert check_ledger(office.world.app, [bytes.fromhex(leaf) for leaf in leaves]) == 40
    assert office.world.app.operations.verify_chain().entries == len(office.log())


def test_lists_come_in_pages_and_lead_on(furnished: Office) -> None:
    path, seen = f"/v1/records?issuer={OFFICE_A}&limit=3", []
    while path:
        found = furnished("GET", path)
        seen += [item["leaf"] for item in found.json()["items"]]
        link = found.headers.get("link", "")
        assert bool(link) == ("next" in found.json())
        path = link.partition(">")[0].removeprefix("<")
    assert len(seen) == len(set(seen)) > 8
    assert seen == [i["leaf"] for i in furnished("GET", f"/v1/records?issuer={OFFICE_A}&limit=200").json()["items"]]
    batches = furnished("GET", "/v1/batches?limit=2")
    assert (
        furnished("GET", batches.headers["link"].partition(">")[0][1:]).json()["items"][0]
        not in batches.json()["items"]
    )


@pytest.mark.parametrize(
    "cursor", ["", "!", "YQ", b64(b"after:-1"), b64(b"after:1\n"), b64(b"after:" + b"9" * 19), "é"]
)
def test_a_cursor_of_ones_own_making_is_refused(reading: Office, cursor: str) -> None:
    answer = reading("GET", f"/v1/records?issuer={OFFICE_A}", params={"issuer": OFFICE_A, "cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "API_CURSOR")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"type": "no-such-type"}, "TYPE_UNKNOWN"),
        ({"type": "status"}, "API_KIND"),
        ({"values": {"name": "公章"}}, "ISSUE_FIELD_MISSING"),
        ({"values": SEAL["values"] | {"colour": "red"}}, "ISSUE_FIELD_UNKNOWN"),  # type: ignore[operator]
        ({"values": SEAL["values"] | {"name": "公\x00章"}}, "CELL_CHARACTER"),  # type: ignore[operator]
        ({"values": SEAL["values"] | {"name": ["公章"]}}, "API_LIST"),  # type: ignore[operator]
        ({"id": "1.2.3"}, "CLI_ID_OR_SERIAL"),
        ({"type": "evidence", "values": {"title": "a"}}, "ISSUE_FIELD_MISSING"),
    ],
)
def test_what_a_table_would_refuse_the_interface_refuses(reading: Office, changed: Any, code: str) -> None:
    answer = reading.issue("k", **changed)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_evidence_binds_files_by_digest_and_is_found_by_them(office: Office) -> None:
    values = {"title": "t", "source": "s", "submitter": "p", "collectedAt": "2026-09-01", "method": "m"}
    body: dict[str, Any] = {"issuer": OFFICE_A, "type": "evidence", "values": values}
    assert office.post("/v1/records", body, "none").json()["code"] == "DEPOSIT_EMPTY"
    file = {"sha256": "11" * 32, "sm3": "22" * 32, "size": 7}
    assert office.post("/v1/records", body | {"files": [file]}, "one").status_code == 201
    office.world.drain()
    found = office("POST", "/v1/verifications/document", None, json=file).json()
    assert (found["headline"]["name"], len(found["reports"])) == ("valid", 1)
    assert found["reports"][0]["claims"]["title"] == "t"


def test_a_successor_is_issued_and_the_old_one_ends(office: Office) -> None:
    old = office.post("/v1/records", LICENSE, "old").json()
    office.world.drain()
    new = office.post("/v1/records", LICENSE | {"supersedes": old["id"]}, "new")
    assert new.status_code == 201
    assert new.json()["id"] != old["id"]
    office.world.drain()
    (entry,) = office("GET", f"/v1/records/{old['leaf']}/statuses").json()["items"]
    assert (entry["state"], entry["pending"]) == ("superseded", False)


def test_a_problem_never_repeats_what_was_sent(office: Office) -> None:
    planted = "王小明110101199003070000"
    values = SEAL["values"] | {planted: planted}  # type: ignore[operator]
    for body in (
        SEAL | {planted: planted},
        SEAL | {"issuer": planted},
        SEAL | {"values": {"name": {planted: planted}}},
    ):
        answer = office.post("/v1/records", body, "k")
        assert answer.status_code in (400, 403, 422)
        assert planted not in answer.text
    assert office.post("/v1/records", SEAL | {"values": values}, "k").status_code == 400
