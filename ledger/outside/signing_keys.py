"""A private key together with its certificate: what signs detached CMS, whatever the content."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from ledger.crypto import cms
from ledger.crypto.algorithms import algorithm_of, verify_raw
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.ports import PrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """``certificate``: DER, for the very key.

    Raises:
        ConfigError: ``SIGNER_KEY_ALGORITHM``, ``SIGNER_KEY_MISMATCH``. InputError: ``CERTIFICATE_SYNTAX``.
    """

    private_key: PrivateKey
    certificate: bytes

    def __post_init__(self) -> None:
        spki = read_certificate(self.certificate).spki
        try:
            algorithm_of(spki)
        except InputError as error:
            raise ConfigError("SIGNER_KEY_ALGORITHM") from error
        if self.private_key.spki != spki:
            raise ConfigError("SIGNER_KEY_MISMATCH")

    def __repr__(self) -> str:
        return f"SigningKey({fingerprint(self.certificate).hex()[:16]})"

    def require_valid(self, now: int) -> None:
        """Raises ConfigError ``SIGNER_CERTIFICATE_DATES`` outside the certificate's validity."""
        require_dates(self.certificate, now)

    def sign_detached(self, content: bytes, now: int) -> bytes:
        """A detached CMS over ``content`` in the profile of ``crypto.cms``, DER; ``now``: its signing time.

        Raises:
            As ``sign_parts``.
        """
        return cms.assemble(self.certificate, *self.sign_parts(content, now))

    def sign_parts(self, content: bytes, now: int) -> tuple[bytes, bytes]:
        """What that CMS is made of: signed attributes, and the signature over them.

        Raises:
            ConfigError: ``SIGNER_CERTIFICATE_DATES``.
            UnavailableError, ConfigError: from the key; UnavailableError ``SIGNER_SIGNATURE_WRONG`` if what it gave
                does not verify: nobody could use it, so it does not get out.
        """
        attributes = cms.signed_attributes(content, self.certificate, now)
        return attributes, self.sign_attributes(attributes, now)

    def sign_attributes(self, attributes: bytes, now: int) -> bytes:
        """The signature over the signed attributes of a CMS, SET OF Attribute, DER. Raises as ``sign_parts``."""
        self.require_valid(now)
        signature = self.private_key.sign(attributes)
        spki = self.private_key.spki
        try:
            verify_raw(spki, algorithm_of(spki).name, signature, attributes)
        except InputError as error:
            raise UnavailableError("SIGNER_SIGNATURE_WRONG") from error
        return signature


def require_dates(certificate: bytes, now: int) -> None:
    """Raises ConfigError ``SIGNER_CERTIFICATE_DATES`` outside the validity of the certificate (DER)."""
    found = x509.load_der_x509_certificate(certificate)
    since, until = (int(at.timestamp()) for at in (found.not_valid_before_utc, found.not_valid_after_utc))
    if not since <= now <= until:
        raise ConfigError("SIGNER_CERTIFICATE_DATES", since=since, until=until, now=now)
