"""Calls, returns, events and errors by the committed ABIs; reverts in words."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from eth_account import Account as EthAccount
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain import reverts, transactions
from ledger.chain.abi import CONTRACTS, interface
from ledger.chain.contracts import Contracts
from ledger.chain.reverts import decode_revert, refusal
from ledger.core.identifiers import organisation_bytes32
from ledger.errors import InputError
from ledger.outside.accounts import make_account
from ledger.proofs import events
from ledger.proofs.keccak import keccak
from ledger.proofs.receipts import Log

words = st.binary(min_size=32, max_size=32)
few = settings(max_examples=50, deadline=None)


def error_data(contract: str, name: str, *values: object) -> bytes:
    error = next(error for error in interface(contract).errors.values() if error.name == name)
    return error.selector + error.inputs.encode(*values)


def test_selectors_are_those_of_the_signatures() -> None:
    records = interface("Records")
    batch = b"(bytes32,uint16,uint8,uint32,bytes32,bytes32,bytes32,bytes32[])"
    assert records.functions["anchor"].selector == keccak(b"anchor(" + batch + b")")[:4]
    signature = b"setStatus(bytes32,(bytes32,bytes32)[],uint8,uint40,uint8)"
    assert records.functions["setStatus"].selector == keccak(signature)[:4]
    assert interface("Council").functions["propose"].selector == keccak(b"propose((address,bytes)[])")[:4]
    assert interface("Records") is records


def test_the_records_events_are_those_that_bundles_are_verified_by() -> None:
    by_name = {event.name: event.topic for event in interface("Records").events.values()}
    assert by_name["BatchAnchored"] == events.TOPIC_BATCH_ANCHORED
    assert by_name["AnchorRepeated"] == events.TOPIC_ANCHOR_REPEATED
    assert by_name["StatusChanged"] == events.TOPIC_STATUS_CHANGED
    assert by_name["StatusRefused"] == events.TOPIC_STATUS_REFUSED


@few
@given(words, st.lists(st.tuples(words, words), max_size=5), st.integers(0, 255), st.integers(0, 2**40 - 1))
def test_what_is_encoded_decodes_to_itself(
    issuer: bytes, changes: list[tuple[bytes, bytes]], state: int, effective: int
) -> None:
    function = interface("Records").functions["setStatus"]
    data = function.call(issuer, changes, state, effective, 2)
    assert function.inputs.decode(data[4:]) == {
        "issuer": issuer,
        "changes": [{"leaf": leaf, "statement": statement} for leaf, statement in changes],
        "state": state,
        "effective": effective,
        "reason": 2,
    }


@few
@given(st.binary(max_size=400))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    for function in interface("Council").functions.values():
        for parameters in (function.inputs, function.outputs):
            try:
                parameters.decode(data)
            except InputError as error:
                assert error.code == "ABI_MALFORMED"
    decode_revert(data)


@few
@given(words, words, st.integers(0, 2**64 - 1), words)
def test_the_generic_decoder_agrees_with_the_verifiers(issuer: bytes, root: bytes, sequence: int, sha: bytes) -> None:
    event = interface("Records").events[events.TOPIC_BATCH_ANCHORED]
    batch = (sha, 1, 1, 5, root, sha, bytes(32), [sha])
    topics = (event.topic, issuer, root, sequence.to_bytes(32, "big"))
    data = event.data.encode(bytes(range(20)), batch)
    named = event.decode(topics, data)
    proved = events.decode_anchored(Log(bytes(20), topics, data))
    assert (named["issuer"], named["root"], named["sequence"]) == (
        proved.issuer,
        proved.root,
        proved.sequence,
    )
    assert named["account"] == proved.account == bytes(range(20))
    assert tuple(named["batch"]["signers"]) == proved.signers
    with pytest.raises(InputError, match="ABI_MALFORMED"):
        event.decode(topics[:3], data)


def test_immutables_are_filled_in_their_own_places() -> None:
    council, consortium = b"\x11" * 20, b"\x22" * 20
    code = interface("Records").deployed(consortium, council)
    assert code.count(consortium) == len(interface("Records").immutables[0])
    assert code.count(council) == len(interface("Records").immutables[1])
    assert len(code) == len(interface("Records").runtime)
    with pytest.raises(ValueError, match="zip"):
        interface("Records").deployed(consortium)


# ---- transactions ----


@few
@given(
    st.binary(min_size=1, max_size=32),
    st.integers(0, 2**60),
    st.integers(1, 2**53 - 1),
    st.binary(max_size=99),
)
def test_transactions_are_those_of_eth_account(seed: bytes, nonce: int, chain: int, data: bytes) -> None:
    secret = hashlib.sha256(seed).digest()
    account = make_account(secret)
    raw, hash_ = transactions.sign(chain, account, nonce, transactions.Call(b"\x11" * 20, data, 90_000))
    expected = EthAccount.sign_transaction(
        {"nonce": nonce, "gasPrice": 0, "gas": 90_000, "to": "0x" + "11" * 20, "value": 0, "data": data,
         "chainId": chain}, secret,
    )  # fmt: skip
    assert (raw, hash_) == (bytes(expected.raw_transaction), bytes(expected.hash))
    assert account.address.hex() == EthAccount.from_key(secret).address[2:].lower()


# ---- reverts ----


def test_a_custom_error_has_its_name_values_and_words_in_both_languages() -> None:
    organisation = organisation_bytes32("SG:OFFICE")
    error = refusal("0x" + error_data("Consortium", "OrganisationBarred", organisation).hex())
    assert (error.code, error.values["name"]) == ("CHAIN_REFUSED", "OrganisationBarred")
    assert error.values["values"] == {"organisation": "SG:OFFICE"}
    assert "SG:OFFICE is barred" in error.text("en") and "SG:OFFICE 已被停止" in error.text("zh")


def test_instants_are_shown_as_dates_and_lengths_of_time_and_versions_are_not() -> None:
    fallen = refusal("0x" + error_data("TrustList", "KeyNotTrusted", b"k" * 32, 1_790_000_000).hex())
    for language in ("zh", "en"):
        assert "2026-09-21 22:13:20 UTC+8" in fallen.text(language) and "1790000000" not in fallen.text(language)
    assert fallen.values["values"]["compromisedSince"] == 1_790_000_000
    for contract, name, values in (
        ("Council", "DelayTooLong", (1_790_000_001, 1_790_000_000)),
        ("TrustList", "ListNotNewer", (1_790_000_001, 1_790_000_000)),
        ("TrustList", "WindowEmpty", (2**40 - 1, 2**40 - 1)),
        ("TrustList", "SinceOutOfRange", (0,)),
    ):
        assert str(values[0]) in refusal("0x" + error_data(contract, name, *values).hex()).text("en")


def test_the_reason_inside_a_failed_council_call_is_what_is_shown() -> None:
    inner = error_data("Consortium", "UnknownOrganisation", organisation_bytes32("SG:NOBODY"))
    found = decode_revert(error_data("Council", "CallFailed", 3, inner))
    assert found.name == "UnknownOrganisation"
    assert found.values == {"organisation": "SG:NOBODY", "call": 3}


def test_calls_nested_without_end_are_not_followed_without_end() -> None:
    data = b""
    for _ in range(50):
        data = error_data("Council", "CallFailed", 0, data)
    assert decode_revert(data).name == "CallFailed"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (None, "ExecutionFailed"), ("0x", "NoReason"), ("0x12345678", "Unknown"), ("no hex", "Unknown"),
        ("0x4e487b71" + "11".rjust(64, "0"), "Panic"), ("0x08c379a0", "Unknown"),
    ],
)  # fmt: skip
def test_a_refusal_without_a_known_reason_is_still_a_refusal(data: str | None, name: str) -> None:
    error = refusal(data)
    assert (error.code, error.values["name"]) == ("CHAIN_REFUSED", name)
    assert error.text("zh") and error.text("en")


def test_every_error_of_the_contracts_has_words_that_its_values_fill() -> None:
    table = reverts._words()
    for contract in CONTRACTS:
        for error in interface(contract).errors.values():
            values = {item["name"]: "x" for item in error.inputs.items}
            for language in ("zh", "en"):
                assert table[error.name][language].format_map(values), error.name


# ---- values ----


def test_contracts_survive_their_json_and_nothing_else_is_read() -> None:
    contracts = Contracts(b"\x11" * 20, b"\x22" * 20, b"\x33" * 20)
    assert Contracts.from_json(contracts.to_json()) == contracts
    listed = replace(contracts, trust_list=b"\x44" * 20)
    assert Contracts.from_json(listed.to_json(), listed=True) == listed
    for one, other in ((contracts, True), (listed, False)):
        with pytest.raises(InputError):
            Contracts.from_json(one.to_json(), listed=other)
    for bad in ({}, {**contracts.to_json(), "more": 1}, {**contracts.to_json(), "records": "AA"}, [], None):
        with pytest.raises(InputError):
            Contracts.from_json(bad)
