"""The page's readers against the ledger's: the vectors of FORMATS, and whatever Hypothesis thinks of."""

from __future__ import annotations

import csv as csv_module
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_kit import Modules

from ledger.core import canonical
from ledger.core.canonical import b64, unb64
from ledger.core.trust_lists import ALGORITHMS
from ledger.core.verification_code import link_fragment
from ledger.errors import InputError
from ledger.proofs import rlp

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
SHARED = {
    "canonical": {"canonical_decode", "canonical_encode"},
    "base64url": {"base64_decode"},
    "record": {"record"},
    "tombstone": {"record"},
    "manifest": {"manifest"},
    "accreditation": {"accreditation"},
    "organisations": {"organisation"},
    "identifiers": {"record_id"},
    "merkle": {"merkle_path"},
    "commit-seals": {"header"},
    "signatures": {"signature"},
    "trust": {"trust_content", "trust_file"},
    "contract-storage": {"status_word", "batch_word"},
    "suites": {"suite_record", "suite_manifest", "suite_claim", "suite_path"},
}
ELSEWHERE = {
    "TRUST_EXPIRED", "MERKLE_HASH", "COMMIT_SEAL_CONSENSUS", "COMMIT_SEAL_VALIDATORS_INVALID", "COMMIT_SEAL_GENESIS",
}  # fmt: skip
"""Codes of what the page's readers are never given, or judge in another place: see the callers in ``verify/``."""
NUMBERS = {"CANONICAL_TYPE", "CANONICAL_INTEGER", "CANONICAL_FORM"}
"""JavaScript has one kind of number: 1.0, 1e2 and 2^53 are refused all the same, as a number or by their spelling."""
EXAMPLES = settings(max_examples=200, deadline=None)


def cases(name: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{folder}: {case['name']}")
        for folder, acts in SHARED.items()
        for case in json.loads((VECTORS / folder / f"{name}.json").read_text("utf-8"))["cases"]
        if case["act"] in acts and case.get("refused") not in ELSEWHERE and "previous" not in case["given"]
    ]


@pytest.mark.parametrize("case", cases("valid"))
def test_a_valid_vector_gives_the_same(modules: Modules, case: dict[str, Any]) -> None:
    found = modules.ask(case["act"], case["given"])["gives"]
    shared = found.keys() & case["gives"].keys()
    assert {name: found[name] for name in shared} == {name: case["gives"][name] for name in shared}
    assert shared or case["act"] in ("record_id", "trust_content")


@pytest.mark.parametrize("case", cases("faulty"))
def test_a_faulty_vector_is_refused_with_its_code(modules: Modules, case: dict[str, Any]) -> None:
    found = modules.ask(case["act"], case["given"])["refused"]
    assert found == case["refused"] or {found, case["refused"]} <= NUMBERS


def same(modules: Modules, act: str, data: bytes, ledger: Callable[[bytes], Any]) -> None:
    """Accepted by both or refused by both, with one code; of several faults in one JSON text either may be named."""
    try:
        ledger(data)
        expected = None
    except InputError as error:
        expected = error.code
    found = modules.ask(act, {"hex": data.hex()}).get("refused")
    assert found == expected or (found and expected and act == "canonical_bytes")


def test_the_same_characters_are_forbidden(modules: Modules) -> None:
    expected = [point for point in range(0x110000) if canonical.FORBIDDEN.search(chr(point))]
    assert modules.ask("forbidden", {})["gives"]["points"] == expected


SCALARS = st.none() | st.booleans() | st.integers(-5, 2**53 + 5) | st.text(max_size=8) | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abZ0_é", max_size=4), inner, max_size=4),
    max_leaves=12,
)


@EXAMPLES
@given(value=VALUES, blanks=st.booleans())
def test_json_is_canonical_for_both_or_for_neither(modules: Modules, value: Any, blanks: bool) -> None:
    separators = (", ", ": ") if blanks else (",", ":")
    data = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=separators).encode("utf-8", "surrogatepass")
    same(modules, "canonical_bytes", data, canonical.decode)


@EXAMPLES
@given(data=st.binary(max_size=40) | st.text('{}[]":,0.9eE-\\u a', max_size=20).map(str.encode))
def test_garbage_is_canonical_for_neither(modules: Modules, data: bytes) -> None:
    same(modules, "canonical_bytes", data, canonical.decode)


@EXAMPLES
@given(data=st.binary(max_size=80))
def test_rlp_is_read_by_both_or_by_neither(modules: Modules, data: bytes) -> None:
    same(modules, "rlp", data, rlp.decode_strict)


ITEMS = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=6), max_leaves=20)


@EXAMPLES
@given(item=ITEMS, cut=st.integers(0, 3), flip=st.integers(0, 255))
def test_rlp_with_a_fault_is_refused_alike(modules: Modules, item: Any, cut: int, flip: int) -> None:
    data = bytearray(rlp.encode(item))
    data[len(data) // 2] ^= flip
    same(modules, "rlp", bytes(data[: len(data) - cut]), rlp.decode_strict)


@EXAMPLES
@given(text=st.text("AQz-_=+ 0", max_size=9))
def test_base64url_has_one_spelling(modules: Modules, text: str) -> None:
    try:
        expected: dict[str, Any] = {"gives": {"hex": unb64(text, "$").hex()}}
    except InputError as error:
        expected = {"refused": error.code}
    assert modules.ask("base64_decode", {"text": text}) == expected


@EXAMPLES
@given(data=st.binary(max_size=50))
def test_base64url_is_written_alike(modules: Modules, data: bytes) -> None:
    assert modules.ask("base64_encode", {"hex": data.hex()})["gives"]["text"] == b64(data)


@settings(max_examples=20, deadline=None)
@given(data=st.binary(max_size=300))
def test_a_file_has_the_digests_that_openssl_computes(modules: Modules, data: bytes) -> None:
    found = modules.ask("file", {"hex": data.hex()})["gives"]
    sm3 = hashlib.new("sm3", data).hexdigest()
    assert found == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "sm3": sm3}


CELLS = st.text(st.characters(blacklist_characters="\r\0", blacklist_categories=["Cs"]), max_size=6)


@EXAMPLES
@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=4))
def test_a_report_is_read_cell_by_cell(modules: Modules, rows: list[list[str]]) -> None:
    stream = io.StringIO()
    csv_module.writer(stream).writerows(rows)
    assert modules.ask("csv", {"text": "\ufeff" + stream.getvalue()})["gives"]["rows"] == rows


@EXAMPLES
@given(number=st.text(min_size=1, max_size=40).filter(str.strip), code=st.none() | st.text("0AZ-", max_size=19))
def test_what_a_qr_code_holds_comes_out_again(modules: Modules, number: str, code: str | None) -> None:
    try:
        number.encode()
    except UnicodeEncodeError:
        return
    fragment = link_fragment(number, code)
    expected = {"number": number, "code": code or ""}
    assert modules.ask("fragment", {"text": f"#{fragment}"})["gives"]["found"] == expected
    found = modules.ask("payload", {"text": f"https://office.example/#{fragment}"})["gives"]["found"]
    assert found == {**expected, "host": "office.example"}


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)#i=1&k=2",
        "data:text/html,<script>alert(1)</script>#i=1",
        "weixin://dl#i=1",
        "https://office.example/",
        "https://office.example/?i=1&k=2",
        "1.2.156.3005.2",
        "",
        "https://office.example/#i=" + "9" * 257,
    ],
)
def test_what_is_no_license_in_a_qr_code_is_not_taken_for_one(modules: Modules, text: str) -> None:
    assert modules.ask("payload", {"text": text})["gives"]["found"] is None


def test_the_page_knows_every_algorithm_of_council_keys() -> None:
    source = (VECTORS.parents[1] / "api" / "web" / "js" / "lib" / "trust.js").read_text("utf-8")
    assert all(f'"{name}"' in source for name in ALGORITHMS)
