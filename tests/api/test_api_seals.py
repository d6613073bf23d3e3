"""Uses of e-seals over HTTP: for holder and registrar, page by page, and for nobody else."""

from __future__ import annotations

import hashlib

import pytest
from api_kit import Office
from ledger_world import OFFICE_A, OFFICE_B

from ledger.core.records import FileDigest
from ledger.core.seal_uses import date_of
from ledger.crypto.digests import sm3
from ledger.services.access import ACTIONS
from ledger.services.seals import use_values


@pytest.fixture
def seal(furnished: Office) -> str:
    """Registered by office A, held by office B, and used three times."""
    app = furnished.world.app
    values = {"name": "专用章", "owner": OFFICE_B, "sealType": "业务专用章", "certificate": "demo"}
    record = app.issuing.issue(OFFICE_A, app.types.get("seal"), values)
    for name in (b"a", b"b", b"c"):
        document = FileDigest(1, hashlib.sha256(name).digest(), sm3(name))
        use = {"seal": record.id, "usedAt": int(app.clock()), "reason": name.decode(), "operator": "张三"}
        app.issuing.issue(OFFICE_B, app.types.get("seal-use"), use | use_values(document))
    return record.leaf.hex()


def test_holder_and_registrar_see_counts_and_pages(furnished: Office, seal: str) -> None:
    _, holder = furnished.world.app.access.add("乙", [OFFICE_B], ACTIONS, 86_400)
    today = date_of(int(furnished.world.clock()))
    for token in (furnished.token, holder):
        counted = furnished("GET", f"/v1/seals/{seal}/uses", token)
        assert counted.json() == {"seal": seal, "uses": 3, "days": [{"day": today, "uses": 3}]}
        first = furnished("GET", f"/v1/seals/{seal}/uses", token, params={"day": today, "limit": 2})
        assert (first.json()["uses"], [use["reason"] for use in first.json()["items"]]) == (3, ["a", "b"])
        assert f"cursor={first.json()['next']}" in first.headers["link"]
        rest = furnished("GET", f"/v1/seals/{seal}/uses", token, params={"day": today, "cursor": first.json()["next"]})
        assert [use["reason"] for use in rest.json()["items"]] == ["c"]
        assert "next" not in rest.json()
        assert "张三" not in first.text
    assert furnished("GET", f"/v1/seals/{seal}/uses", holder, params={"day": "2020-01-01"}).json()["uses"] == 0
    assert furnished("GET", f"/v1/seals/{seal}/uses", holder, params={"day": "2026-02-31"}).status_code == 400


def test_for_others_and_for_what_is_no_seal_there_is_nothing(furnished: Office, seal: str) -> None:
    licensed = furnished.world.row(furnished.world.ids["plain"]).leaf.hex()
    _, court = furnished.world.app.access.add("法院", ["1144010007000201X4"], ACTIONS, 86_400)
    answers = [
        furnished("GET", f"/v1/seals/{leaf}/uses", court) for leaf in (seal, licensed, hashlib.sha256(b"x").hexdigest())
    ]
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(404, "SEAL_UNKNOWN")}
