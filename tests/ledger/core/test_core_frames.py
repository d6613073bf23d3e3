"""Frames: many documents of one shape have the bytes that each has alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.canonical import b64, encode, encode_each, encode_scalars
from ledger.core.disclosures import claim, claim_all
from ledger.core.frames import Frame, text, value
from ledger.core.keys import RecordKey
from ledger.core.records import FileDigest, Record, Reference, record_frame
from ledger.core.registries import Kind, Relation
from ledger.errors import InputError

OFFICE = "114401000700000148"
quick = settings(deadline=None, max_examples=100)
texts = st.text('权利人A"\\ 　１#~07\u2028', max_size=12)
scalars = st.none() | st.booleans() | st.integers(0, 2**53 - 1) | texts
values = scalars | st.lists(scalars, max_size=3)


@quick
@given(st.lists(values, max_size=20))
def test_many_values_have_the_bytes_that_each_has_alone(many: list[Any]) -> None:
    assert encode_each(many) == [encode(one) for one in many]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (1.5, "CANONICAL_TYPE"), (-1, "CANONICAL_INTEGER"), (2**53, "CANONICAL_INTEGER"), (("a",), "CANONICAL_TYPE"),
        ("a\nb", "CANONICAL_CHARACTER"), ("\ud800", "CANONICAL_CHARACTER"), ("\u202e", "CANONICAL_CHARACTER"),
        (b"a", "CANONICAL_TYPE"), ({"A": 1}, "CANONICAL_KEY"),
    ],
)  # fmt: skip
def test_one_bad_value_among_many_is_refused(bad: Any, code: str) -> None:
    for many in ([bad], ["a", bad, 1], [bad, "张", None, True]):
        assert encode_scalars(many) is None
        with pytest.raises(InputError, match=code):
            encode_each(many)


@quick
@given(st.lists(st.tuples(values, values), min_size=1, max_size=8))
def test_a_filled_frame_is_the_canonical_bytes(rows: list[tuple[Any, Any]]) -> None:
    frame = Frame([{"a": value(0), "fixed": "x", "n": [value(1)]}, [value(2), text(3)]], b"\x10")
    first, second = ([encode(row[at]) for row in rows] for at in range(2))
    digests = [b64(bytes([at] * 32)) for at in range(len(rows))]
    filled = frame.fill(len(rows), [first, second, first, [digest.encode() for digest in digests]])
    expected = []
    for (a, b), digest in zip(rows, digests, strict=True):
        expected += [b"\x10" + encode({"a": a, "fixed": "x", "n": [b]}), b"\x10" + encode([a, digest])]
    assert filled == expected


def test_a_frame_without_samples_is_empty() -> None:
    assert Frame([]).fill(3, []) == []


@pytest.mark.parametrize("sample", [{"a": value(1)}, {"b": value(0), "a": value(1)}, {"a": value(0), "b": value(0)}])
def test_marks_out_of_order_are_a_mistake(sample: Any) -> None:
    with pytest.raises(ValueError, match="mark"):
        Frame([sample])


def test_columns_of_another_number_or_length_are_a_mistake() -> None:
    frame = Frame([{"a": value(0), "b": value(1)}])
    assert frame.fill(1, [[b"1"], [b"2"]]) == [b'{"a":1,"b":2}']
    for columns in ([[b"1"]], [[b"1"], [b"2"], [b"3"]], [[b"1", b"1"], [b"2"]], [[], [b"2"]]):
        with pytest.raises(ValueError, match=r"argument|sequence|slice"):
            frame.fill(1, columns)


def keys(number: int) -> list[RecordKey]:
    return [RecordKey(bytes([at]) * 32) for at in range(number)]


@quick
@given(st.data(), st.sets(st.from_regex(r"[a-z][A-Za-z0-9]{0,7}", fullmatch=True), max_size=6))
def test_claims_of_many_records_are_those_of_each(data: st.DataObject, names: set[str]) -> None:
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, values)), min_size=1, max_size=5))
    made = claim_all(keys(len(rows)), rows)
    assert made.names == tuple(sorted(names))
    for at, (key, row) in enumerate(zip(keys(len(rows)), rows, strict=True)):
        alone = claim(key, row)
        assert alone.salt == made.salts[at].decode() == b64(key.salts(row)[0])
        assert alone.content == made.contents[at] == encode(row)
        assert list(alone.claims.values()) == [column[at].decode() for column in made.digests]


def test_rows_of_different_names_are_not_claimed_together() -> None:
    for rows in ([{"a": 1}, {"a": 1, "b": 2}], [{"a": 1, "b": 2}, {"a": 1}]):
        with pytest.raises(ValueError, match="different names"):
            claim_all(keys(2), rows)
    with pytest.raises(KeyError):
        claim_all(keys(2), [{"a": 1}, {"b": 1}])
    with pytest.raises(ValueError, match="different names"):
        claim_all(keys(1), [{"a": 1}, {"a": 1}])


def test_a_fault_in_one_of_many_rows_is_named() -> None:
    for bad, code in (({"x": 1}, "DISCLOSURE_VALUE"), ("\u202e", "CANONICAL_CHARACTER"), (1.0, "CANONICAL_TYPE")):
        with pytest.raises(InputError, match=code):
            claim_all(keys(2), [{"a": 1}, {"a": bad}])
    with pytest.raises(InputError, match="CANONICAL_SIZE"):
        claim_all(keys(2), [{"a": "1"}, {"a": "x" * 65536}])


@quick
@given(st.lists(st.tuples(texts, st.none() | texts, st.booleans()), min_size=1, max_size=4))
def test_records_from_a_frame_are_the_records_bytes(rows: list[tuple[str, str | None, bool]]) -> None:
    file = FileDigest(5, bytes(32), bytes([1]) * 32)
    reference = Reference(Relation.SUPERSEDES, OFFICE, bytes([7]) * 32)
    made = claim_all(keys(len(rows)), [{"b": 1, "a": id_} for id_, _, _ in rows])
    records = [
        Record(
            *(Kind.LICENSE, id_, OFFICE, "T", 5, "issued", until, None, (file,) if both else ()),
            *(claim(key, {"a": id_, "b": 1}).claims, (reference,) if both else (), key.salts(["a", "b"])[0]),
        )
        for key, (id_, until, both) in zip(keys(len(rows)), rows, strict=True)
    ]
    columns = (
        *made.digests,
        encode_each([[file.to_json() for file in record.files] for record in records]),
        encode_each([record.id for record in records]),
        encode_each([[ref.to_json() for ref in record.refs] for record in records]),
        made.salts,
        encode_each([record.valid_from for record in records]),
        encode_each([record.valid_until for record in records]),
    )
    frame = record_frame("license", OFFICE, "T", 5, "issued", made.names)
    assert frame.fill(len(rows), columns) == [record.to_bytes() for record in records]
