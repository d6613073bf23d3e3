"""The crypto service over HTTP: what it answers, whom it refuses, its limits, and that no secret leaves it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from api_kit import Office, open_office
from crypto_keys import DIGEST, OWN, TEST, bodies, make_keys
from ledger_world import OFFICE_A, OFFICE_B
from timestamp_kit import Server, make_tsa

from api.app import create_app
from ledger.core.canonical import b64, unb64
from ledger.crypto.digests import sm3
from ledger.crypto.foreign_cms import verify_foreign
from ledger.crypto.timestamps import over, verify_token
from ledger.services.crypto_content import MAX_BYTES

if TYPE_CHECKING:
    from ledger_world import Template

MEBI = 1 << 20


@pytest.fixture(scope="module")
def shared(founded_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with founded_template.lend(tmp_path_factory.mktemp("pool") / "home") as world:
        office = open_office(world)
        make_keys(office)
        yield office


def post(office: Office, name: str, body: Any, token: str = "") -> Any:
    return office("POST", f"/v1/crypto/{name}", token, json=body)


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def limited(office: Office, **settings: Any) -> Office:
    """The same ledger served by other settings."""
    app = office.world.app
    was, app.settings = app.settings, app.settings.model_copy(update=settings)
    try:
        return Office(office.world, create_app(app), office.token, office.foreign)
    finally:
        app.settings = was


def test_digests_of_a_body_that_arrives_in_pieces(shared: Office) -> None:
    pieces = [bytes([n]) * 100_000 for n in range(12)]

    async def arriving() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    whole = b"".join(pieces)
    answer = shared("POST", "/v1/crypto/digest", params=OWN, content=arriving())
    wanted = {"size": len(whole), "sha256": hashlib.sha256(whole).hexdigest(), "sm3": sm3(whole).hex()}
    assert answer.json() == wanted
    one = shared("POST", "/v1/crypto/digest", params=OWN | {"algorithm": "sm3"}, content=whole)
    assert one.json() == {"size": len(whole), "sm3": wanted["sm3"]}
    entry = shared.log()[-2]
    assert (entry["act"], entry["subject"], entry["after"]) == (
        "crypto.digest", wanted["sha256"], {"size": len(whole), "outcome": "done"},
    )  # fmt: skip
    assert entry["who"].startswith("token:")


def test_what_is_signed_is_verified_step_by_step(shared: Office) -> None:
    made = post(shared, "sign", OWN | {"key": "filing", "data": TEST}).json()
    assert (made["time"], verify_foreign(unb64(made["cms"], "cms"), b"test").by_service) == (None, True)
    report = post(shared, "verify", OWN | {"data": TEST, "cms": made["cms"]}).json()
    assert [(s["name"], s["outcome"]) for s in report["steps"]] == [
        ("signature", "passed"), ("time", "passed"), ("path", "passed"), ("revocation", "undetermined"),
    ]  # fmt: skip
    assert (report["indication"], report["exitCode"]) == ("INDETERMINATE", 3)
    folder = next((shared.world.home / "authorities").iterdir())
    lists = [b64(file.read_bytes()) for file in (folder / "crls").iterdir()]
    brought = post(shared, "verify", OWN | {"data": TEST, "cms": made["cms"], "crls": lists}).json()
    assert brought["indication"] == "TOTAL-PASSED", brought
    digest = {"algorithm": "sha256", "value": hashlib.sha256(b"test").hexdigest()}
    assert post(shared, "verify", OWN | {"digest": digest, "cms": made["cms"]}).json()["exitCode"] == 3
    other = post(shared, "verify", OWN | {"data": b64(b"x"), "cms": made["cms"]}).json()
    assert other["indication"] == "TOTAL-FAILED"


def test_encrypted_data_come_back(shared: Office) -> None:
    made = post(shared, "encrypt", OWN | {"key": "filing", "data": TEST, "context": "a"}).json()
    opened = post(shared, "decrypt", OWN | {"envelope": made["envelope"], "context": "a"})
    assert opened.json() == {"data": TEST, "key": "filing", "version": made["version"]}
    assert opened.headers["cache-control"] == "no-store"
    damaged = post(shared, "decrypt", OWN | {"envelope": made["envelope"], "context": "b"})
    assert refused(damaged) == (400, "ENVELOPE_DAMAGED")


def test_anothers_key_looks_like_a_key_that_nobody_has(shared: Office) -> None:
    """Whoever asks, by whichever way, gets the same bytes."""
    for name, body in (("sign", {"data": TEST}), ("encrypt", {"data": TEST})):
        theirs = post(shared, name, OWN | body | {"key": "filing"}, shared.foreign)
        nobodys = post(shared, name, OWN | body | {"key": "nothing"}, shared.foreign)
        own = post(shared, name, {"organisation": OFFICE_B} | body | {"key": "filing"}, shared.foreign)
        assert theirs.content == nobodys.content == own.content
        assert refused(theirs) == (404, "CRYPTO_KEY_UNKNOWN")
    envelope = bodies(shared)["post", "/v1/crypto/decrypt"]
    for organisation in (OFFICE_A, OFFICE_B):
        answer = post(shared, "decrypt", envelope | {"organisation": organisation}, shared.foreign)
        assert refused(answer) == (404, "CRYPTO_KEY_UNKNOWN")


def test_uses_that_name_no_key_are_refused_by_organisation(shared: Office) -> None:
    for name in ("verify", "timestamp"):
        body = bodies(shared)["post", f"/v1/crypto/{name}"]
        assert refused(post(shared, name, body, shared.foreign)) == (403, "ACCESS_ORGANISATION")
    answer = shared("POST", "/v1/crypto/digest", shared.foreign, params=OWN, content=b"")
    assert refused(answer) == (403, "ACCESS_ORGANISATION")


def test_without_an_authority_a_time_stamp_is_refused(shared: Office) -> None:
    assert refused(post(shared, "timestamp", bodies(shared)["post", "/v1/crypto/timestamp"])) == (
        409, "CRYPTO_NO_AUTHORITY",
    )  # fmt: skip


def test_time_stamps_of_the_settings_authorities(shared: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    app, now = shared.world.app, int(shared.world.clock())
    authority = make_tsa(now)[0]
    server = Server(lambda request: authority.answer(request, now))
    monkeypatch.setattr(app, "settings", app.settings.model_copy(update={"timestamp_urls": (server.url,)}))
    try:
        made = post(shared, "timestamp", bodies(shared)["post", "/v1/crypto/timestamp"]).json()
        signed = post(shared, "sign", OWN | {"key": "filing", "data": TEST, "timestamp": True}).json()
    finally:
        server.stop()
    assert (made["time"], signed["time"]) == (now, now)
    assert verify_token(unb64(made["token"], "token"), over(b"test")).time == now
    found = verify_foreign(unb64(signed["cms"], "cms"), b"test")
    assert found.token is not None and verify_token(found.token, over(found.signature)).time == now
    body = OWN | {"token": made["token"], "digest": DIGEST}
    report = post(shared, "verify", body).json()  # by an authority that no trust file names
    assert [(s["name"], s["outcome"]) for s in report["steps"]] == [
        ("signature", "passed"),
        ("authority", "undetermined"),
    ]
    silent = post(shared, "timestamp", bodies(shared)["post", "/v1/crypto/timestamp"])
    assert refused(silent) == (503, "TIMESTAMP_UNAVAILABLE")
    assert shared.log()[-1]["after"] == {"size": None, "outcome": "TIMESTAMP_UNAVAILABLE"}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("sign", {"key": "filing"}),
        ("sign", {"key": "filing", "data": TEST, "digest": {"algorithm": "sha256", "value": "00" * 32}}),
        ("sign", {"key": "../filing", "data": TEST}),
        ("verify", {"data": TEST}),
        ("verify", {"data": TEST, "cms": TEST, "token": TEST}),
        ("verify", {"data": TEST, "cms": TEST, "crls": [TEST] * 33}),
        ("encrypt", {"key": "filing", "data": "dGVzdA=="}),
        ("encrypt", {"key": "filing", "data": TEST, "algorithm": "sm4-ecb"}),
        ("decrypt", {"envelope": ""}),
    ],
)
def test_what_does_not_fit_the_schema_is_422(shared: Office, name: str, body: Any) -> None:
    assert refused(post(shared, name, OWN | body)) == (422, "API_INVALID")


def test_limits_of_size(shared: Office) -> None:
    largest = bytes(MAX_BYTES)
    made = post(shared, "encrypt", OWN | {"key": "filing", "data": b64(largest)})
    assert made.status_code == 200
    opened = post(shared, "decrypt", OWN | {"envelope": made.json()["envelope"]})
    assert len(unb64(opened.json()["data"], "data")) == MAX_BYTES
    assert post(shared, "encrypt", OWN | {"key": "filing", "data": b64(largest + b"x")}).status_code == 422
    huge = shared("POST", "/v1/crypto/verify", content=b" " * (3 * MEBI + 1))
    assert refused(huge) == (413, "API_BODY_TOO_LARGE")
    small = limited(shared, upload_limit=10)
    assert refused(small("POST", "/v1/crypto/digest", params=OWN, content=bytes(11))) == (413, "API_BODY_TOO_LARGE")


def test_a_token_may_not_ask_without_end(shared: Office) -> None:
    few = limited(shared, crypto_rate=2)
    ask = bodies(shared)["post", "/v1/crypto/encrypt"]
    assert [post(few, "encrypt", ask).status_code for _ in range(3)] == [200, 200, 429]
    other = post(few, "encrypt", ask, shared.foreign)  # counted by itself
    assert refused(other) == (404, "CRYPTO_KEY_UNKNOWN")


def test_no_secret_leaves_the_process(shared: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Key bytes planted in the keystore are looked for in answers, log and errors, in every form they might take."""
    caplog.set_level(logging.DEBUG)
    app = shared.world.app
    data = bytes(app.keys.data.current(OFFICE_A, "filing")._secret)
    file = shared.world.home / "keys" / OFFICE_A / "filing.service.pem"
    lines = file.read_text().split("\n")[1:-3]  # the last one holds the public half alone, which certificates show
    seen = []
    for (_, path), body in bodies(shared).items():
        for changed in (body, body | {"data": TEST, "envelope": TEST}, {"organisation": OFFICE_A}):
            for token in (shared.token, shared.foreign):
                seen.append(shared("POST", path, token, json=changed).text)
    seen += [str(shared.log()), caplog.text, repr(app.keys), repr(app.keys.list()), repr(app.crypto)]
    forms = [data.hex(), b64(data), repr(data), str(list(data)), *lines]
    assert [form for form in forms if any(form in text for text in seen)] == []


def test_all_uses_stand_in_the_chained_log(shared: Office) -> None:
    shared.world.app.operations.verify_chain()
    assert {e["act"] for e in shared.log()} >= {
        f"crypto.{n}" for n in ("digest", "sign", "verify", "encrypt", "decrypt")
    }
