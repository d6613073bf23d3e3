"""A signer with its key in this process.

It believes nothing it is told about the batch: it hashes the leaves again, holds the manifest against them
and asks for an approval of every single record. Whoever can only write rows, or only call the signer, cannot
issue.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.core import merkle
from ledger.core.manifests import Manifest
from ledger.crypto import cms
from ledger.crypto.algorithms import algorithm_of, sign_raw
from ledger.crypto.approvals import ApprovalKey, check_approvals, missing_approvals
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import ConfigError, InputError, IntegrityError
from ledger.ports import RevocationSource, SegmentReader, Signed


class SoftwareSigner:
    """``ports.Signer`` for one signing key of ``organisation``.

    ``private_key``: an object of ``cryptography`` whose public half is in ``certificate`` (DER);
    ``approval_keys``: of the sources that may release records.

    Raises:
        ConfigError: ``SIGNER_KEY_MISMATCH``, ``SIGNER_KEY_ALGORITHM``, ``APPROVAL_KEYS_EMPTY``.
    """

    def __init__(
        self,
        organisation: str,
        private_key: Any,
        certificate: bytes,
        approval_keys: Sequence[ApprovalKey],
        revocation: RevocationSource,
    ) -> None:
        spki = read_certificate(certificate).spki
        try:
            algorithm_of(spki)
        except InputError as error:
            raise ConfigError("SIGNER_KEY_ALGORITHM") from error
        if private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != spki:
            raise ConfigError("SIGNER_KEY_MISMATCH")
        if not approval_keys:
            raise ConfigError("APPROVAL_KEYS_EMPTY")
        self._organisation = organisation
        self._key = private_key
        self._certificate = certificate
        self._approval_keys = tuple(approval_keys)
        self._revocation = revocation
        self._released: bytes | None = None
        self._validity = x509.load_der_x509_certificate(certificate)

    def __repr__(self) -> str:
        return f"SoftwareSigner({self._organisation!r}, {fingerprint(self._certificate).hex()[:16]})"

    @property
    def certificate(self) -> bytes:
        return self._certificate

    def unapproved(self, leaves: bytes, approvals: bytes) -> list[int]:
        missing = missing_approvals(leaves, approvals, self._approval_keys)
        self._released = None if missing else _fingerprint(leaves, approvals)
        return missing

    def sign(self, manifest: Manifest, segment: SegmentReader, now: int) -> Signed:
        """Check the whole batch, then sign its manifest.

        Raises:
            IntegrityError: ``SIGNER_ISSUER_DIFFERS``, ``SIGNER_ROOT_DIFFERS``, ``SIGNER_COUNTS_DIFFER``,
                ``SIGNER_APPROVAL_MISSING`` (with the index).
            ConfigError: ``SIGNER_CERTIFICATE_DATES`` outside the certificate's validity.
            UnavailableError: from the source of revocation data.
        """
        self._require_valid(now)
        if manifest.issuer != self._organisation:
            raise IntegrityError("SIGNER_ISSUER_DIFFERS", manifest=manifest.issuer, signer=self._organisation)
        leaves = segment.leaves()
        _require_tree(manifest, leaves)
        if segment.types() != manifest.counts:
            raise IntegrityError("SIGNER_COUNTS_DIFFER")
        approvals = segment.approvals()
        if self._released != _fingerprint(leaves, approvals):  # else these very bytes were checked here a moment ago
            check_approvals(leaves, approvals, self._approval_keys)
        # Revocation data first: if they cannot be had, no signature exists that nobody could verify.
        validation = self._revocation.collect([self._certificate], now)
        content = manifest.to_bytes()
        attributes = cms.signed_attributes(content, self._certificate, now)
        signed = cms.assemble(self._certificate, attributes, sign_raw(self._key, attributes))
        return Signed(signed, fingerprint(self._certificate), validation)

    def _require_valid(self, now: int) -> None:
        since = int(self._validity.not_valid_before_utc.timestamp())
        until = int(self._validity.not_valid_after_utc.timestamp())
        if not since <= now <= until:
            raise ConfigError("SIGNER_CERTIFICATE_DATES", since=since, until=until, now=now)


def _fingerprint(leaves: bytes, approvals: bytes) -> bytes:
    return sha256(leaves + approvals).digest()


def _require_tree(manifest: Manifest, leaves: bytes) -> None:
    try:
        root = merkle.root_of(merkle.build_levels(leaves))
    except InputError as error:
        raise IntegrityError("SIGNER_ROOT_DIFFERS") from error
    if root != manifest.root or len(leaves) != manifest.size * merkle.HASH_BYTES:
        raise IntegrityError("SIGNER_ROOT_DIFFERS")
