"""What the register takes from a seal file (``.esl``), and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.core.seal_uses import date_of
from ledger.core.verdicts import Finding, Outcome
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.digests import sm3
from ledger.crypto.ses.judging import Judges
from ledger.crypto.ses.parsing import parse_seal
from ledger.crypto.ses.values import Seal, SealInfo
from ledger.crypto.ses.verifying import verify_seal
from ledger.crypto.subject_identity import USCC, identity_of
from ledger.errors import InputError, NotFoundError

_NO_MAKER = frozenset({"SEALS_PATH_NONE", "SEALS_ISSUER_UNLISTED", "SEALS_COMPROMISED_SINCE"})


@dataclass(frozen=True, slots=True)
class SealFile:
    """A seal that keeps its own rules. ``holder``: credit code that the signers' certificates name, ``None`` where none
    does or they are named by digests; ``doubts``: what could not be told of it."""

    seal: Seal
    holder: str | None
    doubts: tuple[Finding, ...] = ()

    @property
    def signers(self) -> tuple[bytes, ...]:
        """Digest of each certificate that may use the seal: SHA-256, or SM3 where the seal names no more."""
        info = self.seal.info
        return tuple(map(fingerprint, info.certificates)) or info.digests


def read_seal_file(data: bytes, now: int, judges: Judges | None = None) -> SealFile:
    """``now``: seconds UTC; ``judges``: of its maker, who is not judged without.

    Raises:
        InputError: the code of the step of "E-seals" that fails; SEAL_HOLDERS: its signers are of several
            organisations. NotFoundError: SEALS_PATH_NONE, SEALS_ISSUER_UNLISTED, SEALS_COMPROMISED_SINCE: its maker is
            none of the trust file's, or can no longer be told from who stole the key.
    """
    report = verify_seal(data, now, judges)
    findings = tuple(f for step in report.steps for f in step.findings if f.outcome is not Outcome.PASSED)
    for finding in findings:
        if finding.outcome is Outcome.FAILED:
            raise InputError(finding.code, **finding.values)
        if finding.code in _NO_MAKER:
            raise NotFoundError(finding.code, **finding.values)
    seal = parse_seal(data)
    holders = {code for certificate in seal.info.certificates if (code := _organisation(certificate)) is not None}
    if len(holders) > 1:
        raise InputError("SEAL_HOLDERS", holders=", ".join(sorted(holders)))
    return SealFile(seal, next(iter(holders), None), findings)


def require_signer(info: SealInfo, certificate: bytes) -> None:
    """Raises InputError SES_SIGNER_NOT_LISTED."""
    if certificate not in info.certificates and sm3(certificate) not in info.digests:
        raise InputError("SES_SIGNER_NOT_LISTED", signer=fingerprint(certificate).hex())


def claims_of(file: SealFile, owner: str | None, seal_type: str) -> dict[str, str]:
    """The fields of its record, as texts. ``owner``: as somebody said it.

    Raises:
        InputError: SEAL_OWNER_NEEDED, SEAL_OWNER_DIFFERS.
    """
    if owner is not None and file.holder not in (None, owner):
        raise InputError("SEAL_OWNER_DIFFERS", owner=owner, holder=file.holder)
    holder = file.holder or owner
    if holder is None:
        raise InputError("SEAL_OWNER_NEEDED")
    seal, info = file.seal, file.seal.info
    digests = [digest.hex() for digest in file.signers]
    return {
        "name": info.name,
        "owner": holder,
        "sealType": seal_type,
        "certificate": digests[0],
        "certificates": ";".join(digests),
        "sealId": info.seal_id,
        "maker": read_certificate(seal.maker).organization or info.vendor,
        "makerCertificate": fingerprint(seal.maker).hex(),
        "picture": sm3(info.picture.data).hex(),
        "validFrom": date_of(info.valid_from),
        "validUntil": date_of(info.valid_until),
    }


def _organisation(certificate: bytes) -> str | None:
    try:
        found = identity_of(certificate, "organisation")
    except InputError:
        return None
    return found.value if found.scheme == USCC else None
