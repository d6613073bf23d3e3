"""Signatures without a seal (Type ``Sign``): GB/T 35275 SignedData over the digest of Signature.xml (GM/T 0099-2020
section 7.2.2), or over the file itself, as some makers do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ledger.core.bundles import ValidationData
from ledger.core.verdicts import failed, noted, undetermined
from ledger.crypto.certificates import fingerprint
from ledger.crypto.digests import sm3
from ledger.crypto.foreign_cms import ForeignSignature, verify_foreign
from ledger.crypto.ses.judging import Findings, Judges, judged, latest_known, merged, token_over
from ledger.crypto.ses.reports import SealReport, SealStep, found_by
from ledger.errors import InputError

_OTHER_CONTENT = frozenset({"CMS_CONTENT_DIFFERS", "CMS_SIGNATURE", "CMS_MESSAGE_DIGEST"})


@dataclass(frozen=True, slots=True)
class _Case:
    found: ForeignSignature
    moment: int
    existed: int | None
    judges: Judges

    @property
    def latest(self) -> int:
        return latest_known(self.judges, self.moment, self.existed, self.found.token, self.found.signature)

    @property
    def signed_at(self) -> int:
        """The signer's word; without one the signature is as old as it is known to be."""
        return self.latest if self.found.signing_time is None else self.found.signing_time


def verify_sign(value: bytes, description: bytes, moment: int, existed: int | None, judges: Judges) -> SealReport:
    """What holds of ``value`` (SignedValue.dat) over ``description`` (Signature.xml): four steps. Instants in seconds
    UTC, ``existed`` as in ``Expected``. Nothing is raised for bad data: step 1 fails."""
    return verify_cms("ofd_sign", lambda: _verify(value, description), moment, existed, judges)


def verify_cms(
    name: str,
    verify: Callable[[], ForeignSignature],
    moment: int,
    existed: int | None,
    judges: Judges,
    stated: int | None = None,
) -> SealReport:
    """What holds of the signature that ``verify`` verifies, in four steps of which ``name`` is the first. ``stated``:
    the signer's word for the time where the CMS has none, seconds UTC."""
    read: list[ForeignSignature] = []

    def check() -> Findings:
        read.append(verify())
        return ()

    first = SealStep(1, name, found_by(check))
    if not read:
        return SealReport("signature", (first,))
    found = read[0] if read[0].signing_time is not None else replace(read[0], signing_time=stated)
    enclosed = merged(ValidationData(found.certificates, found.crls, found.ocsps))
    case = _Case(found, moment, existed, judges.knowing(enclosed))
    steps = [SealStep(n, name, found_by(lambda check=check: check(case))) for n, (name, check) in enumerate(_STEPS, 2)]  # type: ignore[misc]
    return SealReport("signature", (first, *steps), _proved(case))


def _verify(value: bytes, description: bytes) -> ForeignSignature:
    try:
        return verify_foreign(value, sm3(description))
    except InputError as error:
        if error.code not in _OTHER_CONTENT:
            raise
        with suppress(InputError):
            return verify_foreign(value, description)
        raise


def _path(case: _Case) -> Findings:
    return judged(case.judges.signer, case.found.certificate, case.signed_at, "SES_SIGNER_NOT_JUDGED")


def _signing_time(case: _Case) -> Findings:
    """As for seals: the signer's word counts only where the certificate was still good when the signature is known to
    have existed."""
    signed_at, latest = case.signed_at, case.latest
    if signed_at > latest:
        return (failed("SES_SIGNED_LATER", signed=signed_at, moment=latest),)
    if case.judges.signer is not None:
        try:
            case.judges.signer(case.found.certificate, latest)
        except InputError:
            return (undetermined("SES_TIME_UNPROVED", signed=signed_at, known=latest),)
    if case.found.token is not None:
        return ()  # its own step says what it proves
    return (noted("SES_TIME_CLAIMED", signed=signed_at),)


def _token(case: _Case) -> Findings:
    return token_over(case.judges, case.found.token, case.found.signature, lambda: case.signed_at)


_STEPS: tuple[tuple[str, Callable[[_Case], Findings]], ...] = (
    ("signer_path", _path),
    ("signing_time", _signing_time),
    ("token", _token),
)


def _proved(case: _Case) -> dict[str, Any]:
    return {
        "moment": case.moment,
        "signedAt": case.found.signing_time,
        "name": case.found.organization,
        "signer": fingerprint(case.found.certificate).hex(),
        "algorithm": case.found.algorithm,
    }
