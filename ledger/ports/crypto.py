"""Keys of the crypto service: what signs for other systems, and what encrypts for them."""

from __future__ import annotations

from typing import Protocol


class ServiceSigner(Protocol):
    """A key that signs what callers bring, with its certificate. Never one that issues."""

    @property
    def certificate(self) -> bytes:
        """X.509, DER."""
        ...

    def sign_attributes(self, attributes: bytes, now: int) -> bytes:
        """The signature over the signed attributes of a CMS, SET OF Attribute, DER; ``now``: seconds UTC.

        Raises:
            ConfigError: ``SIGNER_CERTIFICATE_DATES``, or from the key. UnavailableError: from the key.
        """
        ...


class DataKey(Protocol):
    """One version of a symmetric key. It encrypts and decrypts, and shows itself nowhere."""

    @property
    def algorithm(self) -> str:
        """Of `crypto.envelopes.ENCRYPTIONS`."""
        ...

    @property
    def version(self) -> int:
        """From 1."""
        ...

    def encrypt(self, plaintext: bytes, associated: bytes) -> bytes:
        """nonce ‖ ciphertext ‖ tag.

        Raises:
            ConflictError: ``KEYS_USED_UP`` once it has encrypted 2^32 times; ``KEYS_RESTORED`` until it is rotated, of
                a key from a backup. UnavailableError: ``KEYS_USES``.
        """
        ...

    def decrypt(self, envelope: bytes, associated: bytes) -> bytes:
        """Raises InputError ``ENVELOPE_DAMAGED``: changed, or made for another place or under another key."""
        ...


class ServiceKeys(Protocol):
    def service(self, organisation: str, name: str) -> ServiceSigner:
        """Raises NotFoundError ``KEYS_UNKNOWN``, also for one without certificate; ConfigError ``KEYS_…``."""
        ...

    def newest_data_key(self, organisation: str, name: str) -> DataKey:
        """The version that encrypts. Raises NotFoundError ``KEYS_UNKNOWN``; ConflictError ``KEYS_RETIRED``."""
        ...

    def data_key(self, organisation: str, name: str, version: int) -> DataKey:
        """Any version, of a retired key too. Raises NotFoundError ``KEYS_UNKNOWN``."""
        ...
