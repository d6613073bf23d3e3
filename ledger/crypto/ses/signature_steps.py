"""Steps 10 to 20: the signature under a seal (GM/T 0031-2014 section 6.2.3, GB/T 38540-2020, GM/T 0031-2025)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.core.verdicts import failed, noted, undetermined
from ledger.crypto.certificates import fingerprint
from ledger.crypto.digests import sm3
from ledger.crypto.ses.holders import read_holder
from ledger.crypto.ses.judging import (
    Expected,
    Findings,
    Judges,
    covers,
    judged,
    known,
    latest_known,
    period_of,
    signed_by,
    token_over,
    without_critical,
)
from ledger.crypto.ses.values import SealSignature
from ledger.errors import InputError


@dataclass(frozen=True, slots=True)
class SignatureCase:
    found: SealSignature
    moment: int
    expected: Expected
    judges: Judges
    when: int | None

    @property
    def signed_at(self) -> int:
        """As the signer says; of the token in its place (2014) once that is judged."""
        return known(self.when)

    @property
    def latest(self) -> int:
        return latest_known(self.judges, self.moment, self.expected.existed, self.found.token, self.found.signature)


def _signature_value(case: SignatureCase) -> Findings:
    found = case.found
    return signed_by(found.signer, found.algorithm, found.signature, found.signed, "SES_SIGNATURE")


def _signer_listed(case: SignatureCase) -> Findings:
    info, signer = case.found.seal.info, case.found.signer
    listed = signer in info.certificates or sm3(signer) in info.digests
    return () if listed else (failed("SES_SIGNER_NOT_LISTED", signer=fingerprint(signer).hex()),)


def _signer_usage(case: SignatureCase) -> Findings:
    return () if read_holder(case.found.signer).may_sign else (failed("SES_SIGNER_USAGE"),)


def _signer_period(case: SignatureCase) -> Findings:
    signer, signed_at = read_holder(case.found.signer), case.signed_at
    return () if covers(signer, signed_at) else (failed("SES_SIGNER_PERIOD", moment=signed_at, **period_of(signer)),)


def _signer_path(case: SignatureCase) -> Findings:
    return judged(case.judges.signer, case.found.signer, case.signed_at, "SES_SIGNER_NOT_JUDGED")


def _document(case: SignatureCase) -> Findings:
    if case.expected.digest is None:
        return (undetermined("SES_DOCUMENT_NOT_GIVEN"),)
    return () if case.found.digest == case.expected.digest else (failed("SES_DOCUMENT"),)


def _property_info(case: SignatureCase) -> Findings:
    expected = case.expected.property_info
    if expected is None:
        return (noted("SES_PROPERTY_NOT_GIVEN"),)
    return () if case.found.property_info.lstrip("/") == expected.lstrip("/") else (failed("SES_PROPERTY"),)


def _same_seal(case: SignatureCase) -> Findings:
    expected = case.expected.seal
    if expected is None:
        return (noted("SES_SEAL_NOT_GIVEN"),)
    return () if expected == case.found.seal.encoded else (failed("SES_SEAL_DIFFERS"),)


def _signing_time(case: SignatureCase) -> Findings:
    """The standards believe the signer's word about the time. Whoever holds a key that was given up could write an
    earlier one: so the word counts only where the certificate was still good when the signature is known to have
    existed."""
    signed_at, latest = case.signed_at, case.latest
    if signed_at > latest:
        return (failed("SES_SIGNED_LATER", signed=signed_at, moment=latest),)
    still_good = covers(read_holder(case.found.signer), latest)
    if still_good and case.judges.signer is not None:
        try:
            case.judges.signer(case.found.signer, latest)
        except InputError:
            still_good = False
    if not still_good:
        return (undetermined("SES_TIME_UNPROVED", signed=signed_at, known=latest),)
    if case.found.token is not None:
        return ()  # its own step says what it proves
    return (noted("SES_TIME_CLAIMED", signed=signed_at),)


def _signature_extensions(case: SignatureCase) -> Findings:
    return without_critical(case.found.extensions, "SES_SIGNATURE_EXTENSION")


def _signature_token(case: SignatureCase) -> Findings:
    return token_over(case.judges, case.found.token, case.found.signature, lambda: case.signed_at)


SIGNATURE_STEPS: tuple[tuple[str, Callable[[SignatureCase], Findings]], ...] = (
    ("signature", _signature_value),
    ("signer_listed", _signer_listed),
    ("signer_usage", _signer_usage),
    ("signer_period", _signer_period),
    ("signer_path", _signer_path),
    ("document", _document),
    ("property", _property_info),
    ("same_seal", _same_seal),
    ("signing_time", _signing_time),
    ("extensions", _signature_extensions),
    ("token", _signature_token),
)
"""Steps 10 to 20, after those of the seal as of the time of signing."""
