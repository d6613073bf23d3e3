"""Trust files that contradict themselves are stopped as a whole, before they judge anything."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from ledger.core.canonical import b64
from ledger.core.trust import Trust
from ledger.errors import InputError

OFFICE = "11330100000000019E"
NODE = {"address": b64(bytes(20)), "organisation": OFFICE, "fromBlock": 1, "untilBlock": None}
CHAIN = {
    "identity": {"id": 1, "genesis": b64(bytes(32)), "records": b64(bytes(20))},
    "council": b64(bytes(20)),
    "consortium": b64(bytes(20)),
    "recordsCode": b64(bytes(32)),
    "consensus": "embedded",
    "validators": [NODE],
    "checkpoints": [{"block": 9, "hash": b64(bytes(32))}],
    "successor": None,
}
FILE: dict[str, Any] = {
    "tag": "zhengyin/trust/1",
    "version": 1,
    "issued": 1,
    "expires": 2,
    "keys": [{"id": "a", "alg": "ES256", "spki": b64(b"a")}],
    "threshold": 1,
    "chains": [CHAIN],
    "authorities": [
        {"name": "CA", "certificate": b64(b"c"), "states": [{"state": "granted", "since": 1}], "compromisedSince": None}
    ],
    "recognitions": [
        {"jurisdiction": "CN", "authority": b64(bytes(32)), "purpose": "license", "level": 1, "from": 1, "until": None,
         "reference": "r"}
    ],
    "policies": [
        {"jurisdiction": "CN", "finality": "single", "token": "optional", "revocation": "provisional", "level": 1}
    ],
    "compromisedSigners": [],
}  # fmt: skip


def _again_with_other_validators(file: dict[str, Any]) -> None:
    file["chains"].append(CHAIN | {"validators": [NODE | {"address": b64(b"\x01" * 20)}]})


def _until_the_block_where_it_begins_again(file: dict[str, Any]) -> None:
    file["chains"][0]["validators"] = [NODE | {"untilBlock": 5}, NODE | {"fromBlock": 5}]


def _another_operator_inside(file: dict[str, Any]) -> None:
    file["chains"][0]["validators"].append(NODE | {"fromBlock": 7, "untilBlock": 8, "organisation": OFFICE})


def _two_pasts(file: dict[str, Any]) -> None:
    file["chains"][0]["checkpoints"].append({"block": 9, "hash": b64(b"\x01" * 32)})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_again_with_other_validators, "TRUST_CHAIN_REPEATED"),
        (_until_the_block_where_it_begins_again, "TRUST_VALIDATORS_OVERLAP"),
        (_another_operator_inside, "TRUST_VALIDATORS_OVERLAP"),
        (_two_pasts, "TRUST_CHECKPOINT_REPEATED"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(change: Callable[[dict[str, Any]], None], code: str) -> None:
    file = deepcopy(FILE)
    change(file)
    with pytest.raises(InputError) as caught:
        Trust.from_json(file)
    assert caught.value.code == code
    assert "{" not in caught.value.text("zh") + caught.value.text("en")


def test_a_validator_may_leave_and_come_back() -> None:
    file = deepcopy(FILE)
    file["chains"][0]["validators"] = [NODE | {"untilBlock": 5}, NODE | {"fromBlock": 6}]
    assert len(Trust.from_json(file).chains[0].validators_at(6)) == 1
