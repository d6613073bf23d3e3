"""All of an authority's material together: each piece by itself, and whether the pieces lead to one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.core.bundles import ValidationData
from ledger.crypto import revocation
from ledger.crypto.conformance import certificates, lists, samples
from ledger.crypto.conformance.certificates import Role
from ledger.crypto.conformance.findings import Fit, Material, Severity, broken, met
from ledger.crypto.path_rules import OCSP_SIGNING, SIGNING, TIME_STAMPING, Purpose
from ledger.crypto.paths import find_paths
from ledger.crypto.revocation import RevocationVerdict
from ledger.crypto.revocation_info import Subject, read_subject
from ledger.errors import InputError

_PURPOSES: dict[Role, Purpose] = {"signing": SIGNING, "timestamp": TIME_STAMPING, "responder": OCSP_SIGNING}
WHOLE = "–"
"""What findings about the whole are about."""


def check(material: Material, moment: int) -> tuple[Fit, ...]:
    """Findings in the order of the material; at least one, since what is missing is found, too.

    Raises:
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check a signature by SM2.
    """
    return tuple(_check(material, moment))


def _check(material: Material, moment: int) -> Iterator[Fit]:
    for name in material.keys:
        yield met(name, "CA_NO_KEY", False)
    for name, cause in material.unreadable:
        yield broken(name, "CA_FILE_READ", cause)
    read: dict[str, Subject] = {}
    for entry in material.certificates:
        try:
            read[entry.about] = certificates.read(entry)
        except InputError as cause:
            yield broken(entry.about, "CA_CERT_READ", cause)
    subjects = list(read.values())
    yield from _present(material, subjects)
    for about, subject in read.items():
        yield met(about, "CA_CERT_READ", True)
        yield from certificates.check(about, subject, _issuer(subject, subjects), moment)
    for entry in material.lists:
        yield from lists.check_list(entry, subjects, moment)
    for entry in material.responses:
        yield from lists.check_response(entry, subjects, moment)
    ders = [subject.data for subject in subjects]
    stamping: list[samples.Signer] = []
    signing: list[samples.Signer] = []
    for entry in material.tokens:
        yield from samples.check_token(entry, ders, stamping)
    for entry in material.signatures:
        yield from samples.check_signature(entry, ders, signing)
    for name in material.unknown:
        yield met(name, "CA_FILE_KNOWN", False, Severity.REMARK)
    ends = [(about, s.data, _PURPOSES.get(certificates.role_of(s))) for about, s in read.items()]
    ends += [(about, data, TIME_STAMPING) for about, data in stamping if data not in ders]
    ends += [(about, data, SIGNING) for about, data in signing if data not in ders]
    yield from _paths(ends, subjects, material, moment)


def _present(material: Material, subjects: Sequence[Subject]) -> Iterator[Fit]:
    roles = {certificates.role_of(subject) for subject in subjects}
    yield met(WHOLE, "CA_HAS_ROOT", "root" in roles, Severity.MISSING)
    signing = "signing" in roles or bool(material.signatures)
    yield met(WHOLE, "CA_HAS_SIGNING", signing, Severity.MISSING)
    yield met(WHOLE, "CA_HAS_LISTS", bool(material.lists or material.responses), Severity.MISSING)
    yield met(WHOLE, "CA_HAS_SAMPLE", bool(material.signatures), Severity.REMARK)
    yield met(WHOLE, "CA_HAS_TOKEN", bool(material.tokens), Severity.REMARK)


def _issuer(subject: Subject, subjects: Sequence[Subject]) -> Subject | None:
    """Of several of its name the one whose key identifier fits, so that a renewed key is no misfit."""
    named = [s for s in subjects if s.parts.subject == subject.parts.issuer and s is not subject]
    return next((s for s in named if certificates.identifies(s, subject)), named[0] if named else None)


def _paths(
    ends: Sequence[tuple[str, bytes, Purpose | None]], subjects: Sequence[Subject], material: Material, moment: int
) -> Iterator[Fit]:
    roots = [s.data for s in subjects if certificates.role_of(s) == "root"]
    others = [s.data for s in subjects if certificates.role_of(s) == "authority"]
    evidence = ValidationData(
        (), tuple(sorted(e.der for e in material.lists)), tuple(sorted(e.der for e in material.responses))
    )
    for about, leaf, purpose in ends:
        if purpose is None or not roots:
            continue
        try:
            paths = find_paths(leaf, others, roots, _within(leaf, moment), purpose)
        except InputError as cause:
            severity = Severity.MISSING if cause.code == "PATH_NONE" else Severity.MISFIT
            yield broken(about, "CA_PATH", cause, severity)
            continue
        yield met(about, "CA_PATH", True, count=len(paths))
        if purpose is OCSP_SIGNING:
            continue  # its revocation is judged where it speaks
        try:
            verdicts = [revocation.judge(path, evidence, moment) for path in paths]
        except InputError as cause:
            yield broken(about, "CA_REVOCATION", cause)
            continue
        yield _revocation(about, verdicts)


def _revocation(about: str, verdicts: Sequence[RevocationVerdict]) -> Fit:
    """The best of the paths. That a sample was revoked is no fault of its authority."""
    found = {verdict.outcome: verdict for verdict in reversed(verdicts)}
    best = found.get("good") or found.get("unknown") or verdicts[0]
    if best.outcome == "good":
        return met(about, "CA_REVOCATION", True)
    severity = Severity.MISSING if best.outcome == "unknown" else Severity.REMARK
    return broken(about, "CA_REVOCATION", InputError(best.code, **best.values), severity)


def _within(leaf: bytes, moment: int) -> int:
    """``moment``, or the nearest instant in the sample's own period: that it has expired is found elsewhere."""
    x509 = read_subject(leaf).x509
    since, until = (int(t.timestamp()) for t in (x509.not_valid_before_utc, x509.not_valid_after_utc))
    return max(since, min(moment, until))
