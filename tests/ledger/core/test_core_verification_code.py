"""The code beside a number: one derivation, one print, and everything that people type for it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.identifiers import require_record_id
from ledger.core.keys import RecordKey
from ledger.core.tombstones import ErasureReason, tombstone_id
from ledger.core.verification_code import ALPHABET, link_fragment, parse_code, print_code
from ledger.errors import InputError, messages

SECRETS = st.binary(min_size=32, max_size=32)
BETWEEN = st.text(alphabet=" -_\t\n\u3000\u2010\u2014\u2212\uff0d\u00a0", max_size=2)


@settings(deadline=None, max_examples=60)
@given(SECRETS, st.lists(BETWEEN, min_size=17, max_size=17), st.lists(st.integers(0, 3), min_size=16, max_size=16))
def test_whatever_way_it_is_typed_it_is_the_code(secret: bytes, between: list[str], ways: list[int]) -> None:
    key = RecordKey(secret)
    typed = between[0]
    for character, way, gap in zip(print_code(key).replace("-", ""), ways, between[1:], strict=True):
        alike = {"0": "o", "1": "l"}.get(character, character)
        typed += (character, character.lower(), chr(ord(character) + 0xFEE0), alike)[way] + gap
    assert parse_code(typed) == key.verification_code()


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=80))
def test_other_texts_are_refused_by_code_or_are_ten_bytes(text: str) -> None:
    try:
        assert len(parse_code(text)) == 10
    except InputError as error:
        assert error.code in ("CODE_LENGTH", "CODE_CHARACTER")
        assert set(map(type, error.values.values())) == {int}  # a mistyped code is nearly a code: not repeated


@settings(deadline=None, max_examples=60)
@given(SECRETS, st.integers(0, 15), st.sampled_from(ALPHABET))
def test_one_digit_changed_is_another_code(secret: bytes, place: int, digit: str) -> None:
    printed = print_code(RecordKey(secret)).replace("-", "")
    changed = printed[:place] + digit + printed[place + 1 :]
    assert (parse_code(changed) == parse_code(printed)) == (changed == printed)


def test_an_endless_text_is_not_looked_at() -> None:
    with pytest.raises(InputError, match="CODE_LENGTH"):
        parse_code("0" * 10_000_000)


def test_neither_key_nor_code_shows_itself() -> None:
    key = RecordKey(bytes(range(32)))
    assert print_code(key) not in repr(key)


@pytest.mark.parametrize("id_", ["1.2.156.3005.2.X", "urn:zhengyin:" + "a" * 26, "a&k=b#c d/证"])
def test_a_fragment_gives_back_what_was_put_in(id_: str) -> None:
    fragment = link_fragment(id_, "D339-XPM7-4XFJ-P8XS")
    assert parse_qs(fragment, strict_parsing=True) == {"i": [id_], "k": ["D339-XPM7-4XFJ-P8XS"]}
    assert parse_qs(link_fragment(id_)) == {"i": [id_]}


def test_a_leaf_has_one_tombstone_and_another_leaf_another() -> None:
    first = tombstone_id(bytes(32))
    assert first == tombstone_id(bytes(32)) == require_record_id(first)
    assert first != tombstone_id(bytes(31) + b"\1")


def test_the_reasons_are_those_of_the_specification_and_have_words() -> None:
    page = (Path(__file__).parents[3] / "ledger" / "FORMATS.md").read_text("utf-8")
    for reason in ErasureReason:
        assert f"| {reason.value} | `{reason.word}` |" in page
        assert f"WORD_ERASURE_{reason.word.upper()}" in messages()
