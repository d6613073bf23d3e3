"""Every route and method of the interface, as OpenAPI lists them, refuses who may not use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from api_kit import ELSEWHERE, SEAL, Office
from crypto_keys import bodies, make_keys
from ledger_world import OFFICE_A, OFFICE_B
from timestamp_kit import Server, Tsa, make_tsa

from ledger.assembly.audit_runs import AuditRuns
from ledger.core.accreditations import ANY, Accreditation
from ledger.core.registries import Kind
from ledger.services.access import ACTIONS

PUBLIC = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/v1/trust"),
    ("get", "/v1/login/challenges/{challenge}"),
    ("post", "/v1/login/challenges/{challenge}/response"),
    ("post", "/v1/login/logout"),
    ("post", "/v1/verifications"),
    ("post", "/v1/verifications/bundle"),
    ("post", "/v1/verifications/document"),
    ("post", "/v1/verifications/number"),
}
ANY_ACTION = {("get", "/v1/types")}
SYSTEM = {"organisation": OFFICE_A, "system": "hall"}
BODIES: dict[tuple[str, str], Any] = {
    ("post", "/v1/records"): SEAL,
    ("post", "/v1/records/{leaf}/statuses"): {"state": "revoked", "reason": "cancelled"},
    ("post", "/v1/records/{leaf}/relations"): {"relation": "decidesOn", "actor": OFFICE_A},
    ("post", "/v1/login/challenges"): SYSTEM | {"jurisdiction": "CN-440100", "level": 2},
    ("post", "/v1/login/introspection"): SYSTEM | {"token": ""},
}
CSV = "印章名称,印章所属主体代码,印章类型,签章证书摘要\r\n公章,114401000700000148,业务专用章,ab12\r\n".encode()


def operations(office: Office) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in office.app.openapi()["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def guarded(office: Office) -> list[tuple[str, str, str | None]]:
    found = [(m, p, o.get("x-zhengyin-action")) for m, p, o in operations(office) if (m, p) not in PUBLIC]
    assert len(found) >= 14
    return found


def ask(office: Office, method: str, path: str, token: str | None) -> Any:
    """A request that would be granted, were it not for the token: about office A's own things."""
    world = office.world
    leaf = world.row(world.ids["plain"]).leaf
    with world.app.store.read() as unit:
        row = unit.records.by_leaf(leaf)
        assert row is not None and row.batch is not None
        root = unit.batches.get(row.batch).root
    upload = office("GET", "/v1/imports").json()["items"][-1]["id"]
    if path.startswith("/v1/seals"):
        leaf = world.row(world.ids["seal"]).leaf
    if path.startswith("/v1/audits"):
        upload = office("GET", "/v1/audits").json()["items"][-1]["id"]
    filled = path.replace("{leaf}", leaf.hex()).replace("{root}", root.hex()).replace("{id}", upload)
    assert "{" not in filled
    query = {
        "/v1/records": {"issuer": OFFICE_A} if method == "get" else {},
        "/v1/imports": {"type": "seal", "issuer": OFFICE_A} if method == "post" else {},
        "/v1/audits": {"organisation": OFFICE_A} if method == "post" else {},
        "/v1/crypto/digest": {"organisation": OFFICE_A},
    }.get(path, {})
    key = {"Idempotency-Key": f"{method}{re.sub('[^a-z]', '', path)}"}
    named: dict[str, Any] = {"headers": key, "params": query}
    if (method, path) in BODIES:
        named["json"] = BODIES[method, path]
    elif path.startswith("/v1/crypto/") and path != "/v1/crypto/digest":
        named["json"] = bodies(office)[method, path]
    elif method == "post":
        named["content"] = CSV
    return office(method.upper(), filled, token, **named)


@pytest.fixture(scope="module")
def stamper(founded_template: Any) -> Iterator[Server]:
    """At the time of the ledgers' clocks, nearly."""
    now = int(founded_template.now)
    authority: Tsa = make_tsa(now)[0]
    server = Server(lambda request: authority.answer(request, now))
    yield server
    server.stop()


@pytest.fixture
def strict(furnished: Office, stamper: Server) -> Office:
    """Asked from elsewhere: clients on the machine itself may read the figures."""
    furnished.client = ELSEWHERE
    settings = furnished.world.app.settings
    update = {"login_address": "https://office.example", "timestamp_urls": (stamper.url,)}
    furnished.world.app.settings = settings.model_copy(update=update)
    make_keys(furnished)
    del furnished.world.app.login  # opened with the application, by the settings from before
    document = Accreditation(OFFICE_A, Kind.DECISION, "CN-440100", (ANY,), "own decisions")
    furnished.world.decree(furnished.world.app.consortium.accredit(document))
    body = {"headers": {"Idempotency-Key": "first"}, "params": {"type": "seal"}, "content": CSV}
    assert furnished("POST", "/v1/imports", **body).status_code == 202
    furnished.world.app.uploads.run_open()
    assert furnished("POST", "/v1/audits", headers={"Idempotency-Key": "audit"}).status_code == 202
    assert AuditRuns(furnished.world.app).run_open() == 1
    return furnished


def test_every_route_is_either_public_or_names_its_action(strict: Office) -> None:
    listed = {(m, p) for m, p, _ in operations(strict)}
    assert listed >= PUBLIC | ANY_ACTION
    silent = {(m, p) for m, p, o in operations(strict) if "x-zhengyin-action" not in o}
    assert silent == PUBLIC | ANY_ACTION
    assert {o["x-zhengyin-action"] for _, _, o in operations(strict) if "x-zhengyin-action" in o} <= set(ACTIONS)


def test_the_owner_is_granted_everything(strict: Office) -> None:
    for method, path, _ in guarded(strict):
        answer = ask(strict, method, path, strict.token)
        assert answer.status_code < 300, (method, path, answer.text)


def test_without_a_token_everything_is_401(strict: Office) -> None:
    for method, path, _ in guarded(strict):
        answer = ask(strict, method, path, None)
        assert (answer.status_code, answer.json()["code"]) == (401, "ACCESS_TOKEN_MISSING"), (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_wrong_a_revoked_and_an_expired_token_are_401(strict: Office) -> None:
    access, world = strict.world.app.access, strict.world
    row, revoked = access.add("", [OFFICE_A], ACTIONS, 3600)
    access.revoke(row.id)
    _, expired = access.add("", [OFFICE_A], ACTIONS, 1)
    world.clock.now += 1
    wrong = strict.token[:-3] + ("AAA" if not strict.token.endswith("AAA") else "BBB")
    unknown = "zy_" + "0" * 12 + strict.token[15:]
    for method, path, _ in guarded(strict):
        for token, code in (
            (wrong, "ACCESS_TOKEN_INVALID"),
            (unknown, "ACCESS_TOKEN_INVALID"),
            (revoked, "ACCESS_TOKEN_INVALID"),
            (expired, "ACCESS_TOKEN_EXPIRED"),
        ):
            answer = ask(strict, method, path, token)
            assert (answer.status_code, answer.json()["code"]) == (401, code), (method, path)


def test_a_token_without_the_action_is_403(strict: Office) -> None:
    access = strict.world.app.access
    for method, path, action in guarded(strict):
        if action is None:
            continue
        others = [a for a in ACTIONS if a != action and (method, path, a) != ("post", "/v1/records", "deposit")]
        _, lacking = access.add("", [OFFICE_A], others, 3600)
        answer = ask(strict, method, path, lacking)
        assert (answer.status_code, answer.json()["code"]) == (403, "ACCESS_ACTION"), (method, path)


def test_another_offices_token_reaches_nothing_of_this_one(strict: Office) -> None:
    ours = {strict.world.row(strict.world.ids[name]).leaf.hex() for name in ("plain", "filed", "revoked")}
    for method, path, action in guarded(strict):
        if action in (None, "operate"):
            continue
        answer = ask(strict, method, path, strict.foreign)
        if "{" in path or (method, path) != ("get", path) or path == "/v1/records":
            assert answer.status_code in (403, 404), (method, path)
            assert answer.json()["code"] in (
                "ACCESS_ORGANISATION",
                "RECORD_UNKNOWN",
                "SEAL_UNKNOWN",
                "BATCH_UNKNOWN",
                "UPLOAD_UNKNOWN",
                "AUDIT_UNKNOWN",
                "CRYPTO_KEY_UNKNOWN",
            )
        else:  # lists of one's own: there is nothing of others in them
            assert answer.status_code == 200
            assert not any(leaf in answer.text for leaf in ours)
            assert OFFICE_A not in answer.text


def test_what_others_have_looks_like_what_nobody_has(strict: Office) -> None:
    leaf = strict.world.row(strict.world.ids["plain"]).leaf.hex()
    for path in ("/v1/records/{}", "/v1/records/{}/bundle", "/v1/records/{}/statuses", "/v1/batches/{}"):
        theirs = strict("GET", path.format(leaf), strict.foreign)
        nobodys = strict("GET", path.format("ab" * 32), strict.foreign)
        assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content) == (404, nobodys.content)


def test_an_issuer_of_another_token_cannot_be_named(strict: Office) -> None:
    answer = strict.post("/v1/records", SEAL | {"issuer": OFFICE_B}, "k")
    assert (answer.status_code, answer.json()["code"]) == (403, "ACCESS_ORGANISATION")
    body = {"state": "revoked", "reason": "cancelled", "actor": OFFICE_B}
    leaf = strict.world.row(strict.world.ids["plain"]).leaf.hex()
    assert strict.post(f"/v1/records/{leaf}/statuses", body, "k").status_code == 403
    body["actor"] = OFFICE_A
    business = strict.world.row(strict.world.ids["business"]).leaf.hex()
    refused = strict.post(f"/v1/records/{business}/statuses", body, "k2")
    assert (refused.status_code, refused.json()["code"]) == (409, "ACT_NOT_ENTITLED")


def test_figures_are_for_the_machine_itself_unless_a_proxy_stands_before_it(strict: Office) -> None:
    strict.client = ("127.0.0.1", 1)
    assert strict("GET", "/metrics", None).status_code == 200
    for header in ("X-Forwarded-For", "Forwarded"):
        assert strict("GET", "/metrics", None, headers={header: "192.0.2.1"}).status_code == 401


def test_deposit_is_a_right_of_its_own(strict: Office) -> None:
    access = strict.world.app.access
    _, depositor = access.add("", [OFFICE_A], ["deposit"], 3600)
    _, issuer = access.add("", [OFFICE_A], ["issue"], 3600)
    evidence = SEAL | {"type": "evidence"}
    assert strict.post("/v1/records", SEAL, "k", depositor).status_code == 403
    assert strict.post("/v1/records", evidence, "k", issuer).status_code == 403
    assert strict.post("/v1/records", evidence, "k", depositor).json()["code"] == "ISSUE_FIELD_UNKNOWN"
