"""Was any certificate of a path revoked at a moment? Judged from CRLs (RFC 5280 section 6.3) and OCSP responses
(RFC 6960) that were brought along.

An own rule, because the libraries pass over a certificate that names no address of a CRL or responder, and even over
a response that says "revoked" (facts measured for this project): here every certificate below the anchor needs data
that says "good", wherever it came from, and no data is never good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from cryptography import x509

from ledger.core.bundles import ValidationData
from ledger.crypto.certificates import comparable
from ledger.crypto.crls import lists_about, read_crl
from ledger.crypto.ocsp import OcspResponse, read_response
from ledger.crypto.ocsp_responders import is_never_revoked, responses_about
from ledger.crypto.paths import CertificatePath
from ledger.crypto.revocation_info import COMPROMISES, HOLD, RevocationInfo, Subject, read_subject
from ledger.errors import ConfigError, InputError

Outcome = Literal["good", "revoked", "unknown"]


@dataclass(frozen=True, slots=True)
class RevocationVerdict:
    """``code``: REVOCATION_GOOD, REVOCATION_PROVISIONAL, REVOCATION_REVOKED (values: position in the path,
    revoked, reason), or for "unknown" REVOCATION_MISSING, REVOCATION_EXPIRED, REVOCATION_SCOPE,
    REVOCATION_OCSP_UNKNOWN, REVOCATION_OCSP_RESPONDER_OPEN (values: position).

    ``provisional``: some certificate has only data taken before the moment, so a revocation reported later is
    not seen. ``as_of``: thisUpdate of the oldest data relied on, seconds UTC. ``unused``: DER of data no rule
    relied on. ``afterwards``: of each certificate the first revocation after the moment (values as above), a compromise
    before others; it leaves the signature alone.
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
    """Data as parsed; ``path``: the certificates that a response may enclose; ``fallen``: keys of which no response
    is believed."""

    crls: Mapping[bytes, x509.CertificateRevocationList]
    responses: tuple[OcspResponse, ...]
    path: frozenset[bytes]
    fallen: frozenset[bytes]

    @classmethod
    def read(cls, data: ValidationData, path: tuple[bytes, ...], fallen: frozenset[bytes] = frozenset()) -> _Evidence:
        found = [read_response(each) for each in data.ocsps]
        responses = tuple(each for each in found if each is not None)
        return cls({each: read_crl(each) for each in data.crls}, responses, frozenset(path), fallen)


def judge(
    path: CertificatePath, data: ValidationData, moment: int, fallen: frozenset[bytes] = frozenset()
) -> RevocationVerdict:
    """The verdict at ``moment`` (the proved time of the signature, seconds UTC).

    ``fallen``: keys (SubjectPublicKeyInfo, DER) that the trust file calls compromised: what a delegated responder says
    by one of them counts for nothing, whatever date it bears and whatever its certificate says of being checked.
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
    return _judge(path, data, moment, fallen)


# A pure function of its bytes, and a batch's records share them: a checker of many bundles pays once.
@lru_cache(16)
def _judge(path: CertificatePath, data: ValidationData, moment: int, fallen: frozenset[bytes]) -> RevocationVerdict:
    subjects = [read_subject(der) for der in path.certificates]
    evidence = _Evidence.read(data, path.certificates, fallen)
    used: set[bytes] = set()
    verdicts = []
    for position, (certificate, issuer) in enumerate(pairwise(subjects)):
        infos = list(_about(certificate, issuer, evidence, used, _same_authority(subjects, position + 1)))
        used.update(info.data for info in infos)
        verdicts.append(_judge_one(position, certificate, infos, moment))
    return _compose(verdicts, tuple(der for der in (*data.crls, *data.ocsps) if der not in used))


def _same_authority(subjects: Sequence[Subject], position: int) -> list[Subject]:
    """Certificates above the one at ``position`` by which the same authority has other keys: what is between them it
    issued to itself (RFC 5280 section 6.1, self-issued)."""
    found: list[Subject] = []
    for lower, upper in pairwise(subjects[position:]):
        if comparable(lower.parts.subject) != comparable(lower.parts.issuer):
            break
        found.append(upper)
    return found


def require_unrevoked(certificate: bytes, issuer: bytes, data: ValidationData, now: int) -> None:
    """May the key of ``certificate`` (DER both) still sign, by what ``data`` say of it? What they do not say is no
    reason against it: that is for whoever verifies.

    Raises:
        ConfigError: ``SIGNER_CERTIFICATE_REVOKED`` with the certificate's digest, since when, and why; as ``judge``.
    """
    verdict = judge(CertificatePath((certificate, issuer), b"", ()), data, now)
    if verdict.outcome == "revoked":
        since, reason = verdict.values["revoked"], verdict.values["reason"]
        mark = hashlib.sha256(certificate).hexdigest()[:16]
        raise ConfigError("SIGNER_CERTIFICATE_REVOKED", certificate=mark, since=since, reason=reason)


def infos_about(certificate: bytes, issuer: bytes, data: ValidationData) -> tuple[RevocationInfo, ...]:
    """What ``data`` say of one certificate (DER both).

    Raises: as ``judge``.
    """
    subjects = read_subject(certificate), read_subject(issuer)
    return tuple(_about(*subjects, _Evidence.read(data, (certificate, issuer)), set()))


def _about(
    certificate: Subject, issuer: Subject, evidence: _Evidence, used: set[bytes], same: Sequence[Subject] = ()
) -> Iterator[RevocationInfo]:
    """``used`` takes up what else was relied on: the data that vouch for a responder. ``same``: as ``lists_about``."""

    def stands(responder: Subject, produced: int) -> bool:
        """By the issuer's own word alone: delegates do not vouch for one another."""
        if responder.parts.spki in evidence.fallen:
            return False
        if is_never_revoked(responder):
            return True
        infos = list(lists_about(responder, issuer, evidence.crls))
        infos += responses_about(responder, issuer, evidence.responses, evidence.path, None)
        used.update(info.data for info in infos)
        # Whose key was ever taken back may have said anything, and whenever it wished.
        return not any(info.revoked for info in infos) and any(i.telling(produced, responder.expires) for i in infos)

    yield from lists_about(certificate, issuer, evidence.crls, same)
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
        if reason == HOLD and (not info.current(moment) or _lifted(info, telling, moment)):
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
    # the first, but a theft before all: a hold or an end reported earlier must not hide it
    first = sorted(afterwards, key=lambda values: (values["reason"] not in COMPROMISES, values["revoked"]))[:1]
    return RevocationVerdict("good", provisional, as_of, "REVOCATION_GOOD", afterwards=tuple(first))


def _lifted(hold: RevocationInfo, telling: list[RevocationInfo], moment: int) -> bool:
    return any(each.revoked is None and hold.this_update < each.this_update <= moment for each in telling)
