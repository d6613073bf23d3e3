"""What is found about one piece of an authority's material: a requirement by its code, and whether it is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ledger.errors import InputError, ZhengyinError


class Severity(Enum):
    """``REMARK``: read all the same. ``MISSING``: cannot be judged by what was brought. ``MISFIT``: breaks a rule of
    this ledger or of the profile; records that rest on it would be refused or stay open, here or elsewhere."""

    FITS = "fits"
    REMARK = "remark"
    MISSING = "missing"
    MISFIT = "misfit"


@dataclass(frozen=True, slots=True)
class Fit:
    """``about``: the file, and which entry of it; ``code``: the requirement, whose words say what it is; ``cause``: the
    rule that was broken, where another part of this software found it."""

    severity: Severity
    about: str
    code: str
    values: dict[str, Any] = field(default_factory=dict)
    cause: ZhengyinError | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate, list, response, token or signature, DER. ``data``: what a token or signature is about, if it is
    at hand."""

    about: str
    der: bytes
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """All that an authority hands over, sorted. ``unreadable``: names of files, with the reason; ``unknown``: of those
    that are of no kind looked at; ``keys``: of those in which a private key lies open."""

    certificates: tuple[Entry, ...] = ()
    lists: tuple[Entry, ...] = ()
    responses: tuple[Entry, ...] = ()
    tokens: tuple[Entry, ...] = ()
    signatures: tuple[Entry, ...] = ()
    unreadable: tuple[tuple[str, InputError], ...] = ()
    unknown: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def met(about: str, code: str, holds: bool, otherwise: Severity = Severity.MISFIT, **values: Any) -> Fit:
    return Fit(Severity.FITS if holds else otherwise, about, code, values)


def broken(about: str, code: str, cause: ZhengyinError, severity: Severity = Severity.MISFIT, **values: Any) -> Fit:
    return Fit(severity, about, code, values, cause)


def exit_code(findings: Sequence[Fit]) -> int:
    """0 fits, perhaps with remarks; 1 something does not fit; 3 something is missing."""
    found = {finding.severity for finding in findings}
    return 1 if Severity.MISFIT in found else 3 if Severity.MISSING in found else 0
