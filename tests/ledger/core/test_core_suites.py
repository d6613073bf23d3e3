"""What the suites with SM3 hash, written down a second time with the standard library where it has SM3."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core import canonical, merkle
from ledger.core.canonical import b64
from ledger.core.disclosures import claim_all, disclose, make_claims
from ledger.core.hashing import SM3_HASH, hmac_sm3, sm3, sm3_each
from ledger.core.keys import RecordKey
from ledger.core.records import Record, record_frame
from ledger.core.registries import Kind, Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.crypto.approvals import ApprovalKey, check_approvals
from ledger.errors import InputError, IntegrityError
from ledger.services import bodies

SECRET = bytes(range(32))
ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905 annex A.1
NATIONAL = [Suite.GM, Suite.DUAL]
ROWS = [{"holder": "张三", "level": 3, "note": None}, {"holder": "李四", "level": 4, "note": "–"}]


def test_the_example_of_the_standard() -> None:
    assert sm3(b"abc").hex() == ABC
    assert sm3_each([b"abc", b""])[0].hex() == ABC


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=1, max_size=64), st.binary(max_size=80), st.binary(max_size=200))
def test_hmac_is_the_one_of_rfc_2104(key: bytes, prefix: bytes, message: bytes) -> None:
    if "sm3" not in hashlib.algorithms_available:
        pytest.skip("this Python has no SM3 of its own")
    assert hmac_sm3(key, prefix)(message) == hmac.new(key, prefix + message, "sm3").digest()


@pytest.mark.parametrize("suite", NATIONAL)
def test_salts_and_claims_by_the_formula(suite: Suite) -> None:
    record_salt, salts = RecordKey(SECRET).salts(ROWS[0], suite)
    salt_of = hmac_sm3(SECRET, b"zhengyin/salt/2")
    assert record_salt == salt_of(b"")
    claims = make_claims(RecordKey(SECRET), ROWS[0], suite)
    for name, value in ROWS[0].items():
        assert salts[name] == salt_of(name.encode())
        line = b"\x10" + json.dumps([b64(salts[name]), name, value], ensure_ascii=False, separators=(",", ":")).encode()
        digests = [b64(hashlib.sha256(line).digest()), b64(sm3(line))]
        assert claims[name] == (digests if suite is Suite.DUAL else digests[1])
    shown = disclose(RecordKey(SECRET), ROWS[0], ROWS[0], suite)
    assert {d.name: d.claim(suite) for d in shown} == claims


@pytest.mark.parametrize("suite", list(Suite))
def test_many_records_at_once_are_the_records_one_by_one(suite: Suite) -> None:
    keys = [RecordKey(bytes([n]) * 32) for n in (1, 2)]
    names, salts, digests, contents = claim_all(keys, ROWS, suite)
    columns = [*digests, [b"[]"] * 2, [b'"urn:zhengyin:aaaqeayeaudaocajbifqydiob4"'] * 2, [b"[]"] * 2, salts]
    frame = record_frame("evidence", "11449999000000019F", "evidence", 1, "issued", names, suite)
    made = frame.fill(2, [*columns, [b"null"] * 2, [b"null"] * 2])
    for data, key, row, content in zip(made, keys, ROWS, contents, strict=True):
        found = Record.from_bytes(data)
        salt, _ = key.salts(row, suite)
        assert (found.suite, found.claims, found.salt) == (suite, make_claims(key, row, suite), salt)
        assert found.to_bytes() == data
        assert canonical.decode(content) == row
        assert found.leaf_sm3() == merkle.leaf_hash(data, SM3_HASH) != found.leaf()


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.data())
def test_every_path_of_a_tree_by_sm3_leads_to_its_root(size: int, data: st.DataObject) -> None:
    leaves = Sm3Leaves(Suite.GM, b"".join(merkle.leaf_hash(bytes([n]), SM3_HASH) for n in range(size)))
    index = data.draw(st.integers(0, size - 1))
    path, leaf = merkle.inclusion_path(leaves.levels(), index), leaves.part(index, 1).leaves
    assert merkle.root_from_path(leaf, index, size, path, SM3_HASH) == leaves.root()
    if size > 1:
        assert merkle.root_from_path(leaf, index, size, path) != leaves.root()  # the other hash, the same path


@pytest.mark.parametrize("suite", NATIONAL)
def test_a_body_opens_by_its_own_key_and_leaf_alone(suite: Suite) -> None:
    key, record = RecordKey(SECRET), _record(suite)
    leaf = record.leaf()
    (sealed,) = bodies.encrypt_all([key], [leaf], [record.to_bytes()], [canonical.encode(ROWS[0])], suite)
    assert bodies.decrypt(SECRET, leaf, sealed) == (record, ROWS[0])
    for secret, other in ((bytes(32), leaf), (SECRET, bytes(32))):
        with pytest.raises(InputError) as caught:
            bodies.decrypt(secret, other, sealed)
        assert caught.value.code == "BODY_DAMAGED"
    plain = bodies.encrypt(key, leaf, record.to_bytes(), canonical.encode(ROWS[0]))
    assert plain != sealed and len(plain) == len(sealed)


def test_approvals_are_of_both_leaves_and_of_the_suite() -> None:
    key = ApprovalKey(SECRET)
    leaves = [bytes([n]) * 32 for n in (1, 2)]
    second = [bytes([n]) * 32 for n in (3, 4)]
    approvals = b"".join(key.approve_both(Suite.GM, a, b) for a, b in zip(leaves, second, strict=True))
    both = Sm3Leaves(Suite.GM, b"".join(second))
    check_approvals(b"".join(leaves), approvals, [key], both)
    for sm3_leaves in (
        None,
        Sm3Leaves(Suite.DUAL, both.leaves),
        Sm3Leaves(Suite.GM, both.leaves[32:] + both.leaves[:32]),
        Sm3Leaves(Suite.GM, both.leaves[:32]),
    ):
        with pytest.raises(IntegrityError):
            check_approvals(b"".join(leaves), approvals, [key], sm3_leaves)
    with pytest.raises(InputError):
        Sm3Leaves(Suite.INTL, b"")


def _record(suite: Suite) -> Record:
    key = RecordKey(SECRET)
    values: dict[str, Any] = ROWS[0]
    return Record(
        *(Kind.EVIDENCE, "urn:zhengyin:aaaqeayeaudaocajbifqydiob4", "11449999000000019F", "evidence", 1, "issued"),
        *(None, None, (), make_claims(key, values, suite), (), key.salts(values, suite)[0], suite),
    )
