"""A time-stamp token judged by itself, over data and for roots that somebody brings along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.bundles import ValidationData
from ledger.core.trust_lists import Authority, DatedState
from ledger.core.verdicts import EXIT_CODES, Finding, Indication, Outcome, failed, noted, undetermined, worst
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.timestamps import DigestOf, TimestampToken, verify_token
from ledger.errors import ConfigError, InputError, Language
from ledger.verification.tokens import TSA, judge_token
from ledger.verification.words import show, tell

_INDICATIONS = {
    Outcome.FAILED: (Indication.TOTAL_FAILED, "TIMESTAMP_FAILED"),
    Outcome.UNDETERMINED: (Indication.INDETERMINATE, "TIMESTAMP_OPEN"),
    Outcome.PASSED: (Indication.TOTAL_PASSED, "TIMESTAMP_PASSED"),
}
_LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class TokenReport:
    """``proved``: what the token says, which holds as far as the findings allow; empty where it could not be read."""

    findings: tuple[Finding, ...]
    proved: dict[str, Any]

    @property
    def indication(self) -> Indication:
        """As in ETSI EN 319 102-1."""
        return _INDICATIONS[worst(self.findings)][0]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.indication]

    def to_json(self) -> dict[str, Any]:
        return {
            "indication": self.indication.value,
            "exitCode": self.exit_code,
            "findings": [
                {"code": f.code, "outcome": f.outcome.value, **{lang: tell(f, lang) for lang in _LANGUAGES}}
                for f in self.findings
            ],
            "proved": self.proved,
        }

    def text(self, language: Language) -> str:
        head = show(_INDICATIONS[worst(self.findings)][1], language, self.proved)
        return "\n".join([head, *(f"  {f.code}: {tell(f, language)}" for f in self.findings)])


def report_token(
    data: bytes, digest_of: DigestOf, roots: Sequence[bytes], validation: ValidationData, now: int
) -> TokenReport:
    """``data``: a token as anybody writes one; ``roots``: believed about time, DER, without any it is not judged whom
    the token is from; ``validation``: beside what the token encloses; ``now``: seconds UTC, the moment until which a
    stolen key may have made it.

    Raises:
        InputError: ``CERTIFICATE_SYNTAX`` for a root.
    """
    try:
        token = verify_token(data, digest_of, validation.certificates)
        judged = (noted("TIMESTAMP_HOLDS"), *judge_under(token, roots, validation, now))
    except InputError as error:
        return TokenReport((failed("TIME_TOKEN_REFUSED", cause=error.code, causeValues=error.values),), {})
    except ConfigError as error:
        return TokenReport((undetermined("STEP_IMPOSSIBLE_HERE", cause=error.code, causeValues=error.values),), {})
    return TokenReport(judged, _described(token))


def judge_under(
    token: TimestampToken, roots: Sequence[bytes], validation: ValidationData, now: int
) -> tuple[Finding, ...]:
    """Whom a verified token is from; parameters as of `report_token`."""
    if not roots:
        return (undetermined("TIMESTAMP_PATH_NOT_JUDGED"),)
    authorities = [Authority(_name(root), root, (DatedState("granted", 0),), None, TSA) for root in roots]
    beside = [der for der in token.certificates if der not in roots]
    data = ValidationData(
        tuple(dict.fromkeys((*validation.certificates, *beside))),
        tuple(dict.fromkeys((*validation.crls, *token.crls))),
        tuple(dict.fromkeys((*validation.ocsps, *token.ocsps))),
    )
    return judge_token(token, authorities, data, now).findings


def _name(certificate: bytes) -> str:
    return read_certificate(certificate).organization or fingerprint(certificate).hex()[:16]


def _described(token: TimestampToken) -> dict[str, Any]:
    return {
        "time": token.time,
        "accuracy": token.info.accuracy,
        "authority": _name(token.certificate),
        "certificate": fingerprint(token.certificate).hex(),
        "policy": token.info.policy,
        "serial": f"{token.info.serial:x}",
        "nonce": None if token.info.nonce is None else f"{token.info.nonce:x}",
        "digest": token.info.digest,
        "algorithm": token.algorithm,
    }
