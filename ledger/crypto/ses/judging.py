"""What a verifier brings along, and the questions that seals and signatures have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from ledger.core.bundles import ValidationData
from ledger.core.verdicts import Finding, Outcome, failed, noted, undetermined
from ledger.crypto import der, sm2
from ledger.crypto.ses.holders import Holder, read_holder
from ledger.crypto.ses.values import SM2_WITH_SM3, Extension
from ledger.errors import InputError, NotFoundError, ZhengyinError

_ALGORITHM = der.write_oid(SM2_WITH_SM3)
Findings = tuple[Finding, ...]
PathJudge = Callable[[bytes, int], Findings]


@dataclass(frozen=True, slots=True)
class Judges:
    """``maker(certificate, moment)``, ``signer(certificate, moment)``: chain to an authority recognised for makers or
    for signers, and revocation, at that moment; what they return are remarks. ``token(token, data)``: the instant it
    proves.

    Each raises InputError for what is refused, NotFoundError or UnavailableError for what cannot be told.
    """

    maker: PathJudge | None = None
    signer: PathJudge | None = None
    token: Callable[[bytes, bytes], int] | None = None
    beside: Callable[[ValidationData], Judges] | None = None
    """The same judges with certificates, CRLs and OCSP responses that a file brings along: they prove themselves, so
    they may come from anywhere."""

    def knowing(self, data: ValidationData) -> Judges:
        return self if self.beside is None else self.beside(data)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the signature is found beside: SM3 of the document (32 bytes), path of the signed file in its package,
    bytes of ``Seal.esl``; ``existed``: an instant at which it is proved to have existed (by the anchor of a record
    that holds it), seconds UTC. Each None if there is none."""

    digest: bytes | None = None
    property_info: str | None = None
    seal: bytes | None = None
    existed: int | None = None


def merged(*parts: ValidationData | None) -> ValidationData:
    """What lies in any of ``parts``, in ascending order."""
    given = [part for part in parts if part is not None]
    return ValidationData(
        tuple(sorted({der for part in given for der in part.certificates})),
        tuple(sorted({der for part in given for der in part.crls})),
        tuple(sorted({der for part in given for der in part.ocsps})),
    )


def known(moment: int | None) -> int:
    """A signature of 2014 may hold a token where its time stands; until that is judged, what hangs on the time is
    open."""
    if moment is None:
        raise NotFoundError("SES_TIME_NOT_JUDGED")
    return moment


def refuse(findings: Iterable[Finding]) -> None:
    """What a judge raises for findings: InputError for one that failed, else NotFoundError for one that is open; for
    remarks nothing."""
    found = tuple(findings)
    for outcome, error in ((Outcome.FAILED, InputError), (Outcome.UNDETERMINED, NotFoundError)):
        for finding in found:
            if finding.outcome is outcome:
                raise error(finding.code, **finding.values)


def signed_by(certificate: bytes, algorithm: bytes, signature: bytes, data: bytes, code: str) -> Findings:
    if algorithm != _ALGORITHM:
        return (failed("SES_ALGORITHM"),)
    point = read_holder(certificate).point
    try:
        sm2.verify(point, data, signature)
    except InputError:
        return (failed(code),)
    return ()


def judged(judge: PathJudge | None, certificate: bytes, moment: int, code: str) -> Findings:
    if judge is None:
        return (undetermined(code),)
    return judge(certificate, moment)


def latest_known(judges: Judges, moment: int, existed: int | None, token: bytes | None, signature: bytes) -> int:
    """When a signature is known to have existed: proved by its token or by the caller, else the moment."""
    instants = [moment] if existed is None else [moment, existed]
    if token is not None and judges.token is not None:
        with suppress(ZhengyinError):  # its own step says what is wrong with it
            instants.append(judges.token(token, signature))
    return min(instants)


def token_over(judges: Judges, token: bytes | None, signature: bytes, signed_at: Callable[[], int]) -> Findings:
    """A time-stamp token over ``signature``, not before the time that the signer says."""
    if token is None:
        return (noted("SES_TOKEN_NONE"),)
    if judges.token is None:
        return (undetermined("SES_TOKEN_NOT_JUDGED"),)
    proved = judges.token(token, signature)
    if proved < signed_at():
        return (failed("SES_TOKEN_EARLY", signed=signed_at(), proved=proved),)
    return ()


def without_critical(found: tuple[Extension, ...], code: str) -> Findings:
    """None is known here, so none that is critical may be passed over."""
    return (undetermined(code),) if any(e.critical for e in found) else ()


def covers(holder: Holder, moment: int) -> bool:
    return holder.valid_from <= moment <= holder.valid_until


def period_of(holder: Holder) -> dict[str, int]:
    return {"since": holder.valid_from, "until": holder.valid_until}
