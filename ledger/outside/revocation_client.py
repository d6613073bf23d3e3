"""Revocation data from the certification authorities themselves: OCSP (RFC 6960) and CRLs (RFC 5280) at the addresses
that certificates name, and certificates of issuers that are missing.

The folder of authorities comes first, so an office fetches only what nobody put there. What was fetched is judged
before it is kept: its signature, whom it is about, how long it holds. An authority that does not answer is left alone
for a while, so that it does not hold up the batches of others.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import AuthorityInformationAccessOID as AccessMethod

from ledger.core.bundles import ValidationData
from ledger.crypto.crls import read_crl
from ledger.crypto.ocsp import make_request, read_response
from ledger.crypto.ocsp_responders import trimmed
from ledger.crypto.revocation import infos_about, require_unrevoked
from ledger.crypto.revocation_info import UNREADABLE, Subject, read_subject
from ledger.errors import InputError, UnavailableError
from ledger.outside.fetching import Fetcher
from ledger.outside.file_revocation import FileRevocation, lists_of, newest_list
from ledger.outside.issuer_chains import chain_above, issuer_among
from ledger.outside.revocation_cache import RecentAnswers, Rests, RevocationCache

AHEAD = 600
"""Seconds by which an authority's clock may be before ours."""
REMAINDER = 600
"""Seconds that kept data must still hold, unless they live for less than twice as long."""
REST, UNCHANGED = 60, 3600
"""Seconds until an address is asked again: after trouble; for data taken later than an instant, after an answer that is
good but not new enough."""
LATER = b"later"
MAX_URLS = 4
_LONGEST_GET = 255  # RFC 6960 appendix A.1


@dataclass(frozen=True, slots=True)
class _Question:
    """``after``: only data taken later will do; ``None``: data that are current will."""

    certificate: Subject
    issuer: Subject
    now: int
    after: int | None

    def answered_by(self, data: ValidationData, kept: bool = False) -> bool:
        """``kept``: since a while; then they must hold a while longer, until the signature has its block."""
        for info in infos_about(self.certificate.data, self.issuer.data, data):
            if not info.complete or info.this_update > self.now + AHEAD:
                continue
            ahead = min(REMAINDER, (info.next_update - info.this_update) // 2) if kept else 0
            if self.after is None and self.now + ahead < info.next_update:
                return True
            if self.after is not None and info.is_later(self.after, self.certificate.expires):
                return True
        return False


@dataclass(frozen=True, slots=True)
class _Way:
    """An address, and the OCSP request to send there; without one a list is fetched."""

    url: str
    request: bytes = b""

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.url.encode(), self.request


@dataclass
class RevocationClient:
    """``ports.RevocationSource``. ``files``: the folders as they are now; ``anchors``: certificates (DER) at which
    paths end, the trust file's. Safe to use from several threads."""

    files: Callable[[], FileRevocation]
    fetcher: Fetcher
    cache: RevocationCache | RecentAnswers
    anchors: Callable[[], Sequence[bytes]]
    _rests: Rests = field(default_factory=Rests)

    def collect(
        self,
        certificates: Sequence[bytes],
        now: int,
        after: int | None = None,
        known: Sequence[bytes] = (),
        *,
        to_sign: bool = False,
    ) -> ValidationData:
        """As ``ports.RevocationSource``.

        Raises:
            UnavailableError: ``REVOCATION_SOURCE_ISSUER``; ``REVOCATION_FETCH_NONE`` with the reason of the last try;
                ``REVOCATION_FETCH_NOWHERE`` the certificate names no address, and the folder has nothing;
                ``REVOCATION_CACHE``.
            ConfigError: ``REVOCATION_SOURCE_DAMAGED``, ``SM2_UNAVAILABLE``, ``SIGNER_CERTIFICATE_REVOKED``.
        """
        anchors, files = self.anchors(), self.files()
        crls, at_hand = files.crls(), [*known, *anchors, *files.certificates()]
        above: set[bytes] = set()
        missing: UnavailableError | None = None
        lists: set[bytes] = set()
        responses: set[bytes] = set()
        for data in certificates:
            subject = read_subject(data)
            for issuer in chain_above(data, at_hand, anchors, lambda lower: self._issuers(lower, now)):
                if issuer.data not in anchors and issuer.parts.subject != issuer.parts.issuer:
                    above.add(issuer.data)
                question, newest = (
                    _Question(subject, issuer, now, after),
                    newest_list(subject, issuer, crls, now, after),
                )
                found = ValidationData((), (newest,) if newest else (), ())
                try:
                    found = found if newest else self._fetch(question)
                except UnavailableError as error:
                    if not to_sign:
                        raise
                    missing = missing or error
                if to_sign:
                    require_unrevoked(subject.data, issuer.data, self._at_hand(question, crls, found), now)
                lists.update(found.crls)
                responses.update(found.ocsps)
                subject = issuer
        if missing is not None:  # not before those above were asked about, one of which may be revoked
            raise missing
        return ValidationData(*(tuple(sorted(part)) for part in (above, lists, responses)))

    def _at_hand(self, question: _Question, crls: Sequence[bytes], fetched: ValidationData) -> ValidationData:
        """All that lies here about it: a revocation does not end with the data that told of it, and a delta or
        a part may name whom the newest complete list does not."""
        subject, issuer = question.certificate, question.issuer
        found = [fetched, lists_of(subject, issuer, crls)]
        for way in _ways(question):
            kept = self.cache.get(*way.key)
            with suppress(InputError):  # damaged on disk
                data = ValidationData((), (), ()) if kept is None else _as_data(question, way, kept)
                infos_about(subject.data, issuer.data, data)
                found.append(data)
        lists = dict.fromkeys(c for d in found for c in d.crls)
        return ValidationData((), tuple(lists), tuple(dict.fromkeys(o for d in found for o in d.ocsps)))

    def _fetch(self, question: _Question) -> ValidationData:
        issuer = question.issuer.x509.subject.rfc4514_string()
        trouble = UnavailableError("REVOCATION_FETCH_NOWHERE", issuer=issuer)
        for way in _ways(question):
            try:
                return self._try(question, way)
            except UnavailableError as error:
                trouble = UnavailableError(
                    "REVOCATION_FETCH_NONE", issuer=issuer, cause=error.code, causeValues=error.values
                )
        raise trouble

    def _try(self, question: _Question, way: _Way) -> ValidationData:
        kept = self.cache.get(*way.key)
        if kept is not None:
            try:
                data = _as_data(question, way, kept)
                if question.answered_by(data, kept=True):
                    return data
            except InputError:
                pass  # damaged on disk: fetched again
        self._rests.require_over(question.now, *way.key)
        if question.after is not None:
            self._rests.require_over(question.now, *way.key, LATER)
        try:
            fetched = self._ask(way)
            data = _as_data(question, way, fetched)
            if not question.answered_by(data):
                raise UnavailableError("REVOCATION_FETCH_OLD")
            self.cache.put(fetched, *way.key)
            return data
        except (InputError, UnavailableError) as error:
            wrapped = error if isinstance(error, UnavailableError) else _bad(error)
            if wrapped.code == "REVOCATION_FETCH_OLD" and question.after is not None:
                # whoever wants current data is not kept from them by one who wanted later ones
                self._rests.add(question.now + UNCHANGED, wrapped, *way.key, LATER)
            else:
                self._rests.add(question.now + REST, wrapped, *way.key)
            raise wrapped from error

    def _ask(self, way: _Way) -> bytes:
        if not way.request:
            return self.fetcher.get(way.url)
        encoded = quote(base64.b64encode(way.request), safe="")
        if len(encoded) <= _LONGEST_GET:
            with suppress(InputError):
                try:
                    answer = self.fetcher.get(f"{way.url.rstrip('/')}/{encoded}")
                    if read_response(answer) is not None:
                        return answer
                except UnavailableError as error:
                    if error.code != "FETCH_STATUS":  # a responder may know POST alone
                        raise
        return self.fetcher.post(way.url, way.request, "application/ocsp-request")

    def _issuers(self, lower: Subject, now: int) -> list[bytes]:
        """Certificates at the addresses of caIssuers; which of them issued ``lower`` is the caller's to see."""
        found: list[bytes] = []
        for url in _described(lower, AccessMethod.CA_ISSUERS):
            way = _Way(url)
            kept = self.cache.get(*way.key)
            if kept is not None:
                with suppress(InputError):
                    found += _certificates(kept)
            if issuer_among(lower, found):
                continue
            try:
                self._rests.require_over(now, *way.key)
            except UnavailableError:
                continue
            try:
                fetched = self.fetcher.get(url)
                found += _certificates(fetched)
                self.cache.put(fetched, *way.key)
            except (InputError, UnavailableError) as error:
                wrapped = error if isinstance(error, UnavailableError) else _bad(error)
                self._rests.add(now + REST, wrapped, *way.key)
        return found


def _ways(question: _Question) -> list[_Way]:
    """OCSP first: a response is two thousand bytes, a list may be as many thousands."""
    request = make_request(question.certificate, question.issuer)
    ways = [_Way(url, request) for url in _described(question.certificate, AccessMethod.OCSP)]
    return ways + [_Way(url) for url in _points(question.certificate)]


def _bad(error: InputError) -> UnavailableError:
    return UnavailableError("REVOCATION_FETCH_BAD", cause=error.code, causeValues=error.values)


def _as_data(question: _Question, way: _Way, fetched: bytes) -> ValidationData:
    """As a bundle carries it: a response without certificates that nothing needs, which anyone may have added.

    Raises:
        InputError: ``REVOCATION_…``.
    """
    if not way.request:
        read_crl(fetched)
        return ValidationData((), (fetched,), ())
    response = read_response(fetched)
    if response is None:
        raise InputError("REVOCATION_OCSP_UNSUCCESSFUL")
    return ValidationData((), (), (trimmed(response, question.issuer),))


def _certificates(fetched: bytes) -> list[bytes]:
    """One certificate, or a "certs-only" CMS (RFC 5280 section 4.2.2.1)."""
    try:
        return [read_subject(fetched).data]
    except InputError:
        try:
            return [each.public_bytes(Encoding.DER) for each in pkcs7.load_der_pkcs7_certificates(fetched)]
        except UNREADABLE as error:
            raise InputError("REVOCATION_CERTIFICATE") from error


def _described(subject: Subject, method: x509.ObjectIdentifier) -> list[str]:
    try:
        named = subject.x509.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    return _urls(each.access_location for each in named if each.access_method == method)


def _points(subject: Subject) -> list[str]:
    try:
        named = subject.x509.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return _urls(name for point in named for name in point.full_name or ())


def _urls(names: Iterable[x509.GeneralName]) -> list[str]:
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)][:MAX_URLS]
