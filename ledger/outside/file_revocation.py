"""Revocation data from a folder: ``certificates/*.der`` of authorities and ``crls/*.crl``, DER each.

Something else (the demonstration authority, or a job that downloads) keeps the folder fresh.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.core.bundles import ValidationData
from ledger.crypto.crls import read_crl
from ledger.crypto.revocation import infos_about, require_unrevoked
from ledger.crypto.revocation_info import RevocationInfo, Subject, read_subject
from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.outside.issuer_chains import chain_above


@dataclass(frozen=True, slots=True)
class ListSpan:
    """From when to when the newest CRL of an authority holds, seconds UTC; ``None`` where the folder has none of it."""

    issuer: str
    since: int | None
    until: int | None


class FileRevocation:
    """``ports.RevocationSource`` over one or several folders. ``anchors``: certificates (DER) at which paths end before
    a root, the trust file's."""

    def __init__(self, *folders: Path, anchors: Sequence[bytes] = ()) -> None:
        self._folders = folders
        self._anchors = anchors

    def collect(
        self,
        certificates: Sequence[bytes],
        now: int,
        after: int | None = None,
        known: Sequence[bytes] = (),
        *,
        to_sign: bool = False,
    ) -> ValidationData:
        """As ``ports.RevocationSource``, with the newest list of every authority.

        Raises:
            UnavailableError: ``REVOCATION_SOURCE_ISSUER`` no certificate of an issuer; ``REVOCATION_SOURCE_CRL`` no CRL
                of an issuer that is current, or none taken after ``after``.
            ConfigError: ``REVOCATION_SOURCE_DAMAGED`` a file that cannot be read; ``SM2_UNAVAILABLE``;
                ``SIGNER_CERTIFICATE_REVOKED``.
        """
        authorities, crls = [*known, *self._anchors, *self.certificates()], self.crls()
        missing: str | None = None
        found_certificates: set[bytes] = set()
        found_crls: set[bytes] = set()
        for data in certificates:
            subject = read_subject(data)
            for issuer in chain_above(data, authorities, self._anchors):
                if issuer.data not in self._anchors and issuer.parts.subject != issuer.parts.issuer:
                    found_certificates.add(issuer.data)
                newest = newest_list(subject, issuer, crls, now, after)
                if newest is None:
                    missing = missing or issuer.x509.subject.rfc4514_string()
                else:
                    found_crls.add(newest)
                if to_sign:  # all lists: a revocation does not end with the one that told of it
                    require_unrevoked(subject.data, issuer.data, lists_of(subject, issuer, crls), now)
                subject = issuer
        if missing is not None:  # not before those above were looked at, one of which may be revoked
            raise UnavailableError("REVOCATION_SOURCE_CRL", issuer=missing)
        return ValidationData(tuple(sorted(found_certificates)), tuple(sorted(found_crls)), ())

    def spans(self) -> list[ListSpan]:
        """How long the lists here last, for each certificate of an authority.

        Raises:
            ConfigError: ``REVOCATION_SOURCE_DAMAGED``, ``SM2_UNAVAILABLE``.
        """
        crls, found = self.crls(), []
        for data in self.certificates():
            authority = read_subject(data)
            # which certificate is asked about does not matter for how long a list lasts
            name, own = authority.x509.subject.rfc4514_string(), _lists(authority, authority, crls)
            if not own:
                found.append(ListSpan(name, None, None))
                continue
            newest = max(own, key=lambda info: info.this_update)
            found.append(ListSpan(name, newest.this_update, newest.next_update or newest.this_update))
        return found

    def certificates(self) -> list[bytes]:
        """Of the authorities, DER. Raises ConfigError ``REVOCATION_SOURCE_DAMAGED``."""
        return [_read(read_subject, file) for file in self._files("certificates", "*.der")]

    def crls(self) -> list[bytes]:
        """DER. Raises ConfigError ``REVOCATION_SOURCE_DAMAGED``."""
        return [_read(read_crl, file) for file in self._files("crls", "*.crl")]

    def _files(self, folder: str, pattern: str) -> list[Path]:
        return [file for root in self._folders for file in sorted((root / folder).glob(pattern))]


def newest_list(
    certificate: Subject, issuer: Subject, crls: Sequence[bytes], now: int, after: int | None
) -> bytes | None:
    """The newest of the issuer's lists that covers the certificate, is current and was taken later than ``after``."""
    current = [
        info
        for info in _lists(certificate, issuer, crls)
        if info.complete and now < info.next_update and (after is None or info.is_later(after, certificate.expires))
    ]
    return max(current, key=lambda info: info.this_update).data if current else None


def lists_of(certificate: Subject, issuer: Subject, crls: Sequence[bytes]) -> ValidationData:
    """Those of ``crls`` (DER) that the issuer signed and that say anything of the certificate, current or not."""
    return ValidationData((), tuple(dict.fromkeys(info.data for info in _lists(certificate, issuer, crls))), ())


def _lists(certificate: Subject, issuer: Subject, crls: Sequence[bytes]) -> list[RevocationInfo]:
    """Those that the issuer signed."""
    found: list[RevocationInfo] = []
    for data in crls:
        try:
            found += infos_about(certificate.data, issuer.data, ValidationData((), (data,), ()))
        except InputError:
            continue  # a namesake's
    return found


def _read(check: Callable[[bytes], object], file: Path) -> bytes:
    try:
        data = file.read_bytes()
        check(data)
    except (InputError, OSError) as error:
        raise ConfigError("REVOCATION_SOURCE_DAMAGED", file=file.name) from error
    return data
