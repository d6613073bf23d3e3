"""Headers of every fork, held to py-evm's own header types."""

import pytest
import rlp as oracle_rlp
from eth.rlp.headers import BlockHeader as BerlinBlockHeader
from eth.vm.forks.cancun.blocks import CancunBlockHeader
from eth.vm.forks.london.blocks import LondonBlockHeader
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.forks.shanghai.blocks import ShanghaiBlockHeader
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError
from ledger.proofs.headers import parse_header
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import decode_strict, encode

BASE = {
    "difficulty": 1,
    "block_number": 300,
    "gas_limit": 30_000_000,
    "gas_used": 21_000,
    "timestamp": 1_800_000_000,
    "coinbase": b"\xcb" * 20,
    "parent_hash": b"\x01" * 32,
    "uncles_hash": b"\x02" * 32,
    "state_root": b"\x03" * 32,
    "transaction_root": b"\x04" * 32,
    "receipt_root": b"\x05" * 32,
    "bloom": 1 << 77,
    "extra_data": b"\x06" * 97,
    "mix_hash": b"\x07" * 32,
    "nonce": b"\x08" * 8,
}
FORKS = [
    (BerlinBlockHeader, 15),
    (LondonBlockHeader, 16),
    (ShanghaiBlockHeader, 17),
    (CancunBlockHeader, 20),
    (PragueBlockHeader, 21),
]


def berlin_fields():
    return decode_strict(oracle_rlp.encode(BerlinBlockHeader(**BASE)))


@pytest.mark.parametrize(("fork", "count"), FORKS)
def test_header_of_each_fork_reads_as_py_evm_wrote_it(fork, count):
    theirs = fork(**BASE)
    header = parse_header(oracle_rlp.encode(theirs))
    assert header.hash == theirs.hash
    assert header.rlp == oracle_rlp.encode(theirs)
    assert (header.number, header.gas_limit, header.gas_used) == (300, 30_000_000, 21_000)
    assert (header.difficulty, header.timestamp) == (1, 1_800_000_000)
    assert (header.parent_hash, header.ommers_hash, header.coinbase) == (b"\1" * 32, b"\2" * 32, b"\xcb" * 20)
    assert (header.state_root, header.transactions_root) == (b"\3" * 32, b"\4" * 32)
    assert (header.receipts_root, header.mix_hash, header.nonce) == (b"\5" * 32, b"\7" * 32, b"\x08" * 8)
    assert int.from_bytes(header.logs_bloom, "big") == 1 << 77
    assert header.extra_data == b"\x06" * 97
    assert len(header.rest) == count - 15
    assert header.hash_with_extra(b"other") == fork(**{**BASE, "extra_data": b"other"}).hash


@pytest.mark.parametrize("count", [0, 14, 18, 19, 22])
def test_field_counts_of_no_fork_are_refused(count):
    fields = decode_strict(oracle_rlp.encode(PragueBlockHeader(**BASE)))
    with pytest.raises(InputError, match="HEADER_FIELD_COUNT"):
        parse_header(encode([*fields, b""][:count]))


def test_header_that_is_a_string_is_refused():
    with pytest.raises(InputError, match="HEADER_FIELD_COUNT"):
        parse_header(encode(b"header"))


@pytest.mark.parametrize("index", [0, 1, 2, 3, 4, 5, 6, 13, 14])
def test_field_of_another_length_is_refused(index):
    for change in (lambda field: field[:-1], lambda field: field + b"\0", lambda field: [field]):
        fields = berlin_fields()
        fields[index] = change(fields[index])
        with pytest.raises(InputError, match="HEADER_FIELD"):
            parse_header(encode(fields))


@pytest.mark.parametrize("index", [7, 8, 9, 10, 11])
def test_integer_with_leading_zero_or_too_long_is_refused(index):
    for value in (b"\0", b"\0\1", b"\1" * 33):
        fields = berlin_fields()
        fields[index] = value
        with pytest.raises(InputError, match="HEADER_FIELD"):
            parse_header(encode(fields))


def test_boundless_extra_data_is_refused():
    fields = berlin_fields()
    fields[12] = b"x" * (1 << 16)
    with pytest.raises(InputError, match="HEADER_FIELD"):
        parse_header(encode(fields))


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_flipped_bit_is_refused_or_changes_the_hash(data):
    good = oracle_rlp.encode(BerlinBlockHeader(**BASE))
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    try:
        header = parse_header(bytes(bad))
    except InputError as error:
        assert error.code.startswith(("RLP_", "HEADER_"))
    else:
        assert header.hash != keccak(good)
