"""Revocation data from a folder: ``certificates/*.der`` of authorities and ``crls/*.crl``, DER each.

Something else (the demonstration authority, or a job that downloads) keeps the folder fresh.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.core.bundles import ValidationData
from ledger.errors import ConfigError, UnavailableError

T = TypeVar("T")

MAX_DEPTH = 8  # certificates from the signer's to the root


@dataclass(frozen=True, slots=True)
class ListSpan:
    """From when to when the newest CRL of an authority holds, seconds UTC; ``None`` where the folder has none of it."""

    issuer: str
    since: int | None
    until: int | None


class FileRevocation:
    """``ports.RevocationSource`` over one or several folders."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    def collect(self, certificates: Sequence[bytes], now: int) -> ValidationData:
        """Authorities between each certificate and its root (the root itself is the verifier's to bring), and
        the newest CRL of every authority in the chain, current at ``now``.

        Raises:
            UnavailableError: ``REVOCATION_SOURCE_ISSUER`` no certificate of an issuer;
            ``REVOCATION_SOURCE_CRL`` no
                CRL of an issuer that is current.
            ConfigError: ``REVOCATION_SOURCE_DAMAGED`` a file that cannot be read.
        """
        authorities, crls = self._authorities(), self._crls()
        found_certificates: set[bytes] = set()
        found_crls: set[bytes] = set()
        for data in certificates:
            for issuer in _issuers(x509.load_der_x509_certificate(data), authorities):
                if issuer.subject != issuer.issuer:
                    found_certificates.add(issuer.public_bytes(Encoding.DER))
                found_crls.add(_newest(issuer, crls, now).public_bytes(Encoding.DER))
        return ValidationData(tuple(sorted(found_certificates)), tuple(sorted(found_crls)), ())

    def spans(self) -> list[ListSpan]:
        """How long the lists here last, for each certificate of an authority.

        Raises:
            ConfigError: ``REVOCATION_SOURCE_DAMAGED``.
        """
        crls, found = self._crls(), []
        for authority in self._authorities():
            name, own = authority.subject.rfc4514_string(), _lists(authority, crls)
            if not own:
                found.append(ListSpan(name, None, None))
                continue
            newest = max(own, key=lambda crl: crl.last_update_utc)
            until = newest.next_update_utc
            since = int(newest.last_update_utc.timestamp())
            found.append(ListSpan(name, since, int(until.timestamp()) if until else since))
        return found

    def _authorities(self) -> list[x509.Certificate]:
        return [_read(x509.load_der_x509_certificate, file) for file in self._files("certificates", "*.der")]

    def _crls(self) -> list[x509.CertificateRevocationList]:
        return [_read(x509.load_der_x509_crl, file) for file in self._files("crls", "*.crl")]

    def _files(self, folder: str, pattern: str) -> list[Path]:
        return [file for root in self._folders for file in sorted((root / folder).glob(pattern))]


def _issuers(certificate: x509.Certificate, authorities: list[x509.Certificate]) -> list[x509.Certificate]:
    """The chain above ``certificate``, its root last."""
    found: list[x509.Certificate] = []
    while certificate.subject != certificate.issuer:
        above = [authority for authority in authorities if _issued(authority, certificate)]
        if not above or len(found) == MAX_DEPTH:
            raise UnavailableError("REVOCATION_SOURCE_ISSUER", issuer=certificate.issuer.rfc4514_string())
        certificate = above[0]
        found.append(certificate)
    return found


def _issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _newest(
    issuer: x509.Certificate, crls: list[x509.CertificateRevocationList], now: int
) -> x509.CertificateRevocationList:
    current = [
        crl for crl in _lists(issuer, crls) if crl.next_update_utc is not None and now < crl.next_update_utc.timestamp()
    ]
    if not current:
        raise UnavailableError("REVOCATION_SOURCE_CRL", issuer=issuer.subject.rfc4514_string())
    return max(current, key=lambda crl: crl.last_update_utc)


def _lists(
    issuer: x509.Certificate, crls: list[x509.CertificateRevocationList]
) -> list[x509.CertificateRevocationList]:
    """Those that the issuer signed."""
    return [
        crl
        for crl in crls
        if crl.issuer == issuer.subject and crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    ]


def _read(load: Callable[[bytes], T], file: Path) -> T:
    try:
        return load(file.read_bytes())
    except (ValueError, OSError) as error:
        raise ConfigError("REVOCATION_SOURCE_DAMAGED", file=file.name) from error
