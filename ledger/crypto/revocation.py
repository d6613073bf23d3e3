"""Was any certificate of a path revoked at a moment? Judged from CRLs (RFC 5280 section 6.3) and OCSP responses
(RFC 6960) that were brought along.

An own rule, because the libraries pass over a certificate that names no address of a CRL or responder, and even over
a response that says "revoked" (facts measured for this project): here every certificate below the anchor needs data
that says "good", wherever it came from, and no data is never good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from cryptography import x509

from ledger.core.bundles import ValidationData
from ledger.crypto.crls import lists_about, read_crl
from ledger.crypto.ocsp import OcspResponse, read_response
from ledger.crypto.ocsp_responders import responses_about
from ledger.crypto.paths import CertificatePath
from ledger.crypto.revocation_info import HOLD, RevocationInfo, Subject, read_subject
from ledger.errors import InputError

Outcome = Literal["good", "revoked", "unknown"]


@dataclass(frozen=True, slots=True)
class RevocationVerdict:
    """``code``: REVOCATION_GOOD, REVOCATION_PROVISIONAL, REVOCATION_REVOKED (values: position in the path,
    revoked, reason), or for "unknown" REVOCATION_MISSING, REVOCATION_EXPIRED, REVOCATION_SCOPE,
    REVOCATION_OCSP_UNKNOWN, REVOCATION_OCSP_RESPONDER_OPEN (values: position).

    ``provisional``: some certificate has only data taken before the moment, so a revocation reported later is
    not seen. ``as_of``: thisUpdate of the oldest data relied on, seconds UTC. ``unused``: DER of data no rule
    relied on. ``afterwards``: revocations after the moment (values as above), which leave the signature alone.
    """

    outcome: Outcome
    provisional: bool
    as_of: int | None
    code: str
    values: dict[str, Any] = field(default_factory=dict)
    unused: tuple[bytes, ...] = ()
    afterwards: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Data as parsed; ``path``: the certificates that a response may enclose."""

    crls: Mapping[bytes, x509.CertificateRevocationList]
    responses: tuple[OcspResponse, ...]
    path: frozenset[bytes]

    @classmethod
    def read(cls, data: ValidationData, path: tuple[bytes, ...]) -> _Evidence:
        found = [read_response(each) for each in data.ocsps]
        responses = tuple(each for each in found if each is not None)
        return cls({each: read_crl(each) for each in data.crls}, responses, frozenset(path))


def judge(path: CertificatePath, data: ValidationData, moment: int) -> RevocationVerdict:
    """The verdict at ``moment`` (the proved time of the signature, seconds UTC).

    A revocation counts from the earlier of revocationDate and invalidityDate; one after ``moment`` does not
    touch the signature. Revoked beats unknown beats good, over all certificates of the path.

    Raises:
        InputError: ``REVOCATION_CRL_SYNTAX``, ``REVOCATION_OCSP_SYNTAX``; ``REVOCATION_CRL_SIGNATURE``,
            ``REVOCATION_OCSP_SIGNATURE`` data in the name of an authority of the path that it did not sign;
            ``REVOCATION_OCSP_RESPONDER`` a responder without the right to speak for it; ``REVOCATION_OCSP_SURPLUS`` a
            response with a certificate that nothing needs; ``REVOCATION_CERTIFICATE``; ``REVOCATION_PATH_EMPTY``
            nothing to judge.
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check a signature by SM2.
    """
    if len(path.certificates) < 2:
        raise InputError("REVOCATION_PATH_EMPTY")
    return _judge(path, data, moment)


# A pure function of its bytes, and a batch's records share them: a checker of many bundles pays once.
@lru_cache(16)
def _judge(path: CertificatePath, data: ValidationData, moment: int) -> RevocationVerdict:
    subjects = [read_subject(der) for der in path.certificates]
    evidence = _Evidence.read(data, path.certificates)
    used: set[bytes] = set()
    verdicts = []
    for position, (certificate, issuer) in enumerate(pairwise(subjects)):
        infos = list(_about(certificate, issuer, evidence, used))
        used.update(info.data for info in infos)
        verdicts.append(_judge_one(position, certificate, infos, moment))
    return _compose(verdicts, tuple(der for der in (*data.crls, *data.ocsps) if der not in used))


def infos_about(certificate: bytes, issuer: bytes, data: ValidationData) -> tuple[RevocationInfo, ...]:
    """What ``data`` say of one certificate (DER both).

    Raises: as ``judge``.
    """
    subjects = read_subject(certificate), read_subject(issuer)
    return tuple(_about(*subjects, _Evidence.read(data, (certificate, issuer)), set()))


def _about(certificate: Subject, issuer: Subject, evidence: _Evidence, used: set[bytes]) -> Iterator[RevocationInfo]:
    """``used`` takes up what else was relied on: the data that vouch for a responder."""

    def stands(responder: Subject, produced: int) -> bool:
        """By the issuer's own word alone: delegates do not vouch for one another."""
        infos = list(lists_about(responder, issuer, evidence.crls))
        infos += responses_about(responder, issuer, evidence.responses, evidence.path, None)
        used.update(info.data for info in infos)
        # Whose key was ever taken back may have said anything, and whenever it wished.
        return not any(info.revoked for info in infos) and any(i.telling(produced, responder.expires) for i in infos)

    yield from lists_about(certificate, issuer, evidence.crls)
    yield from responses_about(certificate, issuer, evidence.responses, evidence.path, stands)


def _compose(verdicts: list[RevocationVerdict], unused: tuple[bytes, ...]) -> RevocationVerdict:
    afterwards = tuple(each for verdict in verdicts for each in verdict.afterwards)
    for outcome in ("revoked", "unknown"):
        for verdict in verdicts:
            if verdict.outcome == outcome:
                return replace(verdict, unused=unused, afterwards=afterwards)
    provisional = any(verdict.provisional for verdict in verdicts)
    code = "REVOCATION_PROVISIONAL" if provisional else "REVOCATION_GOOD"
    as_of = min(verdict.as_of for verdict in verdicts if verdict.as_of is not None)
    return RevocationVerdict("good", provisional, as_of, code, {"asOf": as_of}, unused, afterwards)


def _judge_one(position: int, certificate: Subject, infos: list[RevocationInfo], moment: int) -> RevocationVerdict:
    speaking = [info for info in infos if info.gap is None]
    telling = [info for info in speaking if info.telling(moment, certificate.expires)]
    afterwards: list[dict[str, Any]] = []
    for info in speaking:
        if info.revoked is None:
            continue
        since, reason = info.revoked
        values: dict[str, Any] = {"position": position, "revoked": since, "reason": reason}
        if reason == HOLD and info not in telling:
            continue  # it can be lifted again, so old data do not prove that it still stood
        if since > moment:
            afterwards.append(values)
        else:
            return RevocationVerdict("revoked", False, info.this_update, "REVOCATION_REVOKED", values)
    if not telling:
        gaps = [info.gap for info in infos if info.gap is not None]
        code = "REVOCATION_EXPIRED" if speaking else gaps[0] if gaps else "REVOCATION_MISSING"
        return RevocationVerdict("unknown", False, None, code, {"position": position})
    as_of = max(info.this_update for info in telling)
    provisional = not any(info.is_later(moment, certificate.expires) for info in telling)
    first = sorted(afterwards, key=lambda values: values["revoked"])[:1]
    return RevocationVerdict("good", provisional, as_of, "REVOCATION_GOOD", afterwards=tuple(first))
