"""Hex coding and error objects of JSON-RPC."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.rpc import (
    data,
    error_from_object,
    error_object,
    parse_block,
    parse_data,
    parse_quantity,
    quantity,
)
from ledger.errors import ConflictError, InputError, UnavailableError


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**256 - 1), st.binary(max_size=80))
def test_codings_invert_each_other(number, raw):
    assert parse_quantity(quantity(number)) == number
    assert parse_data(data(raw)) == parse_data(data(raw), len(raw)) == raw


@pytest.mark.parametrize(
    "bad", ["", "0x", "0x00", "0x01", "1", 1, None, "0xg", "-0x1", "0x-1", "0x1 ", "0X1", "0x" + "1" * 65]
)
def test_quantities_have_one_form(bad):
    with pytest.raises(InputError, match="RPC_QUANTITY_REFUSED"):
        parse_quantity(bad)


@pytest.mark.parametrize("bad", ["", "0", "0x0", "0xzz", "00", b"\0", None, "0x00\n"])
def test_data_is_whole_bytes_with_a_prefix(bad):
    with pytest.raises(InputError, match="RPC_DATA_REFUSED"):
        parse_data(bad)


def test_data_of_a_wrong_length_and_negative_quantities():
    with pytest.raises(InputError, match="RPC_DATA_REFUSED"):
        parse_data("0x00", 2)
    with pytest.raises(ValueError, match="negative"):
        quantity(-1)


def test_block_parameters():
    assert parse_block("latest") == "latest"
    assert parse_block("0x10") == parse_block({"blockNumber": "0x10"}) == 16
    assert parse_block({"blockHash": "0x" + "ab" * 32}) == b"\xab" * 32
    for bad in ("newest", 16, None, {}, {"blockNumber": "0x1", "blockHash": "0x" + "ab" * 32}):
        with pytest.raises(InputError, match="RPC_BLOCK_REFUSED"):
            parse_block(bad)


def test_errors_survive_the_wire():
    reverted = InputError("ENGINE_REVERTED", data="0x08c379a0")
    assert error_object(reverted) == {"code": 3, "message": "execution reverted", "data": "0x08c379a0"}
    back = error_from_object(error_object(reverted))
    assert (type(back), back.code, back.values) == (InputError, "ENGINE_REVERTED", {"data": "0x08c379a0"})
    unknown = error_from_object(error_object(InputError("ENGINE_METHOD_UNKNOWN", method="evm_mine")))
    assert unknown.code == "ENGINE_METHOD_UNKNOWN"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"code": -32000, "message": "nonce too low"}, ConflictError, "ENGINE_REFUSED"),
        ({"code": -32603, "message": "internal"}, UnavailableError, "ENGINE_REFUSED"),
        (
            {"code": -32000, "message": "Execution reverted", "data": "0xAB"},
            InputError,
            "ENGINE_REVERTED",
        ),
        ({"code": 3, "message": "x", "data": {"data": "0x00"}}, InputError, "ENGINE_REVERTED"),
        ({"message": "no code"}, UnavailableError, "ENGINE_ANSWER_REFUSED"),
        ("boom", UnavailableError, "ENGINE_ANSWER_REFUSED"),
        (None, UnavailableError, "ENGINE_ANSWER_REFUSED"),
    ],
)
def test_what_nodes_say_becomes_our_errors(answer, kind, code):
    error = error_from_object(answer)
    assert (type(error), error.code) == (kind, code)
