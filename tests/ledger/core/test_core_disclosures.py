"""Claims: one road to a digest, one digest a name, strict reading, keys that do not show."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHAKE256, Hash
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.canonical import b64, encode
from ledger.core.disclosures import Disclosure, claim, disclose, make_claims
from ledger.core.keys import RecordKey
from ledger.errors import InputError, ZhengyinError

SECRET = bytes(range(32))
KEY = RecordKey(SECRET)
VALUES: dict[str, Any] = {
    "holderName": ["张三", '李"四\\'],
    "unitNumber": "440106004003GB00001F00010001",
    "area": 98,
    "adult": True,
    "note": None,
}
quick = settings(deadline=None, max_examples=100)
scalar = st.none() | st.booleans() | st.integers(0, 2**53 - 1) | st.text('权利人A"\\ 　１', max_size=12)
claims = st.dictionaries(
    st.from_regex(r"[a-z][A-Za-z0-9]{0,9}", fullmatch=True),
    scalar | st.lists(scalar, max_size=3),
    max_size=12,
)


@quick
@given(st.binary(min_size=32, max_size=32), st.sets(st.from_regex(r"[a-z][A-Za-z0-9]{0,9}", fullmatch=True)))
def test_salts_are_one_shake256_over_key_and_names(secret: bytes, names: set[str]) -> None:
    digest = Hash(SHAKE256(32 * (1 + len(names))))
    digest.update(secret + b"zhengyin/salts/1" + encode(sorted(names)))
    stream = digest.finalize()
    salt, salts = RecordKey(secret).salts(names)
    assert list(salts) == sorted(names)
    assert salt + b"".join(salts.values()) == stream


def test_everything_derived_is_distinct() -> None:
    salt, salts = KEY.salts(VALUES)
    assert len({salt, *salts.values(), KEY.body_key()}) == 2 + len(VALUES)
    assert KEY.body_key() == sha256(SECRET + b"zhengyin/body/1").digest()


def test_another_set_of_names_shares_no_salt() -> None:
    salt, salts = KEY.salts(["area", "note"])
    other, others = KEY.salts(["area", "holderName"])
    assert {salt, *salts.values()}.isdisjoint({other, *others.values()})


def test_a_key_does_not_show_itself() -> None:
    assert repr(KEY) == "RecordKey(…)"
    assert not hasattr(KEY, "__dict__")
    for length in (0, 31, 33):
        with pytest.raises(InputError, match="KEY_LENGTH"):
            RecordKey(bytes(length))


@quick
@given(claims)
def test_claims_are_the_digests_of_their_disclosures(values: dict[str, Any]) -> None:
    made = make_claims(KEY, values)
    assert list(made) == sorted(values)
    for shown in disclose(KEY, values, values):
        expected = sha256(b"\x10" + encode([b64(shown.salt), shown.name, shown.value])).digest()
        assert shown.digest() == expected
        assert made[shown.name] == b64(expected)
        assert Disclosure.from_json(shown.to_json()) == shown


@quick
@given(claims | st.dictionaries(st.sampled_from(["a", "b"]), st.text('[]{}"\\,:张', max_size=6)))
def test_the_content_beside_the_claims_is_the_canonical_bytes_of_the_values(values: dict[str, Any]) -> None:
    made = claim(KEY, values)
    assert (made.claims, made.content) == (make_claims(KEY, values), encode(values))
    assert made.salt == b64(KEY.salts(values)[0])


def test_a_nested_object_is_refused_beside_brackets_in_a_text() -> None:
    for value in ({"a": 1}, [{"a": 1}], [[1]]):
        with pytest.raises(InputError, match="DISCLOSURE_VALUE"):
            claim(KEY, {"a": "[{", "b": value})


def test_disclosures_are_sorted_and_each_once() -> None:
    assert [d.name for d in disclose(KEY, VALUES, ["note", "area", "note"])] == ["area", "note"]
    assert disclose(KEY, VALUES, []) == ()
    with pytest.raises(InputError, match="DISCLOSURE_UNKNOWN"):
        disclose(KEY, VALUES, ["area", "salary"])


def test_another_name_value_or_salt_is_another_digest() -> None:
    shown = disclose(KEY, VALUES, ["area"])[0]
    others = (
        Disclosure("areb", shown.value, shown.salt),
        Disclosure("area", 99, shown.salt),
        Disclosure("area", "98", shown.salt),
        Disclosure("area", [98], shown.salt),
        Disclosure("area", 98, KEY.salts(VALUES)[1]["note"]),
    )
    assert len({shown.digest(), *(other.digest() for other in others)}) == 6


def test_true_does_not_pass_for_one() -> None:
    salt = KEY.salts(["a"])[1]["a"]
    assert Disclosure("a", True, salt).digest() != Disclosure("a", 1, salt).digest()


@pytest.mark.parametrize("value", [{"a": 1}, [[1]], [{"a": 1}], 1.5, -1, "a\nb", 2**53, ("a",), b"a"])
def test_nested_or_foreign_values_are_refused(value: Any) -> None:
    with pytest.raises(InputError) as caught:
        make_claims(KEY, {"a": value})
    assert caught.value.code.startswith(("DISCLOSURE_VALUE", "CANONICAL_"))
    with pytest.raises(InputError):
        Disclosure("a", value, bytes(32)).digest()


@pytest.mark.parametrize("name", ["", "Name", "a-b", "a" * 33, 'a","x'])
def test_names_cannot_break_out_of_their_place(name: str) -> None:
    with pytest.raises(InputError):
        make_claims(KEY, {name: 1})
    with pytest.raises(InputError):
        Disclosure(name, 1, bytes(32)).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"salt": None}, {"salt": "AAAA"}, {"salt": "A" * 42 + "B"}, {"salt": "A" * 43 + "="}, {"name": 5},
        {"name": "A"}, {"value": {"a": 1}}, {"value": 1.0}, {"more": 1},
    ],
)  # fmt: skip
def test_a_disclosure_is_read_strictly(change: dict[str, Any]) -> None:
    with pytest.raises(ZhengyinError):
        Disclosure.from_json({"name": "a", "value": 1, "salt": "A" * 43} | change)


@pytest.mark.parametrize("value", [None, [], "", {"name": "a", "value": 1}])
def test_another_shape_is_no_disclosure(value: object) -> None:
    with pytest.raises(InputError):
        Disclosure.from_json(value)
