"""Signing: keys, time-stamps, revocation data, and the reader that a signer gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.core.bundles import ValidationData
from ledger.core.manifests import Manifest


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds UTC."""
        ...


class SegmentReader(Protocol):
    """Read access to a batch's frozen body, given to the signer so that it need not believe the caller."""

    def leaves(self) -> bytes:
        """All leaves, 32 bytes each, in order."""
        ...

    def approvals(self) -> bytes:
        """All approvals, 32 bytes each, in the order of the leaves."""
        ...

    def types(self) -> tuple[tuple[str, int], ...]:
        """(type, count), ascending."""
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """``cms``: detached CMS over the manifest, DER. ``certificate``: SHA-256 of the signing certificate."""

    cms: bytes
    certificate: bytes
    validation: ValidationData


class Signer(Protocol):
    """Holds one signing key of one organisation: software, PKCS#11, or a process of its own."""

    @property
    def certificate(self) -> bytes:
        """The signing certificate, DER."""
        ...

    def unapproved(self, leaves: bytes, approvals: bytes) -> list[int]:
        """Indexes of records that this signer would refuse, so that a batch can be closed without them."""
        ...

    def sign(self, manifest: Manifest, segment: SegmentReader, now: int) -> Signed:
        """Sign after recomputing the root and checking every approval.

        Raises:
            IntegrityError: SIGNER_ROOT_DIFFERS, SIGNER_COUNTS_DIFFER, SIGNER_APPROVAL_MISSING (with the index).
            ConfigError: SIGNER_KEY_…; UnavailableError: the device or its authority does not answer.
        """
        ...


class TimestampAuthority(Protocol):
    def stamp(self, digest: bytes) -> bytes:
        """An RFC 3161 time-stamp token over ``digest`` (SHA-256), DER."""
        ...


class RevocationSource(Protocol):
    def collect(self, certificates: Sequence[bytes], now: int) -> ValidationData:
        """Issuers' certificates and revocation data for a signing certificate's path."""
        ...
