"""Reports on signatures and time-stamps that other systems bring along: signature, time, path, revocation.

Judged by the trust file and by what was brought; nothing is fetched. What is not there leaves a part undetermined. A
signature without a time-stamp that holds is judged as of now, and what only time could excuse (expired, revoked, struck
from the list) is then undetermined: it may have been signed before (ETSI EN 319 102-1, "NO_POE").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.bundles import ValidationData
from ledger.core.trust import Trust
from ledger.core.trust_lists import Authority, DatedState
from ledger.core.trust_services import ServiceType
from ledger.core.verdicts import EXIT_CODES, Finding, Indication, Outcome, failed, noted, undetermined, worst
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.foreign_cms import ForeignSignature
from ledger.crypto.paths import CertificatePath, find_paths
from ledger.crypto.revocation import judge
from ledger.crypto.ses.judging import merged
from ledger.crypto.timestamps import DigestOf, TimestampToken, over, verify_token
from ledger.errors import ConfigError, InputError, Language, NotFoundError
from ledger.verification.authority_keys import fallen_keys
from ledger.verification.case import refused, unproved
from ledger.verification.policies import require_recognised
from ledger.verification.standing import anchors, require_granted
from ledger.verification.tokens import judge_token
from ledger.verification.words import show, tell

_MISSING = frozenset({"PATH_NONE", "PATH_NO_ANCHORS", "CMS_SIGNER_CERTIFICATE", "CRYPTO_DIGEST_OTHER"})
_ONCE = frozenset(
    {"PATH_EXPIRED", "PATH_AUTHORITY_NOT_GRANTED", "PATH_AUTHORITY_COMPROMISED", "PATH_RECOGNITION_ENDED"}
)
"""What may not have been so when it was signed."""
_GRAVITY = (Outcome.PASSED, Outcome.UNDETERMINED, Outcome.FAILED)
_INDICATIONS = {
    Outcome.FAILED: Indication.TOTAL_FAILED,
    Outcome.UNDETERMINED: Indication.INDETERMINATE,
    Outcome.PASSED: Indication.TOTAL_PASSED,
}
_LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the authority must be recognised for at that time, where somebody asks."""

    purpose: str
    jurisdiction: str
    level: int


@dataclass(frozen=True, slots=True)
class Part:
    """``name``: signature, time, path or revocation; of a time-stamp signature or authority. Without findings it was
    not reached."""

    name: str
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        return worst(self.findings) if self.findings else Outcome.SKIPPED

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "findings": [
                {"code": f.code, "outcome": f.outcome.value, **{lang: tell(f, lang) for lang in _LANGUAGES}}
                for f in self.findings
            ],
        }


@dataclass(frozen=True, slots=True)
class CryptoReport:
    """``proved``: what signature or time-stamp say, which holds as far as the findings allow."""

    parts: tuple[Part, ...]
    proved: dict[str, Any]

    @property
    def outcome(self) -> Outcome:
        return worst(tuple(f for part in self.parts for f in part.findings))

    @property
    def indication(self) -> Indication:
        """As in ETSI EN 319 102-1."""
        return _INDICATIONS[self.outcome]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.indication]

    def to_json(self) -> dict[str, Any]:
        return {
            "indication": self.indication.value,
            "exitCode": self.exit_code,
            "steps": [part.to_json() for part in self.parts],
            "proved": self.proved,
        }

    def text(self, language: Language) -> str:
        """Of a signature: the answer, and a line for each finding."""
        head = show(f"SIGNATURE_{self.outcome.name}", language, {"organization": None, **self.proved})
        lines = [f"  {f.code}: {tell(f, language)}" for part in self.parts for f in part.findings]
        return "\n".join([head, *lines])


@dataclass(frozen=True, slots=True)
class Judge:
    """``known``: authorities' certificates (DER) that the office has; ``now``: seconds UTC."""

    trust: Trust
    known: Sequence[bytes]
    now: int

    def signature(
        self,
        verify: Callable[[Sequence[bytes]], ForeignSignature],
        brought: ValidationData,
        wanted: Recognised | None = None,
    ) -> CryptoReport:
        """``verify``: verifies the signature, given certificates among which the signer's may be."""
        try:
            found = verify(brought.certificates)
        except (InputError, NotFoundError, ConfigError) as error:
            return _unread(_fault("CRYPTO_SIGNATURE_REFUSED", error), ("time", "path", "revocation"))
        data = merged(brought, ValidationData((*found.certificates, *self.known), found.crls, found.ocsps))
        time, proved_at = self._time(found, data)
        path, revocation = self._path(found, data, proved_at, wanted)
        signed = (noted("CRYPTO_SIGNATURE_HOLDS", algorithm=found.algorithm), *_by_service(found))
        parts = (Part("signature", signed), Part("time", time), Part("path", path), Part("revocation", revocation))
        proved = {
            "organization": found.organization,
            "certificate": fingerprint(found.certificate).hex(),
            "algorithm": found.algorithm,
            "stated": found.signing_time,
            "time": proved_at,
        }
        return CryptoReport(parts, proved)

    def token(self, data: bytes, digest_of: DigestOf, brought: ValidationData) -> CryptoReport:
        """``data``: a time-stamp token as its authority wrote it."""
        try:
            token = verify_token(data, digest_of, brought.certificates)
        except (InputError, NotFoundError, ConfigError) as error:
            return _unread(_fault("TIME_TOKEN_REFUSED", error), ("authority",))
        judged = self._authority(token, brought)
        proved = {
            "organization": read_certificate(token.certificate).organization,
            "certificate": fingerprint(token.certificate).hex(),
            "algorithm": token.algorithm,
            "stated": None,
            "time": token.time,
        }
        signed = Part("signature", (noted("TIMESTAMP_HOLDS"),))
        return CryptoReport((signed, Part("authority", (*judged, noted("CRYPTO_BY_TRUST_FILE")))), proved)

    def _time(self, found: ForeignSignature, data: ValidationData) -> tuple[tuple[Finding, ...], int | None]:
        """Findings, and the instant that is proved for the signature."""
        if found.token is None:
            return (noted("CRYPTO_TIME_NONE", now=self.now),), None
        try:
            token = verify_token(found.token, over(found.signature), data.certificates)
        except (InputError, ConfigError) as error:
            return (_fault("TIME_TOKEN_REFUSED", error),), None
        judged = self._authority(token, data)
        if worst(judged) is not Outcome.PASSED:
            return judged, None
        return (noted("CRYPTO_TIME_PROVED", time=token.time), *judged), token.time

    def _authority(self, token: TimestampToken, data: ValidationData) -> tuple[Finding, ...]:
        known = ValidationData((*token.certificates, *self.known), token.crls, token.ocsps)
        try:
            found = judge_token(token, self.trust.authorities, merged(data, known), self.now).findings
        except ConfigError as error:
            return (_fault("TIME_TOKEN_REFUSED", error),)
        return (*self._expired(), *found)

    def _expired(self) -> tuple[Finding, ...]:
        """What an old trust file does not say yet may be all that matters."""
        if self.now < self.trust.expires:
            return ()
        return (undetermined("TRUST_FILE_EXPIRED", expires=self.trust.expires),)

    def _path(
        self, found: ForeignSignature, data: ValidationData, proved_at: int | None, wanted: Recognised | None
    ) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """Findings on the path and on revocation, of the path that stands best: any that holds is enough."""
        moment = self.now if proved_at is None else proved_at
        try:
            paths = find_paths(found.certificate, data.certificates, anchors(self.trust), moment)
        except (InputError, ConfigError) as error:
            return (*self._expired(), _timely(_fault("CRYPTO_PATH_REFUSED", error), proved_at)), ()
        judged = [self._judged(path, data, proved_at, wanted) for path in paths]
        path, revocation = min(judged, key=lambda one: _GRAVITY.index(worst((*one[0], *one[1]))))
        return (*self._expired(), *path), revocation

    def _judged(
        self, path: CertificatePath, data: ValidationData, proved_at: int | None, wanted: Recognised | None
    ) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        moment = self.now if proved_at is None else proved_at
        try:
            authority = require_granted(self.trust, path, moment)
            if wanted is not None:
                require_recognised(
                    self.trust, path.anchor_sha256, wanted.purpose, wanted.jurisdiction, wanted.level, moment
                )
        except InputError as error:
            return (_timely(_fault("CRYPTO_PATH_REFUSED", error), proved_at),), ()
        stands = noted("CRYPTO_PATH_HOLDS", authority=authority.name, at=moment)
        open_ = () if wanted is not None else (noted("CRYPTO_RECOGNITION_NOT_ASKED"),)
        return (stands, *open_), (_revocation(self.trust, path, data, moment, proved_at),)


def trust_under(roots: Sequence[bytes], now: int) -> Trust:
    """For somebody who brings authorities' certificates (DER) and no trust file: they stand, and nobody else does."""
    services = (ServiceType.CA.word, ServiceType.TSA.word)
    states = (DatedState("granted", 0),)
    listed = tuple(Authority(_name(root), root, states, None, service) for root in roots for service in services)
    return Trust(1, now, now + 1, (), 1, (), listed, (), (), ())


def _name(certificate: bytes) -> str:
    return read_certificate(certificate).organization or fingerprint(certificate).hex()[:16]


def _revocation(
    trust: Trust, path: CertificatePath, data: ValidationData, moment: int, proved_at: int | None
) -> Finding:
    try:
        found = judge(path, data, moment, fallen_keys(trust.authorities))
    except (InputError, ConfigError) as error:
        return _fault("REVOCATION_DATA_REFUSED", error)
    if found.outcome == "good":
        return noted(found.code, **found.values)
    if found.outcome == "unknown":
        return undetermined(found.code, **found.values)
    values = {"cause": found.code, "causeValues": found.values}
    return failed("CRYPTO_REVOKED", **values) if proved_at is not None else undetermined("CRYPTO_BEFORE", **values)


def _fault(code: str, error: InputError | NotFoundError | ConfigError) -> Finding:
    """Refused by a rule; or open, where a part is missing or this machine cannot check it."""
    if isinstance(error, ConfigError):
        return undetermined("STEP_IMPOSSIBLE_HERE", cause=error.code, causeValues=error.values)
    if isinstance(error, NotFoundError):
        return undetermined("CRYPTO_PART_MISSING", cause=error.code, causeValues=error.values)
    return unproved("CRYPTO_PART_MISSING", error) if error.code in _MISSING else refused(code, error)


def _timely(finding: Finding, proved_at: int | None) -> Finding:
    if proved_at is None and finding.values.get("cause") in _ONCE:
        return undetermined("CRYPTO_BEFORE", **finding.values)
    return finding


def _by_service(found: ForeignSignature) -> tuple[Finding, ...]:
    return (noted("CRYPTO_BY_SERVICE"),) if found.by_service else ()


def _unread(finding: Finding, rest: Sequence[str]) -> CryptoReport:
    return CryptoReport((Part("signature", (finding,)), *(Part(name, ()) for name in rest)), {})
