"""Cases of key envelopes: each algorithm, and an envelope changed in one place each."""

from __future__ import annotations

from typing import Any

from scripts.vector_cases.cases import Case
from scripts.vector_cases.envelope_acts import seal_key_envelope

ORGANISATION = "114401000700000148"
KEYS = {"aes-256-gcm": bytes(range(32)).hex(), "sm4-gcm": bytes(range(16)).hex()}
NONCE = bytes(range(0x40, 0x4C)).hex()


def envelope_cases() -> list[Case]:
    return [*_sealed(), *_opened(), *_refused()]


def _given(algorithm: str, **changed: Any) -> dict[str, Any]:
    given = {"algorithm": algorithm, "key": KEYS[algorithm], "nonce": NONCE, "name": "filing", "version": 1}
    place = {"organisation": ORGANISATION, "context": "table=filing", "data": "卷宗第 1 号".encode().hex()}
    return given | place | changed


def _question(algorithm: str) -> dict[str, Any]:
    given = _given(algorithm)
    made: str = seal_key_envelope(given)["envelope"]
    return {"envelope": made, "key": given["key"], "organisation": ORGANISATION, "context": given["context"]}


def _sealed() -> list[Case]:
    return [
        *(Case(f"by {name}", "seal_key_envelope", _given(name)) for name in KEYS),
        Case("of nothing, anywhere", "seal_key_envelope", _given("sm4-gcm", data="", context="")),
        Case("under a later version", "seal_key_envelope", _given("sm4-gcm", version=258, name="Z-9")),
        Case("under a name with a dot", "seal_key_envelope", _given("sm4-gcm", name="a.b"), "KEY_ENVELOPE_FORM"),
        Case("under version 0", "seal_key_envelope", _given("sm4-gcm", version=0), "KEY_ENVELOPE_FORM"),
    ]


def _opened() -> list[Case]:
    return [Case(f"opened by {name}", "open_key_envelope", _question(name)) for name in KEYS]


def _refused() -> list[Case]:
    question = _question("sm4-gcm")
    whole = bytes.fromhex(question["envelope"])

    def changed(at: int, to: int) -> str:
        return (whole[:at] + bytes([to]) + whole[at + 1 :]).hex()

    damaged = {
        "of another organisation": {"organisation": "HK-1"},
        "in another context": {"context": "table=other"},
        "under another key": {"key": bytes(16).hex()},
        "a changed tag": {"envelope": changed(len(whole) - 1, whole[-1] ^ 1)},
        "another version in its head": {"envelope": changed(9, 2)},
        "another name in its head": {"envelope": changed(11, ord("F"))},
        "without its last byte": {"envelope": whole[:-1].hex()},
    }
    unread = {
        "another beginning": whole[1:].hex(),
        "another form": changed(4, 2),
        "an unknown algorithm": changed(5, 3),
        "a name without letters": changed(10, 0),
        "a name of letters that no name has": changed(11, ord("/")),
        "too short for a tag": whole[:40].hex(),
        "nothing": "",
    }
    return [
        *(Case(n, "open_key_envelope", question | change, "ENVELOPE_DAMAGED") for n, change in damaged.items()),
        *(Case(n, "open_key_envelope", question | {"envelope": e}, "KEY_ENVELOPE_FORM") for n, e in unread.items()),
    ]
