"""Canonical bytes: equal to RFC 8785 inside the grammar, refused outside it, on reading as on writing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.canonical import BUNDLE_LIMITS, FORBIDDEN, RECORD_LIMITS, Limits, b64, decode, encode, unb64
from ledger.errors import InputError, ZhengyinError

VECTORS = Path(__file__).resolve().parents[3] / ".." / "shared" / "vectors" / "jcs_rfc8785"
quick = settings(deadline=None, max_examples=150)

keys = st.from_regex(r"[a-z][A-Za-z0-9]{0,7}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=("Cc", "Cs", "Co", "Cn"))).filter(
    lambda text: not FORBIDDEN.search(text)
)
scalars = st.none() | st.booleans() | st.integers(0, 2**53 - 1) | texts
values = st.recursive(scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(keys, v, max_size=4), max_leaves=12)
DEEP = Limits(1 << 20, 64)


def code_of(value: Any, limits: Limits = RECORD_LIMITS) -> str:
    with pytest.raises(InputError) as caught:
        encode(value, limits)
    return caught.value.code


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        decode(data)
    return caught.value.code


@quick
@given(values)
def test_bytes_equal_rfc8785_and_come_back(value: Any) -> None:
    data = encode(value, DEEP)
    assert data == rfc8785.dumps(value)
    assert decode(data, DEEP) == value


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_published_vectors_are_outside_the_grammar_by_key_or_number(name: str) -> None:
    value, expected = vector(name)
    assert code_of(value) in ("CANONICAL_KEY", "CANONICAL_TYPE")
    assert refusal(expected).startswith("CANONICAL_")


@pytest.mark.parametrize("name", ["arrays", "french", "unicode"])
def test_published_vectors_under_keys_of_the_grammar_are_matched(name: str) -> None:
    value = rekeyed(vector(name)[0])
    assert encode(value) == rfc8785.dumps(value)
    assert decode(encode(value)) == value


def vector(name: str) -> tuple[Any, bytes]:
    if not VECTORS.exists():
        pytest.skip("the RFC 8785 vectors are not beside this repository")
    value = json.loads((VECTORS / "input" / f"{name}.json").read_text("utf-8"))
    return value, (VECTORS / "output" / f"{name}.json").read_bytes()


def rekeyed(value: Any) -> Any:
    if isinstance(value, dict):
        return {f"k{ord(key[0])}x{len(key)}": rekeyed(member) for key, member in value.items()}
    return [rekeyed(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"a": 1.0}, "CANONICAL_TYPE"),
        ({"a": float("nan")}, "CANONICAL_TYPE"),
        ({"a": b""}, "CANONICAL_TYPE"),
        ({"a": (1,)}, "CANONICAL_TYPE"),
        ({"a": 2**53}, "CANONICAL_INTEGER"),
        ({"a": 2**70}, "CANONICAL_INTEGER"),
        ([-1], "CANONICAL_INTEGER"),
        ({"A": 1}, "CANONICAL_KEY"),
        ({"": 1}, "CANONICAL_KEY"),
        ({"a_b": 1}, "CANONICAL_KEY"),
        ({"a" * 33: 1}, "CANONICAL_KEY"),
        ({1: 1}, "CANONICAL_KEY"),
        ({"a\n": 1}, "CANONICAL_KEY"),
        ([[[[[[[]]]]]]], "CANONICAL_DEPTH"),
        ("x" * 70000, "CANONICAL_SIZE"),
    ],
)
def test_outside_the_grammar_is_refused(value: Any, code: str) -> None:
    assert code_of(value) == code


@pytest.mark.parametrize(
    "character",
    ["\0", "\n", "\x7f", "\x85", "\u061c", "\u200e", "\u202e", "\u2066", "\ud800", "\ue000", "\uf8ff",
     "\ufdd0", "\uffff", "\U0001fffe", "\U000f0000", "\U0010fffd"],
)  # fmt: skip
def test_hostile_characters_are_refused_both_ways(character: str) -> None:
    assert code_of({"name": f"张{character}三"}) == "CANONICAL_CHARACTER"
    assert refusal(json.dumps({"name": character}).encode()).startswith("CANONICAL_")
    if character != "\ud800":
        assert refusal(json.dumps({"name": character}, ensure_ascii=False).encode()).startswith("CANONICAL_")


def test_names_are_never_normalised() -> None:
    for name in ("\uf9dc", "\ufa0c", "\U00020087", "e\u0301", "张　三", '"\\'):
        assert decode(encode([name])) == [name]


def test_every_character_is_decided_by_the_fixed_table() -> None:
    for point in range(0, sys.maxunicode + 1, 7):
        text = chr(point)
        allowed = not FORBIDDEN.search(text)
        try:
            encode([text])
        except InputError as error:
            assert not allowed and error.code == "CANONICAL_CHARACTER"
        else:
            assert allowed


@pytest.mark.parametrize(
    "data",
    [b'{"a":1,"a":2}', b'{"a":1,"a":1}', b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1}\n', b'[-0]', b'["\\/"]',
     b'["\\u0041"]', b'["\\u00E9"]', b'[1.0]', b'[9007199254740992]', b'[1e3]', b'[01]', b"\xef\xbb\xbf[]",
     b"", b"[1", b"nul", b"[NaN]", b'["\xff"]', b'["\\ud800"]', b"[" * 5000],
)  # fmt: skip
def test_no_second_spelling_is_read(data: bytes) -> None:
    assert refusal(data).startswith("CANONICAL_")


def test_errors_name_the_path_and_never_the_value() -> None:
    with pytest.raises(InputError) as caught:
        encode({"holder": {"names": ["李四", "张\u202e三"]}})
    assert caught.value.values == {"path": "$.holder.names[1]"}
    assert "张" not in caught.value.text("zh")


def test_limits_are_per_document() -> None:
    deep: Any = 1
    for _ in range(12):
        deep = [deep]
    assert decode(encode(deep, BUNDLE_LIMITS), BUNDLE_LIMITS) == deep
    assert code_of(deep) == "CANONICAL_DEPTH"
    assert encode([[[[[[1]]]]]]) == b"[[[[[[1]]]]]]"
    with pytest.raises(InputError, match="CANONICAL_SIZE"):
        decode(b'"' + b"a" * 65535 + b'"')


def test_many_hostile_keys_do_not_fill_memory() -> None:
    from ledger.core import canonical

    for at in range(6000):
        encode({f"k{at}": 1})
    assert len(canonical._known_keys) <= canonical._KNOWN_KEYS_LIMIT
    assert encode({"neverSeenBefore": 1}) == b'{"neverSeenBefore":1}'


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=40) | st.text(max_size=30).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_fuzzed_bytes_raise_only_our_error(data: bytes) -> None:
    try:
        value = decode(data)
    except ZhengyinError:
        return
    assert encode(value) == data


@quick
@given(st.binary(max_size=40))
def test_base64_has_one_spelling(data: bytes) -> None:
    assert unb64(b64(data), "$", len(data)) == data


@pytest.mark.parametrize("text", ["A", "AA==", "A+", "A/", "AB", "AAB", "A A", "ＡＡ", "AA\n", None, 5, b"AA"])
def test_base64_with_slack_is_refused(text: object) -> None:
    with pytest.raises(InputError) as caught:
        unb64(text, "$.x")
    assert (caught.value.code, caught.value.values["path"]) == ("CANONICAL_BASE64", "$.x")


def test_base64_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="CANONICAL_LENGTH"):
        unb64("AAAA", "$", 32)
