"""What one CRL or one OCSP response says about one certificate; certificates as both read them, and who signed
what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from ledger.crypto import der
from ledger.crypto.certificates import CertificateParts, read_certificate, read_signed
from ledger.crypto.issuer_signatures import verify_issued
from ledger.errors import InputError

UNREADABLE = (
    ValueError,
    TypeError,
    UserWarning,  # names of odd lengths, where whoever runs this makes errors of warnings
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)
HOLD = "certificateHold"
COMPROMISES = frozenset({"keyCompromise", "cACompromise", "aACompromise"})


@dataclass(frozen=True, slots=True)
class RevocationInfo:
    """Signed by whoever may speak for the certificate's issuer. Instants in seconds UTC.

    ``next_update``: 0 where there is none, so that it never stays current. ``retains``: certificates that expired
    before this instant may have been dropped, so silence about them says nothing. ``revoked``: since when and why
    (words of RFC 5280 section 5.3.1), or ``None``. ``gap``: the code of why this says nothing of the certificate;
    ``partial``: its silence says nothing.
    """

    data: bytes
    this_update: int
    next_update: int
    retains: int
    revoked: tuple[int, str] | None
    gap: str | None = None
    partial: bool = False

    @property
    def complete(self) -> bool:
        """Does its silence say anything, at some time?"""
        return self.gap is None and not self.partial

    def telling(self, moment: int, expires: int) -> bool:
        """Does its silence say that a certificate which ends at ``expires`` was not revoked at ``moment``?"""
        return self.complete and (self.is_later(moment, expires) or self.this_update <= moment < self.next_update)

    def is_later(self, moment: int, expires: int) -> bool:
        return moment < self.this_update and self.retains <= expires

    def current(self, moment: int) -> bool:
        """Does what it names still stand at ``moment``, were it such as may be lifted?"""
        return moment < max(self.this_update, self.next_update)


@dataclass(frozen=True, slots=True)
class Subject:
    """A certificate, read for revocation."""

    data: bytes
    x509: x509.Certificate
    parts: CertificateParts

    @property
    def expires(self) -> int:
        return int(self.x509.not_valid_after_utc.timestamp())

    @property
    def public_key(self) -> bytes:
        """The bits of subjectPublicKey alone, which key hashes cover (RFC 6960 section 4.1.1)."""
        _, key = der.members(der.read(self.parts.spki, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)
        return key.content[1:]


@lru_cache(maxsize=256)
def read_subject(data: bytes) -> Subject:
    """Raises InputError ``REVOCATION_CERTIFICATE`` for a certificate (DER) that cannot be read."""
    try:
        parts = read_certificate(data)
        number = der.read(parts.serial, der.INTEGER).content
        if not number or number[0] & 0x80 or not any(number):
            raise InputError("DER_SHAPE")  # RFC 5280 section 4.1.2.2: positive
        found = x509.load_der_x509_certificate(data)
        list(found.extensions)  # lazily parsed: a fault in them must show here
        subject = Subject(data, found, parts)
        _ = subject.public_key, subject.expires, found.subject, found.issuer, found.not_valid_before_utc
        return subject
    except (InputError, *UNREADABLE) as error:
        raise InputError("REVOCATION_CERTIFICATE") from error


def require_signed_by(spki: bytes, data: bytes) -> None:
    """Was a certificate or CRL (DER) signed by this key? Names, dates and rights are judged elsewhere, and that the
    algorithm outside repeats the one inside was seen to by who read it (RFC 5280 sections 4.1.1.2 and 5.1.1.2).

    Raises:
        InputError: ``DER_…``; as ``verify_issued``. ConfigError: ``SM2_UNAVAILABLE``.
    """
    signed, algorithm = read_signed(data)
    signature = der.read(data, der.SEQUENCE).children()[2].content[1:]
    verify_issued(spki, algorithm.outer, signature, signed.outer)


def is_self_signed(certificate: bytes) -> bool:
    """Is there nobody else who could revoke it (DER)? One name is not enough: an authority certifies its next key by
    the one that it has (self-issued, RFC 5280 section 3.2).

    Raises: InputError ``CERTIFICATE_SYNTAX``. ConfigError ``SM2_UNAVAILABLE``.
    """
    parts = read_certificate(certificate)
    if parts.issuer != parts.subject:
        return False
    try:
        require_signed_by(parts.spki, certificate)
    except InputError:
        return False
    return True
