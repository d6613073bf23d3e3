"""Who sealed a block: block hashes, commit seals, and the finality they prove.

Two rules. ``embedded`` is a chain in one process: one sealer signs the header as in Clique (EIP-225), the
65-byte signature ends ``extraData``. ``qbft`` is Besu's QBFT: ``extraData`` is an RLP list of vanity,
validators, vote, round and commit seals, and a block is final with ⌈2n/3⌉ seals of its n validators.
A chain may also be named ``unsealed`` (a development node): its blocks have hashes, and none is ever proved final.
The set of validators is always given from outside: a header shows a set, but whoever invents the list can
also seal it. QBFT with a validator contract lists no set in the header and is refused; so are seals over
secp256r1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from coincurve import PublicKey

from ledger.errors import InputError
from ledger.proofs.headers import CONSENSUS, UNSEALED, Header
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import Item, decode_strict, encode

VANITY, SEAL = 32, 65
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # SEC 2, secp256k1, n
_BFT_MINIMUM = 4  # three validators have quorum two and tolerate no fault


@dataclass(frozen=True, slots=True)
class Finality:
    """What the seals of one block prove. ``kind``: ``bft`` from four validators on, else ``single``.

    ``timestamp`` in seconds UTC; ``validators`` = size of the set, ``quorum`` = seals needed; ``sealers`` =
    the distinct members that sealed, in the order of the header. All zero and empty for a genesis block.
    """

    kind: Literal["single", "bft"]
    consensus: str
    block: int
    block_hash: bytes
    timestamp: int
    validators: int
    quorum: int
    sealers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _QbftExtra:
    vanity: bytes
    validators: tuple[bytes, ...]
    vote: list[Item]
    round: bytes
    seals: tuple[bytes, ...]

    def encoded(self, round_: bytes) -> bytes:
        """The same data without its seals, at a given round."""
        return encode([self.vanity, list(self.validators), self.vote, round_, []])


def finality(header: Header, consensus: str, validators: Sequence[bytes]) -> Finality:
    """Judge the seals of ``header`` by ``validators``, the addresses (20 bytes) valid before that block.

    Every seal present must be valid, of a member and not repeated, so that none can be changed unnoticed.
    Raises ``InputError`` COMMIT_SEAL_…: CONSENSUS, NONE, GENESIS, VALIDATORS_EMPTY, VALIDATORS_INVALID, EXTRA,
    SET_DIFFERS, RECOVERY_ID, HIGH_S, UNRECOVERABLE, NOT_MEMBER, REPEATED, QUORUM.
    """
    _require_known(consensus)
    if header.number == 0:
        raise InputError("COMMIT_SEAL_GENESIS")
    _require_sealed(consensus)
    _require_set(validators)
    if consensus == "embedded":
        seals: tuple[bytes, ...] = (_embedded_seal(header),)
        quorum = 1
    else:
        extra = _qbft_extra(header)
        if extra.validators != tuple(sorted(validators)):
            raise InputError("COMMIT_SEAL_SET_DIFFERS", block=header.number)
        seals = extra.seals
        quorum = -(-2 * len(validators) // 3)
    sealers = _sealers(commit_seal_hash(header, consensus), seals, validators)
    if len(sealers) < quorum:
        raise InputError("COMMIT_SEAL_QUORUM", count=len(sealers), quorum=quorum, validators=len(validators))
    return Finality(
        kind="bft" if consensus == "qbft" and len(validators) >= _BFT_MINIMUM else "single",
        consensus=consensus,
        block=header.number,
        block_hash=block_hash(header, consensus),
        timestamp=header.timestamp,
        validators=len(validators),
        quorum=quorum,
        sealers=sealers,
    )


def genesis_finality(header: Header, genesis_hash: bytes, consensus: str) -> Finality:
    """Judge block 0, which nobody seals, by the hash that names the chain; COMMIT_SEAL_GENESIS_HASH if other.

    Raises COMMIT_SEAL_NOT_GENESIS for any other block.
    """
    _require_known(consensus)
    if header.number != 0:
        raise InputError("COMMIT_SEAL_NOT_GENESIS", block=header.number)
    if header.hash != genesis_hash:
        raise InputError("COMMIT_SEAL_GENESIS_HASH", expected=genesis_hash.hex(), found=header.hash.hex())
    return Finality("single", consensus, 0, header.hash, header.timestamp, 0, 0, ())


def block_hash(header: Header, consensus: str) -> bytes:
    """The hash by which the chain names the block (its child's ``parent_hash``).

    QBFT leaves the seals out and sets the round to 0, so that all validators name the block alike; a genesis
    block is hashed as it is. Raises COMMIT_SEAL_CONSENSUS, COMMIT_SEAL_EXTRA.
    """
    _require_known(consensus)
    if consensus != "qbft" or header.number == 0:
        return header.hash
    return header.hash_with_extra(_qbft_extra(header).encoded(b""))


def listed_validators(header: Header) -> tuple[bytes, ...]:
    """The set that a QBFT header lists, ascending: what a trust file may pin once, never proof by itself.

    Raises COMMIT_SEAL_EXTRA.
    """
    return _qbft_extra(header).validators


def commit_seal_hash(header: Header, consensus: str) -> bytes:
    """The 32 bytes that a commit seal signs; whatever stands in place of the seals does not matter.

    Raises COMMIT_SEAL_CONSENSUS, COMMIT_SEAL_NONE, COMMIT_SEAL_EXTRA.
    """
    _require_known(consensus)
    _require_sealed(consensus)
    if consensus == "embedded":
        _embedded_seal(header)
        return header.hash_with_extra(header.extra_data[:-SEAL])
    extra = _qbft_extra(header)
    return header.hash_with_extra(extra.encoded(extra.round))


def recover_sealer(digest: bytes, seal: bytes) -> bytes:
    """The address (20 bytes) whose key made ``seal`` = r ‖ s ‖ v (65 bytes, v 0 or 1) over ``digest``.

    Raises COMMIT_SEAL_RECOVERY_ID, COMMIT_SEAL_HIGH_S, COMMIT_SEAL_UNRECOVERABLE.
    """
    if len(seal) != SEAL or seal[64] not in (0, 1):
        raise InputError("COMMIT_SEAL_RECOVERY_ID")
    # (r, n - s, v ^ 1) is a second valid seal that anyone can make, and on an embedded chain a second hash.
    if int.from_bytes(seal[32:64], "big") > _ORDER // 2:
        raise InputError("COMMIT_SEAL_HIGH_S")
    try:
        key = PublicKey.from_signature_and_message(seal, digest, hasher=None)
    except Exception as error:  # coincurve raises ValueError or a bare Exception, by the step that failed
        raise InputError("COMMIT_SEAL_UNRECOVERABLE") from error
    return keccak(key.format(compressed=False)[1:])[-20:]


def _sealers(digest: bytes, seals: Sequence[bytes], validators: Sequence[bytes]) -> tuple[bytes, ...]:
    members, sealers = frozenset(validators), []
    for seal in seals:
        sealer = recover_sealer(digest, seal)
        if sealer not in members:
            raise InputError("COMMIT_SEAL_NOT_MEMBER", sealer=sealer.hex())
        if sealer in sealers:
            raise InputError("COMMIT_SEAL_REPEATED", sealer=sealer.hex())
        sealers.append(sealer)
    return tuple(sealers)


def _require_known(consensus: str) -> None:
    if consensus not in CONSENSUS:
        raise InputError("COMMIT_SEAL_CONSENSUS", consensus=consensus)


def _require_sealed(consensus: str) -> None:
    if consensus == UNSEALED:
        raise InputError("COMMIT_SEAL_NONE")


def _require_set(validators: Sequence[bytes]) -> None:
    if not validators:
        raise InputError("COMMIT_SEAL_VALIDATORS_EMPTY")
    if len(set(validators)) != len(validators) or any(len(address) != 20 for address in validators):
        raise InputError("COMMIT_SEAL_VALIDATORS_INVALID", count=len(validators))


def _embedded_seal(header: Header) -> bytes:
    if len(header.extra_data) != VANITY + SEAL:
        raise InputError("COMMIT_SEAL_EXTRA", part="length")
    return header.extra_data[VANITY:]


def _qbft_extra(header: Header) -> _QbftExtra:
    # Besu itself reads past surplus items and leaves them out of the hash; here they would be slack.
    items = decode_strict(header.extra_data)
    if not isinstance(items, list) or len(items) != 5:
        raise InputError("COMMIT_SEAL_EXTRA", part="items")
    vanity, listed, vote, round_, sealed = items
    if not isinstance(vanity, bytes) or len(vanity) != VANITY:
        raise InputError("COMMIT_SEAL_EXTRA", part="vanity")
    validators = _strings(listed, 20, "validators")
    if list(validators) != sorted(set(validators)):
        raise InputError("COMMIT_SEAL_EXTRA", part="validators")
    if not isinstance(vote, list) or not _is_vote(vote):
        raise InputError("COMMIT_SEAL_EXTRA", part="vote")
    if not isinstance(round_, bytes) or len(round_) > 4 or round_[:1] == b"\0":
        raise InputError("COMMIT_SEAL_EXTRA", part="round")
    return _QbftExtra(vanity, validators, vote, round_, _strings(sealed, SEAL, "seals"))


def _is_vote(vote: list[Item]) -> bool:
    """Nothing, or [address, 0xff = add | empty = drop]."""
    if not vote:
        return True
    return len(vote) == 2 and len(vote[0]) == 20 and isinstance(vote[0], bytes) and vote[1] in (b"\xff", b"")


def _strings(items: Item, length: int, part: str) -> tuple[bytes, ...]:
    if not isinstance(items, list):
        raise InputError("COMMIT_SEAL_EXTRA", part=part)
    strings = tuple(item for item in items if isinstance(item, bytes) and len(item) == length)
    if len(strings) != len(items):
        raise InputError("COMMIT_SEAL_EXTRA", part=part)
    return strings
