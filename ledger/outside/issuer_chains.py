"""The authorities above a certificate, found among those at hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from ledger.crypto.certificates import comparable
from ledger.crypto.revocation_info import Subject, read_subject, require_signed_by
from ledger.errors import InputError, UnavailableError

MAX_DEPTH = 8  # certificates from the signer's to the root


def chain_above(
    certificate: bytes,
    known: Sequence[bytes],
    anchors: Collection[bytes] = (),
    more: Callable[[Subject], Sequence[bytes]] = lambda subject: (),
) -> list[Subject]:
    """Authorities from the issuer of ``certificate`` (DER) to the first that is one of ``anchors`` or issued itself;
    also of one that is itself listed, as a time-stamp authority's may be: being listed proves no revocation.

    ``known``: candidates, the better ones first; ``more``: asked where none of them issued a certificate.

    Raises:
        UnavailableError: ``REVOCATION_SOURCE_ISSUER`` no certificate of an issuer. InputError:
        ``REVOCATION_CERTIFICATE``. ConfigError: ``SM2_UNAVAILABLE``.
    """
    found: list[Subject] = []
    subject = read_subject(certificate)
    while subject.parts.subject != subject.parts.issuer and (not found or subject.data not in anchors):
        above = issuer_among(subject, known) or issuer_among(subject, more(subject))
        if above is None or len(found) == MAX_DEPTH:
            raise UnavailableError("REVOCATION_SOURCE_ISSUER", issuer=subject.x509.issuer.rfc4514_string())
        found.append(above)
        subject = above
    return found


def above_among(certificate: bytes, others: Sequence[bytes]) -> tuple[bytes, ...]:
    """Those of ``others`` (DER) that lead up from ``certificate``, as far as they do; its issuer first.

    Raises:
        InputError: ``REVOCATION_CERTIFICATE``. ConfigError: ``SM2_UNAVAILABLE``.
    """
    subject, found = read_subject(certificate), list[bytes]()
    while subject.parts.subject != subject.parts.issuer and len(found) < MAX_DEPTH:
        above = issuer_among(subject, [other for other in others if other not in found])
        if above is None:
            break
        found.append(above.data)
        subject = above
    return tuple(found)


def issuer_among(subject: Subject, candidates: Iterable[bytes]) -> Subject | None:
    """Whichever of ``candidates`` (DER) has the issuer's name and signed the certificate."""
    for data in candidates:
        try:
            candidate = read_subject(data)
            if comparable(candidate.parts.subject) == comparable(subject.parts.issuer):
                require_signed_by(candidate.parts.spki, subject.data)
                return candidate
        except InputError:
            continue  # somebody else's, or nothing that can be read: as good as not there
    return None
