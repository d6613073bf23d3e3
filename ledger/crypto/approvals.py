"""Approvals: the releasing source's word for each record, which the signer asks for (why a database is not an
issuer).

Approval = HMAC-SHA-256(approval key of the source, tag ‖ leaf). The keys lie outside the database, so a row
put into it by its administrator has no approval that the signer would accept. In the suites with SM3 it is HMAC-SM3
over both leaves: else a record could stand in one tree and another, never released, at its place in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hmac import compare_digest

from ledger.core.hashing import hmac_sm3
from ledger.core.registries import Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.crypto.mac import PreparedMac
from ledger.errors import ConfigError, IntegrityError

TAG = b"zhengyin/approval/1"
SM3_TAG = b"zhengyin/approval/2"
KEY_BYTES = 32
APPROVAL_BYTES = 32
_TOGETHER = 1024  # approvals compared at once: mostly one source released all of them


class ApprovalKey:
    """The key of one releasing source, prepared for many leaves. Instances do not show it.

    Raises:
        ConfigError: ``APPROVAL_KEY`` if ``secret`` is not 32 bytes.
    """

    __slots__ = ("_approve_sm3", "approve")

    approve: Callable[[bytes], bytes]
    """The approval of a leaf (32 bytes), 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ConfigError("APPROVAL_KEY", length=len(secret))
        self.approve = PreparedMac(secret, TAG).of
        self._approve_sm3 = hmac_sm3(secret, SM3_TAG)

    def approve_both(self, suite: Suite, leaf: bytes, leaf_sm3: bytes) -> bytes:
        """The approval of a record of a suite with SM3, by its two leaves (32 bytes each); 32 bytes."""
        return self._approve_sm3(bytes([suite]) + leaf + leaf_sm3)

    def __repr__(self) -> str:
        return "ApprovalKey(…)"


def approve(key: ApprovalKey | bytes, leaf: bytes) -> bytes:
    """The approval of ``leaf`` (32 bytes).

    Raises:
        ConfigError: ``APPROVAL_KEY``.
    """
    return (key if isinstance(key, ApprovalKey) else _prepared(key)).approve(leaf)


@lru_cache(maxsize=64)
def _prepared(secret: bytes) -> ApprovalKey:
    return ApprovalKey(secret)


def check_approvals(
    leaves: bytes, approvals: bytes, keys: Sequence[ApprovalKey | bytes], sm3: Sm3Leaves | None = None
) -> None:
    """Every leaf must bear the approval of one of the sources; compared in constant time.

    ``leaves`` and ``approvals``: 32 bytes each, concatenated, in the same order; ``sm3``: the same records' leaves by
    SM3, in the suites that have them.

    Raises:
        ConfigError: ``APPROVAL_KEYS_EMPTY`` without a source (nothing could be checked).
        IntegrityError: ``SIGNER_APPROVAL_MISSING`` with the index of the first leaf without approval.
    """
    missing = missing_approvals(leaves, approvals, keys, sm3)
    if missing:
        raise IntegrityError("SIGNER_APPROVAL_MISSING", index=missing[0])


def missing_approvals(
    leaves: bytes, approvals: bytes, keys: Sequence[ApprovalKey | bytes], sm3: Sm3Leaves | None = None
) -> list[int]:
    """Indexes of the leaves that no source released, ascending; arguments as in ``check_approvals``.

    Raises:
        ConfigError: ``APPROVAL_KEYS_EMPTY``.
        IntegrityError: ``SIGNER_APPROVAL_MISSING`` where leaves, those by SM3 and approvals are not as many, or none.
    """
    if not keys:
        raise ConfigError("APPROVAL_KEYS_EMPTY")
    prepared = [key if isinstance(key, ApprovalKey) else _prepared(key) for key in keys]
    sizes = {len(leaves), len(approvals), *([] if sm3 is None else [len(sm3.leaves)])}
    if not leaves or len(sizes) > 1:
        shorter = min(sizes)
        raise IntegrityError("SIGNER_APPROVAL_MISSING", index=shorter // APPROVAL_BYTES)
    if sm3 is not None:
        return _missing_both(leaves, approvals, prepared, sm3)
    missing: list[int] = []
    for start in range(0, len(leaves), _TOGETHER * APPROVAL_BYTES):
        given = _pieces(leaves[start : start + _TOGETHER * APPROVAL_BYTES])
        found = approvals[start : start + _TOGETHER * APPROVAL_BYTES]
        if not any([compare_digest(b"".join(map(key.approve, given)), found) for key in prepared]):
            pairs = enumerate(zip(given, _pieces(found), strict=True), start // APPROVAL_BYTES)
            missing += [at for at, (leaf, approval) in pairs if not _released(leaf, approval, prepared)]
    return missing


def _missing_both(leaves: bytes, approvals: bytes, keys: Sequence[ApprovalKey], sm3: Sm3Leaves) -> list[int]:
    triples = zip(_pieces(leaves), _pieces(sm3.leaves), _pieces(approvals), strict=True)
    return [
        at
        for at, (leaf, second, approval) in enumerate(triples)
        if not any([compare_digest(key.approve_both(sm3.suite, leaf, second), approval) for key in keys])
    ]


def _released(leaf: bytes, approval: bytes, keys: Sequence[ApprovalKey]) -> bool:
    return any([compare_digest(key.approve(leaf), approval) for key in keys])


def _pieces(data: bytes) -> list[bytes]:
    return [data[at : at + APPROVAL_BYTES] for at in range(0, len(data), APPROVAL_BYTES)]
