"""Trust files that contradict themselves are stopped as a whole, before they judge anything."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def _form_2() -> dict[str, Any]:
    file = deepcopy(FILE) | {"tag": "zhengyin/trust/2"}
    file["chains"][0]["trustList"] = {"address": b64(bytes(20)), "code": b64(bytes(32))}
    qualification = {"type": "government", "number": "A077", "from": 1, "until": None}
    file["authorities"][0] |= {"service": "tsa", "provider": OFFICE, "qualifications": [qualification]}
    file["authorities"][0]["states"].append({"state": "suspended", "since": 2})
    file["policies"][0]["token"] = "independent"
    return file


@pytest.mark.parametrize("file", [FILE, _form_2()], ids=["form 1", "form 2"])
def test_a_content_is_written_in_the_form_it_was_signed_in(file: dict[str, Any]) -> None:
    assert Trust.from_json(file).to_json() == file


def test_an_old_file_lists_certification_authorities_of_nobody_in_particular() -> None:
    found = Trust.from_json(FILE)
    authority = found.authorities[0]
    assert (found.form, found.chains[0].trust_list) == (1, None)
    assert (authority.service, authority.provider, authority.qualifications) == ("ca", None, ())


def test_a_suspended_authority_is_granted_again_by_a_later_state() -> None:
    file = _form_2()
    file["authorities"][0]["states"].append({"state": "granted", "since": 5})
    found = Trust.from_json(file).authorities[0]
    assert [found.state_at(at) for at in (0, 1, 2, 4, 5)] == [None, "granted", "suspended", "suspended", "granted"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text("aé\u8bc1=-", max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["since", "id"]), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for k, v in inner for p in places(v, (*path, k)))]


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(places(_form_2())[1:]), JSON)
def test_anything_anywhere_is_written_again_as_it_was_read_or_refused_with_a_code(
    path: tuple[Any, ...], put: Any
) -> None:
    file = _form_2()
    inside: Any = file
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = put
    try:
        found = Trust.from_json(file)
    except InputError as refused:
        assert refused.code
    else:
        assert found.to_json() == file
