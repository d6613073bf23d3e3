"""CAdES-B-T: the token is the one unsigned attribute, in one form."""

from __future__ import annotations

import pytest
from crypto_kit import NOW, Chain, certificate, p256
from hypothesis import given, settings
from hypothesis import strategies as st
from test_crypto_timestamps import AUTHORITIES, STAMPING, tsa
from timestamp_kit import Tsa, attribute

from ledger.crypto import cms, der
from ledger.crypto.algorithms import sign_raw
from ledger.crypto.signed_data import NULL, TIMESTAMP_TOKEN
from ledger.crypto.timestamps import verify_kept
from ledger.errors import InputError

CONTENT = b'{"tag":"zhengyin/manifest/1"}'
CHAIN = Chain()
ATTRIBUTES = cms.signed_attributes(CONTENT, CHAIN.leaf, NOW)
BASIC = cms.assemble(CHAIN.leaf, ATTRIBUTES, sign_raw(CHAIN.key, ATTRIBUTES))
VALUE = cms.verify_detached(BASIC, CONTENT).signature
TOKEN = tsa().stamp(VALUE, NOW + 5)
STAMPED = cms.with_timestamp(BASIC, CONTENT, TOKEN)


def code_of(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        cms.verify_detached(data, CONTENT)
    return caught.value.code


def with_unsigned(*attributes: bytes) -> bytes:
    """The CMS without a token, and with unsigned attributes."""
    type_, explicit = der.read(BASIC, 0x30).children()
    fields = [f.outer for f in der.read(explicit.content, 0x30).children()]
    signer = der.read(der.read(fields[4], 0x31).content, 0x30).content
    fields[4] = der.write(0x31, der.write(0x30, signer, der.write(0xA1, *attributes)))
    return der.write(0x30, type_.outer, der.write(0xA0, der.write(0x30, *fields)))


@pytest.mark.parametrize("algorithm", AUTHORITIES)
def test_the_token_of_each_authority_comes_back(algorithm: str) -> None:
    stamped = cms.with_timestamp(BASIC, CONTENT, AUTHORITIES[algorithm].stamp(VALUE, NOW + 5))
    found = cms.verify_detached(stamped, CONTENT)
    assert found.token is not None and found.signature == VALUE and len(stamped) <= cms.MAX_BYTES
    assert verify_kept(found.token, found.signature).time == NOW + 5


def test_without_a_token_there_is_none() -> None:
    assert cms.verify_detached(BASIC, CONTENT).token is None


def test_a_token_is_put_into_its_one_form() -> None:
    odd = tsa(version=1, gm=True, certificates=[CHAIN.root, tsa().certificate])
    token = odd.stamp(VALUE, NOW)
    found = cms.verify_detached(cms.with_timestamp(BASIC, CONTENT, token), CONTENT).token
    assert found is not None and found != token
    assert verify_kept(found, VALUE).form == found


def test_a_token_over_something_else_is_not_taken_in() -> None:
    for token, code in ((tsa().stamp(CONTENT, NOW), "TIMESTAMP_IMPRINT"), (b"", "CMS_SYNTAX")):
        with pytest.raises(InputError) as caught:
            cms.with_timestamp(BASIC, CONTENT, token)
        assert caught.value.code == code
    with pytest.raises(InputError) as caught:
        cms.with_timestamp(STAMPED, CONTENT, TOKEN)
    assert caught.value.code == "CMS_UNSIGNED"


@settings(deadline=None, max_examples=250)
@given(st.integers(0, 2**20))
def test_no_bit_of_it_can_be_changed(place: int) -> None:
    at, forged = place % (8 * len(STAMPED)), bytearray(STAMPED)
    forged[at // 8] ^= 1 << at % 8
    with pytest.raises(InputError):
        found = cms.verify_detached(bytes(forged), CONTENT)
        assert found.token is not None
        verify_kept(found.token, found.signature)


def test_other_unsigned_attributes() -> None:
    token, other = attribute(TIMESTAMP_TOKEN, TOKEN), attribute(der.write_oid("1.2.3.4"), NULL)
    assert cms.verify_detached(with_unsigned(token), CONTENT).token == TOKEN
    for attributes in ((other,), (token, other), (token, token), ()):
        assert code_of(with_unsigned(*attributes)) == "CMS_UNSIGNED"
    assert code_of(with_unsigned(attribute(TIMESTAMP_TOKEN, TOKEN, TOKEN))) == "CMS_UNSIGNED"
    assert code_of(with_unsigned(attribute(TIMESTAMP_TOKEN, NULL))) == "CMS_UNSIGNED"


def test_a_token_that_another_key_signed_is_left_to_who_judges_time() -> None:
    key = p256()
    forger = Tsa(key, certificate("TSA", key.public_key(), "Nobody", key, extensions=(STAMPING,)))
    stamped = cms.with_timestamp(BASIC, CONTENT, forger.stamp(VALUE, NOW))
    assert cms.verify_detached(stamped, CONTENT).token is not None  # its path is nobody's: not judged here
