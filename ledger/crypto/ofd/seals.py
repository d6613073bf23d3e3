"""One seal of a package, step by step: its description, the files it covers, those it does not, the signature it
rests on; then the seal signature itself by its own steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ledger.core.verdicts import Finding, failed, noted
from ledger.crypto.digests import sm3
from ledger.crypto.ofd.documents import Listed
from ledger.crypto.ofd.package import Package
from ledger.crypto.ofd.plain_signatures import verify_sign
from ledger.crypto.ofd.signatures import DIGESTS, Description
from ledger.crypto.ses.judging import Expected, Findings, Judges
from ledger.crypto.ses.reports import SealReport, SealStep, found_by
from ledger.crypto.ses.values import SM2_WITH_SM3
from ledger.crypto.ses.verifying import verify_signature

SHOWN = 8  # names of files in one finding


@dataclass(frozen=True, slots=True)
class Sealing:
    """All seals of a package. ``described``: by the path of their descriptions, those that could be read; ``own``: the
    files that seals consist of, which no seal needs to cover. ``digest(method, path)``."""

    package: Package
    lists: tuple[tuple[Listed, ...], ...]
    described: Mapping[str, Description]
    own: frozenset[str]
    digest: Callable[[str, str], bytes]


@dataclass(frozen=True, slots=True)
class _Case:
    sealing: Sealing
    listed: Listed
    description: Description
    before: Mapping[str, tuple[Listed, SealReport]]
    """Signatures earlier in the list, by id."""


def make_digest(package: Package) -> Callable[[str, str], bytes]:
    """Digests of the package's files, each computed once."""

    @cache
    def digest(method: str, path: str) -> bytes:
        return DIGESTS[method](package.files[path])

    return digest


def names(paths: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """The values of a finding about files."""
    return {"files": ", ".join(paths[:SHOWN]) + (" …" if len(paths) > SHOWN else ""), "count": len(paths)}


def verify_seal_of(
    sealing: Sealing,
    listed: Listed,
    before: Mapping[str, tuple[Listed, SealReport]],
    moment: int,
    existed: int | None,
    judges: Judges,
) -> SealReport:
    """``before``: the reports on the signatures earlier in the same list, by id. ``existed``: as in ``Expected``."""
    case = _Case(sealing, listed, sealing.described[listed.path], before)
    steps = [SealStep(n, name, found_by(lambda check=check: check(case))) for n, (name, check) in enumerate(_STEPS, 1)]  # type: ignore[misc]
    if listed.kind == "Sign":
        value = sealing.package.files[case.description.value]
        signed = verify_sign(value, case.description.raw, moment, existed, judges)
    else:
        signed = _ses(case, moment, existed, judges)
    steps += [replace(step, number=step.number + len(_STEPS)) for step in signed.steps]
    return SealReport("ofdSeal", tuple(steps), _proved(case) | signed.proved)


def _ses(case: _Case, moment: int, existed: int | None, judges: Judges) -> SealReport:
    description, files = case.description, case.sealing.package.files
    seal = files[description.seal] if description.seal is not None else None
    expected = Expected(sm3(description.raw), case.listed.path, seal, existed)
    return verify_signature(files[description.value], moment, expected, judges)


def _format(case: _Case) -> Findings:
    found: list[Finding] = []
    if case.listed.kind == "Seal" and not case.description.stamps:
        found.append(noted("OFD_NO_STAMP"))
    named = case.description.algorithm
    if named not in (None, SM2_WITH_SM3):
        found.append(noted("OFD_ALGORITHM_NAMED", algorithm=named))
    return tuple(found)


def _references(case: _Case) -> Findings:
    description = case.description
    found: list[Finding] = []
    if description.missing:
        found.append(failed("OFD_REFERENCE_MISSING", **names(description.missing)))
    digest = case.sealing.digest
    differing = [r.path for r in description.references if digest(description.method, r.path) != r.digest]
    if differing:
        found.append(failed("OFD_REFERENCE_DIFFERS", **names(differing)))
    return tuple(found)


def _scope(case: _Case) -> Findings:
    """What was added after this seal, or left out by it, it says nothing about; whether another one covers it is a
    matter of the whole."""
    left = sorted(case.sealing.package.files.keys() - case.description.covered - case.sealing.own)
    return (noted("OFD_SCOPE_PART", **names(left)),) if left else ()


def _base(case: _Case) -> Findings:
    """GM/T 0099-2020: what a signature rests on must be earlier, covered by it, and hold itself."""
    base = case.listed.base
    if base is None:
        return ()
    if base not in case.before:
        return (failed("OFD_BASE_UNKNOWN", seal=base),)
    listed, report = case.before[base]
    if not covers(case.sealing, case.listed, listed):
        return (failed("OFD_BASE_NOT_COVERED", seal=base),)
    if report.cause is None:
        return ()
    return (Finding("OFD_BASE_REFUSED", report.outcome, {"seal": base, "cause": report.cause_code}),)


def covers(sealing: Sealing, later: Listed, earlier: Listed) -> bool:
    """Does ``later`` cover the description and the value of ``earlier``?"""
    if later.path not in sealing.described or earlier.path not in sealing.described:
        return False
    return {earlier.path, sealing.described[earlier.path].value} <= sealing.described[later.path].covered


_STEPS: tuple[tuple[str, Callable[[_Case], Findings]], ...] = (
    ("ofd_signature", _format),
    ("ofd_references", _references),
    ("ofd_scope", _scope),
    ("ofd_base", _base),
)
"""Steps 1 to 4; those of the seal signature follow."""


def _proved(case: _Case) -> dict[str, Any]:
    listed, description = case.listed, case.description
    return {
        "id": listed.id,
        "type": listed.kind,
        "path": listed.path,
        "provider": description.provider,
        "claimed": description.claimed,
        "digests": description.method,
        "covered": len(description.references),
        "covers": [earlier.id for earlier, _ in case.before.values() if covers(case.sealing, listed, earlier)],
        "base": listed.base,
        "stamps": [{"page": stamp.page, "boundary": stamp.boundary} for stamp in description.stamps],
    }


def unread(listed: Listed, finding: Finding) -> SealReport:
    """The report on a signature whose description cannot be read."""
    step = SealStep(1, "ofd_signature", (finding,))
    return SealReport("ofdSeal", (step,), {"id": listed.id, "type": listed.kind, "path": listed.path})
