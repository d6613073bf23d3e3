"""Verifying seals (steps 1 to 9) and seal signatures (steps 1 to 20) as of a moment.

Every step that can run does run; none stops at the first fault. Paths, revocation and time-stamp tokens are judged
by whoever holds the trust list (``Judges``); where nobody does, the step stays undetermined: nothing is valid by
silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ledger.core.verdicts import failed
from ledger.crypto.certificates import fingerprint
from ledger.crypto.digests import sm3
from ledger.crypto.ses.judging import Expected, Findings, Judges
from ledger.crypto.ses.parsing import parse_seal, parse_signature
from ledger.crypto.ses.reports import SealReport, SealStep, found_by
from ledger.crypto.ses.seal_steps import SEAL_STEPS, SealCase
from ledger.crypto.ses.signature_steps import SIGNATURE_STEPS, SignatureCase
from ledger.crypto.ses.values import Seal, SealSignature
from ledger.errors import InputError


def verify_seal(data: bytes, moment: int, judges: Judges | None = None) -> SealReport:
    """What holds of a seal (``.esl``) at ``moment`` (seconds UTC). Nothing is raised for bad data: step 1 fails."""
    try:
        seal = parse_seal(data)
    except InputError as error:
        return SealReport("seal", (_refused(error),))
    steps = (SealStep(1, "format", ()), *_run(SEAL_STEPS, SealCase(seal, moment, judges or Judges()), 2))
    return SealReport("seal", steps, _proved_seal(seal) | {"moment": moment})


def verify_signature(
    data: bytes, moment: int, expected: Expected | None = None, judges: Judges | None = None
) -> SealReport:
    """What holds of a seal signature (``SignedValue.dat``) at ``moment``; certificates and seal are judged as of the
    time of signing (GM/T 0031-2014 section 6.2.3 c, d, f). Nothing is raised for bad data: step 1 fails."""
    judges = judges or Judges()
    try:
        found = parse_signature(data)
    except InputError as error:
        return SealReport("signature", (_refused(error),))
    signed_at, time_findings = _time_of(found, judges)
    steps = [SealStep(1, "format", time_findings)]
    steps += _run(SEAL_STEPS, SealCase(found.seal, signed_at, judges), 2)
    case = SignatureCase(found, moment, expected or Expected(), judges, signed_at)
    steps += _run(SIGNATURE_STEPS, case, 2 + len(SEAL_STEPS))
    proved = _proved_seal(found.seal) | {
        "moment": moment,
        "signedAt": signed_at,
        "signer": fingerprint(found.signer).hex(),
        "documentSm3": found.digest.hex(),
        "propertyInfo": found.property_info,
    }
    return SealReport("signature", tuple(steps), proved)


def _time_of(found: SealSignature, judges: Judges) -> tuple[int | None, Findings]:
    """A token in place of the time (2014) lies inside of what is signed, so it is over the document's digest and the
    signature is no older: like a written time it is the signer's word (``_signing_time``)."""
    if found.time_token is None or judges.token is None:
        return found.signed_at, ()
    token, judge, proved = found.time_token, judges.token, []

    def ask() -> Findings:
        proved.append(judge(token, found.digest))
        return ()

    findings = found_by(ask)
    return (proved[0] if proved else None), findings


def _run(steps: Iterable[tuple[str, Callable[[Any], Findings]]], case: Any, first: int) -> tuple[SealStep, ...]:
    return tuple(
        SealStep(number, name, found_by(lambda check=check: check(case)))  # type: ignore[misc]
        for number, (name, check) in enumerate(steps, first)
    )


def _refused(error: InputError) -> SealStep:
    return SealStep(1, "format", (failed(error.code, **error.values),))


def _proved_seal(seal: Seal) -> dict[str, Any]:
    info = seal.info
    return {
        "version": int(seal.version),
        "sealId": info.seal_id,
        "name": info.name,
        "kind": info.kind,
        "vendor": info.vendor,
        "created": info.created,
        "validFrom": info.valid_from,
        "validUntil": info.valid_until,
        "maker": fingerprint(seal.maker).hex(),
        "picture": {
            "kind": info.picture.kind,
            "sm3": sm3(info.picture.data).hex(),
            "width": info.picture.width,
            "height": info.picture.height,
        },
        "signers": len(info.certificates) + len(info.digests),
    }
