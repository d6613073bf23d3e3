"""Commit seals on self-made blocks: who sealed, how often, of which set, with which twin."""

from dataclasses import astuple

import pytest
import rlp as oracle_rlp
from coincurve import PrivateKey
from eth.rlp.headers import BlockHeader as BerlinBlockHeader
from eth_keys import keys as oracle_keys
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError
from ledger.proofs.commit_seals import (
    block_hash,
    commit_seal_hash,
    finality,
    genesis_finality,
    listed_validators,
    recover_sealer,
)
from ledger.proofs.headers import parse_header
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import encode, from_int

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
VANITY = b"zhengyin".ljust(32, b"\0")


def address(key):
    return keccak(key.public_key.format(compressed=False)[1:])[12:]


KEYS = sorted((PrivateKey(bytes([number]) * 32) for number in range(1, 10)), key=address)
ADDRESSES = [address(key) for key in KEYS]


def test_a_chain_that_nobody_seals_proves_nothing():
    header = header_with(VANITY)
    assert block_hash(header, "unsealed") == header.hash
    for judge in (lambda: finality(header, "unsealed", ADDRESSES[:1]), lambda: commit_seal_hash(header, "unsealed")):
        with pytest.raises(InputError, match="COMMIT_SEAL_NONE"):
            judge()


def test_the_set_that_a_header_lists_is_read_ascending():
    extra = encode([VANITY, [*ADDRESSES[:4]], [], b"", []])
    assert listed_validators(header_with(extra)) == tuple(ADDRESSES[:4])


def header_with(extra, number=7):
    fields = dict(difficulty=1, block_number=number, gas_limit=30_000_000, timestamp=1_800_000_000)
    return parse_header(oracle_rlp.encode(BerlinBlockHeader(**fields, extra_data=extra)))


def sign(key, digest):
    return key.sign_recoverable(digest, hasher=None)


def twin(seal):
    """The other valid signature that anyone can make from a valid one."""
    s = ORDER - int.from_bytes(seal[32:64], "big")
    return seal[:32] + s.to_bytes(32, "big") + bytes([seal[64] ^ 1])


def embedded(key=KEYS[0], change=lambda seal: seal):
    draft = header_with(VANITY + bytes(65))
    return header_with(VANITY + change(sign(key, commit_seal_hash(draft, "embedded"))))


def qbft(members=4, signers=(0, 1, 2), round_=0, vote=(), change=lambda seals: seals):
    validators = ADDRESSES[:members]
    parts = [VANITY, list(validators), list(vote), from_int(round_)]
    digest = commit_seal_hash(header_with(encode([*parts, []])), "qbft")
    seals = change([sign(KEYS[signer], digest) for signer in signers])
    return header_with(encode([*parts, seals]))


def refused(header, consensus, validators):
    with pytest.raises(InputError) as caught:
        finality(header, consensus, validators)
    return caught.value.code


# ---- embedded


def test_embedded_block_is_sealed_by_one_member():
    header = embedded()
    proved = finality(header, "embedded", ADDRESSES[:1])
    assert astuple(proved) == ("single", "embedded", 7, header.hash, 1_800_000_000, 1, 1, (ADDRESSES[0],))


def test_embedded_is_single_however_many_might_seal():
    assert finality(embedded(), "embedded", ADDRESSES[:5]).kind == "single"


def test_embedded_seal_hash_is_that_of_clique():
    header = embedded()
    clique = BerlinBlockHeader(
        difficulty=1, block_number=7, gas_limit=30_000_000, timestamp=1_800_000_000, extra_data=VANITY
    )
    assert commit_seal_hash(header, "embedded") == clique.hash
    assert block_hash(header, "embedded") == header.hash


def test_embedded_seal_of_an_outsider_is_refused():
    assert refused(embedded(KEYS[1]), "embedded", ADDRESSES[:1]) == "COMMIT_SEAL_NOT_MEMBER"


def test_high_s_twin_would_be_a_second_block_hash_and_is_refused():
    header = embedded(change=twin)
    signature = oracle_keys.Signature(header.extra_data[32:])
    key = signature.recover_public_key_from_msg_hash(commit_seal_hash(header, "embedded"))
    assert key.to_canonical_address() == ADDRESSES[0]  # the twin is valid as such
    assert refused(header, "embedded", ADDRESSES[:1]) == "COMMIT_SEAL_HIGH_S"


def test_half_order_is_the_last_low_s():
    digest = keccak(b"")
    for s, code in ((ORDER // 2 + 1, "COMMIT_SEAL_HIGH_S"), (ORDER - 1, "COMMIT_SEAL_HIGH_S")):
        with pytest.raises(InputError, match=code):
            recover_sealer(digest, b"\0" * 31 + b"\1" + s.to_bytes(32, "big") + b"\0")
    assert len(recover_sealer(digest, b"\0" * 31 + b"\1" + (ORDER // 2).to_bytes(32, "big") + b"\0")) == 20


@pytest.mark.parametrize("v", [2, 3, 27, 28, 255])
def test_recovery_id_other_than_0_and_1_is_refused(v):
    header = embedded(change=lambda seal: seal[:64] + bytes([v]))
    assert refused(header, "embedded", ADDRESSES[:1]) == "COMMIT_SEAL_RECOVERY_ID"


def test_seal_without_a_key_is_refused():
    for body in (bytes(64), b"\xff" * 32 + b"\1" * 32, b"\1" * 32 + bytes(32)):
        header = embedded(change=lambda seal, body=body: body + b"\0")
        assert refused(header, "embedded", ADDRESSES[:1]) == "COMMIT_SEAL_UNRECOVERABLE"


@pytest.mark.parametrize("extra", [b"", bytes(32), bytes(96), bytes(98), bytes(117)])
def test_embedded_extra_of_another_length_is_refused(extra):
    assert refused(header_with(extra), "embedded", ADDRESSES[:1]) == "COMMIT_SEAL_EXTRA"


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_no_flipped_bit_of_an_embedded_header_passes(data):
    good = embedded().rlp
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InputError):
        finality(parse_header(bytes(bad)), "embedded", ADDRESSES[:1])


# ---- qbft


@pytest.mark.parametrize(("members", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (9, 6)])
def test_quorum_is_two_thirds_rounded_up(members, quorum):
    proved = finality(qbft(members, range(quorum)), "qbft", ADDRESSES[:members])
    assert (proved.validators, proved.quorum) == (members, quorum)
    assert proved.sealers == tuple(ADDRESSES[:quorum])
    assert proved.kind == ("bft" if members >= 4 else "single")
    assert refused(qbft(members, range(quorum - 1)), "qbft", ADDRESSES[:members]) == "COMMIT_SEAL_QUORUM"


def test_block_hash_forgets_round_and_seals_and_is_not_the_plain_hash():
    first, later = qbft(), qbft(signers=(1, 2, 3), round_=130)
    assert block_hash(first, "qbft") == block_hash(later, "qbft") == commit_seal_hash(first, "qbft")
    assert commit_seal_hash(later, "qbft") != commit_seal_hash(first, "qbft")
    assert block_hash(first, "qbft") != first.hash
    assert finality(later, "qbft", ADDRESSES[:4]).sealers == tuple(ADDRESSES[1:4])


def test_seal_of_an_outsider_beside_a_quorum_is_refused():
    assert refused(qbft(signers=(0, 1, 2, 8)), "qbft", ADDRESSES[:4]) == "COMMIT_SEAL_NOT_MEMBER"


def test_seal_repeated_to_reach_the_quorum_is_refused():
    assert refused(qbft(signers=(0, 1, 1)), "qbft", ADDRESSES[:4]) == "COMMIT_SEAL_REPEATED"


def test_twin_of_a_seal_does_not_count_and_is_refused():
    header = qbft(change=lambda seals: [*seals[:2], twin(seals[2])])
    assert refused(header, "qbft", ADDRESSES[:4]) == "COMMIT_SEAL_HIGH_S"


def test_seals_of_another_round_are_of_nobody():
    seals: list[bytes] = []
    qbft(round_=1, change=lambda found: seals.extend(found) or found)
    assert refused(qbft(round_=2, change=lambda _: seals), "qbft", ADDRESSES[:4]) == "COMMIT_SEAL_NOT_MEMBER"


def test_set_that_the_header_invents_is_refused():
    invented = qbft(members=4, signers=(0, 1, 2, 3))
    assert refused(invented, "qbft", ADDRESSES[4:8]) == "COMMIT_SEAL_SET_DIFFERS"
    assert refused(invented, "qbft", ADDRESSES[:5]) == "COMMIT_SEAL_SET_DIFFERS"
    assert refused(invented, "qbft", ADDRESSES[:3]) == "COMMIT_SEAL_SET_DIFFERS"


def test_order_of_the_given_set_does_not_matter():
    assert finality(qbft(), "qbft", ADDRESSES[3::-1]).validators == 4


@pytest.mark.parametrize("vote", [[ADDRESSES[8], b"\xff"], [ADDRESSES[8], b""]])
def test_block_with_a_vote_is_final(vote):
    assert finality(qbft(vote=vote), "qbft", ADDRESSES[:4]).kind == "bft"


@pytest.mark.parametrize(
    ("extra", "part"),
    [
        (b"string", "items"),
        ([VANITY, [], [], b""], "items"),
        ([VANITY, [], [], b"", [], b"slack"], "items"),  # Besu reads this and hashes it away
        ([VANITY[1:], [], [], b"", []], "vanity"),
        ([[VANITY], [], [], b"", []], "vanity"),
        ([VANITY, b"", [], b"", []], "validators"),
        ([VANITY, [b"short"], [], b"", []], "validators"),
        ([VANITY, ADDRESSES[1::-1], [], b"", []], "validators"),  # descending
        ([VANITY, [ADDRESSES[0]] * 2, [], b"", []], "validators"),
        ([VANITY, [], b"", b"", []], "vote"),  # the IBFT 2.0 layout
        ([VANITY, [], [ADDRESSES[0], b"\1"], b"", []], "vote"),
        ([VANITY, [], [[b""] * 20, b""], b"", []], "vote"),
        ([VANITY, [], [ADDRESSES[0]], b"", []], "vote"),
        ([VANITY, [], [], b"\0", []], "round"),
        ([VANITY, [], [], b"\1" * 5, []], "round"),
        ([VANITY, [], [], [], []], "round"),
        ([VANITY, [], [], b"", b""], "seals"),
        ([VANITY, [], [], b"", [bytes(64)]], "seals"),
        ([VANITY, [], [], b"", [[b""] * 65]], "seals"),
    ],
)
def test_qbft_extra_of_another_form_is_refused(extra, part):
    with pytest.raises(InputError) as caught:
        block_hash(header_with(encode(extra)), "qbft")
    assert (caught.value.code, caught.value.values["part"]) == ("COMMIT_SEAL_EXTRA", part)


def test_trailing_bytes_after_the_extra_list_are_refused():
    assert refused(header_with(qbft().extra_data + b"\0"), "qbft", ADDRESSES[:4]) == "RLP_TRAILING"


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_no_flipped_bit_of_a_qbft_header_keeps_block_and_seals(data):
    good = qbft(signers=(0, 1, 2, 3))
    bit = data.draw(st.integers(0, len(good.rlp) * 8 - 1))
    bad = bytearray(good.rlp)
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InputError):
        finality(parse_header(bytes(bad)), "qbft", ADDRESSES[:4])


# ---- both


@pytest.mark.parametrize("make", [embedded, qbft])
def test_no_set_proves_nothing(make):
    consensus = make.__name__
    assert refused(make(), consensus, []) == "COMMIT_SEAL_VALIDATORS_EMPTY"
    assert refused(make(), consensus, [ADDRESSES[0]] * 2) == "COMMIT_SEAL_VALIDATORS_INVALID"
    assert refused(make(), consensus, [ADDRESSES[0][1:]]) == "COMMIT_SEAL_VALIDATORS_INVALID"


@pytest.mark.parametrize("call", [block_hash, commit_seal_hash, lambda h, c: finality(h, c, ADDRESSES)])
def test_unknown_consensus_is_refused(call):
    with pytest.raises(InputError, match="COMMIT_SEAL_CONSENSUS"):
        call(embedded(), "ibft2")


@pytest.mark.parametrize(
    ("consensus", "extra"),
    [
        ("embedded", VANITY + ADDRESSES[0] + bytes(65)),
        ("qbft", encode([VANITY, ADDRESSES[:4], [], b"", []])),
        ("qbft", b"free text is hashed as it is"),
    ],
)
def test_genesis_is_judged_by_its_hash_alone(consensus, extra):
    genesis = header_with(extra, number=0)
    proved = genesis_finality(genesis, genesis.hash, consensus)
    assert astuple(proved) == ("single", consensus, 0, genesis.hash, 1_800_000_000, 0, 0, ())
    assert block_hash(genesis, consensus) == genesis.hash
    assert refused(genesis, consensus, ADDRESSES[:4]) == "COMMIT_SEAL_GENESIS"
    with pytest.raises(InputError, match="COMMIT_SEAL_GENESIS_HASH"):
        genesis_finality(genesis, keccak(b"another chain"), consensus)
    with pytest.raises(InputError, match="COMMIT_SEAL_NOT_GENESIS"):
        genesis_finality(header_with(extra), header_with(extra).hash, consensus)


def test_genesis_of_unknown_consensus_is_refused():
    genesis = header_with(b"", number=0)
    with pytest.raises(InputError, match="COMMIT_SEAL_CONSENSUS"):
        genesis_finality(genesis, genesis.hash, "clique")
