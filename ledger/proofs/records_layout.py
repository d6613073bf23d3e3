"""Where the Records contract keeps what a state proof shows, and how its words are packed.

    slot 0   mapping(issuer => mapping(root => {uint64 sequence; uint40 time; uint16 kind; uint8 suite;
                                                uint32 size; bool disowned; | bytes32 tuple}))
    slot 1   mapping(issuer => mapping(leaf => {uint8 state; bool frozen; uint40 effective; uint40 recorded;
                                                uint8 reason; uint32 count; | bytes32 history}))
    slot 2   mapping(issuer => uint64 sequence)
    slot 3   bytes32 retired
    slot 4   mapping(issuer => mapping(leaf => bytes32 court))

``|`` begins the next word. Solidity packs the first member into the lowest bits. Issuers (organisations),
roots and leaves are 32 bytes. The layout belongs to one code hash: prove the account first.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import InputError
from ledger.proofs.keccak import keccak
from ledger.proofs.storage import mapping_slot, offset_slot, unpack

_BATCHES, _STATUSES, _SEQUENCES, RETIRED_SLOT, _COURTS = (number.to_bytes(32, "big") for number in range(5))

_BATCH = (("sequence", 64), ("time", 40), ("kind", 16), ("suite", 8), ("size", 32), ("disowned", 8))
_STATUS = (("state", 8), ("frozen", 8), ("effective", 40), ("recorded", 40), ("reason", 8), ("count", 32))
_BITS = dict(_STATUS)


@dataclass(frozen=True, slots=True)
class BatchWord:
    """``time``: seconds UTC of the anchoring block; ``sequence`` counts from 1, 0 = never anchored."""

    sequence: int
    time: int
    kind: int
    suite: int
    size: int
    disowned: bool


@dataclass(frozen=True, slots=True)
class StatusWord:
    """``effective`` and ``recorded``: seconds UTC; ``count`` = changes so far, 0 = never changed."""

    state: int
    frozen: bool
    effective: int
    recorded: int
    reason: int
    count: int


def batch_slot(issuer: bytes, root: bytes) -> bytes:
    """Slot of the batch word of ``root``."""
    return mapping_slot(root, mapping_slot(issuer, _BATCHES))


def tuple_slot(issuer: bytes, root: bytes) -> bytes:
    """Slot of the digest of everything else that was anchored with ``root``."""
    return offset_slot(batch_slot(issuer, root), 1)


def status_slot(issuer: bytes, leaf: bytes) -> bytes:
    """Slot of the status word of ``leaf``."""
    return mapping_slot(leaf, mapping_slot(issuer, _STATUSES))


def history_slot(issuer: bytes, leaf: bytes) -> bytes:
    """Slot of the hash chain over all changes of ``leaf``; see ``history_step``."""
    return offset_slot(status_slot(issuer, leaf), 1)


def court_slot(issuer: bytes, leaf: bytes) -> bytes:
    """Slot of the court that froze ``leaf``: its organisation, 0 where none did."""
    return mapping_slot(leaf, mapping_slot(issuer, _COURTS))


def sequence_slot(issuer: bytes) -> bytes:
    """Slot of the number of batches that ``issuer`` has anchored."""
    return mapping_slot(issuer, _SEQUENCES)


def unpack_batch(word: int) -> BatchWord:
    """The members of a batch word; STORAGE_WORD_LAYOUT where bits are set that no member uses."""
    sequence, time, kind, suite, size, disowned = unpack(word, _BATCH)
    return BatchWord(sequence, time, kind, suite, size, _flag(disowned, "disowned"))


def unpack_status(word: int) -> StatusWord:
    """The members of a status word; STORAGE_WORD_LAYOUT where bits are set that no member uses."""
    state, frozen, effective, recorded, reason, count = unpack(word, _STATUS)
    return StatusWord(state, _flag(frozen, "frozen"), effective, recorded, reason, count)


def history_step(
    previous: bytes, actor: bytes, state: int, effective: int, recorded: int, reason: int, statement: bytes
) -> bytes:
    """The history word after one change: keccak256(abi.encode(bytes32 previous, bytes32 actor, uint8 state,
    uint40 effective, uint40 recorded, uint8 reason, bytes32 statement)); 32 zero bytes before the first.

    Raises STORAGE_WORD_LAYOUT where a value does not fit its member.
    """
    numbers = (("state", state), ("effective", effective), ("recorded", recorded), ("reason", reason))
    for member, value in numbers:
        if not 0 <= value < 1 << _BITS[member]:
            raise InputError("STORAGE_WORD_LAYOUT", member=member)
    for member, word in (("previous", previous), ("actor", actor), ("statement", statement)):
        if len(word) != 32:
            raise InputError("STORAGE_WORD_LAYOUT", member=member)
    body = b"".join(value.to_bytes(32, "big") for _, value in numbers)
    return keccak(previous + actor + body + statement)


def _flag(value: int, member: str) -> bool:
    if value > 1:
        raise InputError("STORAGE_WORD_LAYOUT", member=member)
    return value == 1
