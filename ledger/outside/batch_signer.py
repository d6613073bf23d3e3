"""A signer of batches with one signing key, wherever that key lies.

It believes nothing it is told about the batch: it hashes the leaves again, holds the manifest against them
and asks for an approval of every single record. Whoever can only write rows, or only call the signer, cannot
issue.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from ledger.core import merkle
from ledger.core.manifests import Manifest
from ledger.core.registries import Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.crypto.approvals import ApprovalKey, check_approvals, missing_approvals
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, InputError, IntegrityError
from ledger.outside.signing_keys import SigningKey
from ledger.ports import RevocationSource, SegmentReader, Signed


class BatchSigner:
    """``ports.Signer`` for one signing key of ``organisation``.

    ``approval_keys``: of the sources that may release records.

    Raises:
        ConfigError: ``APPROVAL_KEYS_EMPTY``.
    """

    def __init__(
        self,
        organisation: str,
        key: SigningKey,
        approval_keys: Sequence[ApprovalKey],
        revocation: RevocationSource,
    ) -> None:
        if not approval_keys:
            raise ConfigError("APPROVAL_KEYS_EMPTY")
        self._organisation = organisation
        self._key = key
        self._approval_keys = tuple(approval_keys)
        self._revocation = revocation
        self._released: bytes | None = None

    def __repr__(self) -> str:
        return f"BatchSigner({self._organisation!r}, {fingerprint(self._key.certificate).hex()[:16]})"

    @property
    def certificate(self) -> bytes:
        return self._key.certificate

    def unapproved(self, leaves: bytes, approvals: bytes, sm3: Sm3Leaves | None = None) -> list[int]:
        missing = missing_approvals(leaves, approvals, self._approval_keys, sm3)
        self._released = None if missing else _fingerprint(leaves, approvals, sm3)
        return missing

    def sign(self, manifest: Manifest, segment: SegmentReader, now: int) -> Signed:
        """Check the whole batch, then sign its manifest.

        Raises:
            IntegrityError: ``SIGNER_ISSUER_DIFFERS``, ``SIGNER_ROOT_DIFFERS``, ``SIGNER_COUNTS_DIFFER``,
                ``SIGNER_APPROVAL_MISSING`` (with the index).
            ConfigError: ``SIGNER_CERTIFICATE_DATES`` outside the certificate's validity;
                ``SIGNER_CERTIFICATE_REVOKED`` by what is collected.
            UnavailableError: from the source of revocation data, or the key.
        """
        self._key.require_valid(now)
        leaves, sm3 = segment.leaves(), segment.sm3()
        require_manifest(manifest, self._organisation, leaves, sm3, segment.types())
        approvals = segment.approvals()
        if self._released != _fingerprint(leaves, approvals, sm3):  # else these very bytes were checked here just now
            check_approvals(leaves, approvals, self._approval_keys, sm3)
        # Revocation data first: if they cannot be had or say "revoked", no signature exists that nobody could rely on.
        validation = self._revocation.collect([self._key.certificate], now, to_sign=True)
        signed = self._key.sign_detached(manifest.to_bytes(), now)
        return Signed(signed, fingerprint(self._key.certificate), validation)


def require_manifest(
    manifest: Manifest, organisation: str, leaves: bytes, sm3: Sm3Leaves | None, counts: tuple[tuple[str, int], ...]
) -> None:
    """The manifest is the organisation's own and over these very leaves and numbers by type.

    Raises:
        IntegrityError: ``SIGNER_ISSUER_DIFFERS``, ``SIGNER_ROOT_DIFFERS``, ``SIGNER_COUNTS_DIFFER``.
    """
    if manifest.issuer != organisation:
        raise IntegrityError("SIGNER_ISSUER_DIFFERS", manifest=manifest.issuer, signer=organisation)
    _require_tree(manifest, leaves)
    _require_sm3_tree(manifest, leaves, sm3)
    if counts != manifest.counts:
        raise IntegrityError("SIGNER_COUNTS_DIFFER")


def _fingerprint(leaves: bytes, approvals: bytes, sm3: Sm3Leaves | None) -> bytes:
    return sha256(leaves + approvals + (b"" if sm3 is None else bytes([sm3.suite]) + sm3.leaves)).digest()


def _require_tree(manifest: Manifest, leaves: bytes) -> None:
    try:
        root = merkle.root_of(merkle.build_levels(leaves))
    except InputError as error:
        raise IntegrityError("SIGNER_ROOT_DIFFERS") from error
    if root != manifest.root or len(leaves) != manifest.size * merkle.HASH_BYTES:
        raise IntegrityError("SIGNER_ROOT_DIFFERS")


def _require_sm3_tree(manifest: Manifest, leaves: bytes, sm3: Sm3Leaves | None) -> None:
    """As ``_require_tree`` of the second tree: signed is what the records are, in both."""
    suite, root = (Suite.INTL, None) if sm3 is None else (sm3.suite, sm3.root())
    if (suite, root) != (manifest.suite, manifest.root_sm3) or (sm3 and len(sm3.leaves) != len(leaves)):
        raise IntegrityError("SIGNER_ROOT_DIFFERS")
