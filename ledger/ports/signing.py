"""Signing: keys, time-stamps, revocation data, and the reader that a signer gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.core.bundles import ValidationData
from ledger.core.manifests import Manifest
from ledger.core.sm3_leaves import Sm3Leaves


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

    def sm3(self) -> Sm3Leaves | None:
        """The same records' leaves in the tree by SM3; ``None`` in the suite that has none."""
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """``cms``: detached CMS over the manifest, DER. ``certificate``: SHA-256 of the signing certificate."""

    cms: bytes
    certificate: bytes
    validation: ValidationData


class PrivateKey(Protocol):
    """A private key, wherever it lies: in this process, in a token (PKCS#11), or behind another process.

    It can be asked to sign and nothing else; it shows itself in no ``repr``, log or error.
    """

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo, DER: which algorithm the key signs with (``crypto.algorithms.algorithm_of``)."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The signature over ``data`` by that algorithm, in the form of X.509 and CMS (ECDSA and SM2: a DER SEQUENCE of
        r and s).

        Raises:
            UnavailableError: the device or the process does not answer. ConfigError: it refuses this key or PIN.
        """
        ...


class Signer(Protocol):
    """Holds one signing key of one organisation: software, PKCS#11, or a process of its own."""

    @property
    def certificate(self) -> bytes:
        """The signing certificate, DER."""
        ...

    def unapproved(self, leaves: bytes, approvals: bytes, sm3: Sm3Leaves | None = None) -> list[int]:
        """Indexes of records that this signer would refuse, so that a batch can be closed without them; ``sm3``: their
        leaves by SM3, in the suites that have them."""
        ...

    def sign(self, manifest: Manifest, segment: SegmentReader, now: int) -> Signed:
        """Sign after recomputing the root and checking every approval.

        Raises:
            IntegrityError: SIGNER_ROOT_DIFFERS, SIGNER_COUNTS_DIFFER, SIGNER_APPROVAL_MISSING (with the index).
            ConfigError: SIGNER_KEY_…; SIGNER_CERTIFICATE_DATES, SIGNER_CERTIFICATE_REVOKED. UnavailableError: the
                device or its authority does not answer.
        """
        ...


class TimestampAuthority(Protocol):
    def stamp(self, data: bytes, digest: str = "sha256") -> bytes:
        """A verified RFC 3161 time-stamp token over ``data``, DER, as its authority wrote it; ``digest``: name of
        `crypto.signed_data.DIGESTS`.

        Raises:
            UnavailableError: nobody gives one that will do; try again later.
        """
        ...


class RevocationSource(Protocol):
    def collect(
        self,
        certificates: Sequence[bytes],
        now: int,
        after: int | None = None,
        known: Sequence[bytes] = (),
        *,
        to_sign: bool = False,
    ) -> ValidationData:
        """Authorities between each certificate (DER) and its root (which is the verifier's to bring), and revocation
        data for each of the chain: current at ``now``, or, where ``after`` is given, taken later than that.

        ``known``: certificates of authorities that are chosen before others; ``to_sign``: for a signature that is still
        to be made.

        Raises:
            UnavailableError: an authority does not answer, or has nothing as new; try again later.
            ConfigError: ``to_sign``, and a certificate of a chain is revoked: ``SIGNER_CERTIFICATE_REVOKED``.
        """
        ...
