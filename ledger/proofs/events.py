"""Events of the Records contract, decoded from receipt logs (Solidity, "Contract ABI Specification").

A log proves only that *some* contract emitted it: compare ``log.address`` with the contract that the trust
file names before believing what is decoded here.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import InputError
from ledger.proofs.keccak import keccak
from ledger.proofs.receipts import Log

TOPIC_BATCH_ANCHORED = keccak(
    b"BatchAnchored(bytes32,bytes32,uint64,address,(bytes32,uint16,uint8,uint32,bytes32,bytes32,bytes32,bytes32[]))"
)
TOPIC_ANCHOR_REPEATED = keccak(b"AnchorRepeated(bytes32,bytes32,uint64)")
TOPIC_STATUS_CHANGED = keccak(b"StatusChanged(bytes32,bytes32,bytes32,bytes32,uint8,uint40,uint40,uint8,uint32)")
TOPIC_STATUS_REFUSED = keccak(b"StatusRefused(bytes32,bytes32,bytes32,uint8,uint8)")

_WORD = 32
_STRUCT = 2 * _WORD  # where the batch begins in the data of BatchAnchored: after account and offset
_SIGNERS = 8 * _WORD  # where its signers begin, from the start of the batch
_FIXED = _STRUCT + _SIGNERS + _WORD  # up to and with the number of signers


@dataclass(frozen=True, slots=True)
class AnchoredEvent:
    """A batch was anchored. Digests are 32 bytes, ``account`` 20; ``signers`` = SHA-256 of the signing
    certificates, at least one; ``manifest_sm3`` is zero in suite 1.
    """

    issuer: bytes
    root: bytes
    sequence: int
    account: bytes
    accreditation: bytes
    kind: int
    suite: int
    size: int
    manifest_sha256: bytes
    manifest_sm3: bytes
    signers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RepeatedEvent:
    """The identical batch was offered again; ``sequence`` is that of the first."""

    issuer: bytes
    root: bytes
    sequence: int


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """A status was changed. ``effective`` and ``recorded``: seconds UTC; ``statement``: leaf of the signed
    decision, zero where there is none; ``count`` = changes of this leaf, this one included.
    """

    issuer: bytes
    leaf: bytes
    statement: bytes
    actor: bytes
    state: int
    effective: int
    recorded: int
    reason: int
    count: int


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """A change that the state of the leaf does not allow; nothing was written."""

    issuer: bytes
    leaf: bytes
    statement: bytes
    from_state: int
    to_state: int


def decode_anchored(log: Log) -> AnchoredEvent:
    """A ``BatchAnchored`` log. Raises EVENT_OTHER (another event), EVENT_MALFORMED (not canonical ABI)."""
    issuer, root, sequence = _indexed(log, TOPIC_BATCH_ANCHORED)
    if len(log.data) < _FIXED + _WORD or len(log.data) % _WORD:
        raise InputError("EVENT_MALFORMED", part="length")
    account, at, *batch = _words(log)
    accreditation, kind, suite, size, again, sha256, sm3, signers_at, count, *signers = batch
    if _number(at, 256, "offset") != _STRUCT or _number(signers_at, 256, "offset") != _SIGNERS:
        raise InputError("EVENT_MALFORMED", part="offset")
    if _number(count, 256, "signers") != len(signers):
        raise InputError("EVENT_MALFORMED", part="signers")
    if again != root:
        raise InputError("EVENT_MALFORMED", part="root")
    return AnchoredEvent(
        issuer=issuer,
        root=root,
        sequence=_number(sequence, 64, "sequence"),
        account=_number(account, 160, "account").to_bytes(20, "big"),
        accreditation=accreditation,
        kind=_number(kind, 16, "kind"),
        suite=_number(suite, 8, "suite"),
        size=_number(size, 32, "size"),
        manifest_sha256=sha256,
        manifest_sm3=sm3,
        signers=tuple(signers),
    )


def decode_repeated(log: Log) -> RepeatedEvent:
    """An ``AnchorRepeated`` log. Raises EVENT_OTHER, EVENT_MALFORMED."""
    issuer, root, sequence = _indexed(log, TOPIC_ANCHOR_REPEATED)
    _exactly(log, 0)
    return RepeatedEvent(issuer, root, _number(sequence, 64, "sequence"))


def decode_status(log: Log) -> StatusEvent:
    """A ``StatusChanged`` log. Raises EVENT_OTHER, EVENT_MALFORMED."""
    issuer, leaf, statement = _indexed(log, TOPIC_STATUS_CHANGED)
    actor, state, effective, recorded, reason, count = _exactly(log, 6)
    return StatusEvent(
        issuer=issuer,
        leaf=leaf,
        statement=statement,
        actor=actor,
        state=_number(state, 8, "state"),
        effective=_number(effective, 40, "effective"),
        recorded=_number(recorded, 40, "recorded"),
        reason=_number(reason, 8, "reason"),
        count=_number(count, 32, "count"),
    )


def decode_refused(log: Log) -> RefusedEvent:
    """A ``StatusRefused`` log. Raises EVENT_OTHER, EVENT_MALFORMED."""
    issuer, leaf, statement = _indexed(log, TOPIC_STATUS_REFUSED)
    before, after = _exactly(log, 2)
    return RefusedEvent(issuer, leaf, statement, _number(before, 8, "from"), _number(after, 8, "to"))


def _indexed(log: Log, topic: bytes) -> tuple[bytes, bytes, bytes]:
    found = log.topics[0] if log.topics else b""
    if found != topic:
        raise InputError("EVENT_OTHER", expected=topic.hex(), found=found.hex())
    if len(log.topics) != 4:
        raise InputError("EVENT_MALFORMED", part="topics")
    return log.topics[1], log.topics[2], log.topics[3]


def _exactly(log: Log, count: int) -> list[bytes]:
    if len(log.data) != count * _WORD:
        raise InputError("EVENT_MALFORMED", part="length")
    return _words(log)


def _words(log: Log) -> list[bytes]:
    return [log.data[at : at + _WORD] for at in range(0, len(log.data), _WORD)]


def _number(word: bytes, bits: int, part: str) -> int:
    """An unsigned integer of ``bits`` bits; the padding above it must be zero."""
    number = int.from_bytes(word, "big")
    if number >> bits:
        raise InputError("EVENT_MALFORMED", part=part)
    return number
