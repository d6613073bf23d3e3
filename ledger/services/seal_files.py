"""What the register takes from a seal file (``.esl``), and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.core.seal_uses import date_of
from ledger.core.verdicts import Outcome
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.digests import sm3
from ledger.crypto.ses.parsing import parse_seal
from ledger.crypto.ses.values import Seal, SealInfo
from ledger.crypto.ses.verifying import verify_seal
from ledger.crypto.subject_identity import USCC, identity_of
from ledger.errors import InputError


@dataclass(frozen=True, slots=True)
class SealFile:
    """A seal that keeps its own rules. ``holder``: credit code that the signers' certificates name, ``None`` where none
    does or they are named by digests."""

    seal: Seal
    holder: str | None

    @property
    def signers(self) -> tuple[bytes, ...]:
        """Digest of each certificate that may use the seal: SHA-256, or SM3 where the seal names no more."""
        info = self.seal.info
        return tuple(map(fingerprint, info.certificates)) or info.digests


def read_seal_file(data: bytes, now: int) -> SealFile:
    """``now``: seconds UTC. Whether its maker's certificate leads to a recognised authority is not asked here.

    Raises:
        InputError: the code of the step of "E-seals" that fails; SEAL_HOLDERS: its signers are of several
            organisations.
    """
    cause = verify_seal(data, now).cause
    if cause is not None and cause[1].outcome is Outcome.FAILED:
        raise InputError(cause[1].code, **cause[1].values)
    seal = parse_seal(data)
    holders = {code for certificate in seal.info.certificates if (code := _organisation(certificate)) is not None}
    if len(holders) > 1:
        raise InputError("SEAL_HOLDERS", holders=", ".join(sorted(holders)))
    return SealFile(seal, next(iter(holders), None))


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
