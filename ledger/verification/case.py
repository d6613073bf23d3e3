"""The case: one run of the procedure, and what its steps have established so far.

Every field is written by the one step named beside it and only read by the others. A field that is still
``None`` means that its step could not establish it; a later step that needs it is skipped, never passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ledger.core.bundles import Bundle
from ledger.core.trust_lists import Authority, Policy
from ledger.core.trusted_chains import TrustedChain
from ledger.core.verdicts import Finding, Step, StepResult, failed, undetermined, worst
from ledger.crypto.cms import CmsSignature
from ledger.crypto.paths import CertificatePath
from ledger.errors import InputError
from ledger.proofs.events import AnchoredEvent
from ledger.verification.blocks import SealedBlock
from ledger.verification.facts import Facts
from ledger.verification.policies import TOLERANCES, Tolerances, policy_for

if TYPE_CHECKING:
    from ledger.verification.listed import ListOnChain
    from ledger.verification.report import Report

T = TypeVar("T")


class Blocked(Exception):
    """What a step needs was not established by ``step``."""

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step = step


@dataclass(frozen=True, slots=True)
class Times:
    """The proved clocks, seconds UTC: T0 not made before, T1 of the signature (= T2 without a token), T2
    anchored."""

    not_before: int
    signature: int
    anchored: int


@dataclass(frozen=True, slots=True)
class SignerPath:
    """The certificate path of one signature and the authority of the trust file in which it ends."""

    path: CertificatePath
    authority: Authority


@dataclass(slots=True)
class Case:
    facts: Facts
    judge_statement: Callable[[Bundle, Case], Report]
    tolerances: Tolerances = TOLERANCES
    bundle: Bundle | None = None  # 0
    signatures: tuple[CmsSignature, ...] | None = None  # 6
    chain: TrustedChain | None = None  # 7
    block: SealedBlock | None = None  # 7
    after: SealedBlock | None = None  # 7
    event: AnchoredEvent | None = None  # 8
    times: Times | None = None  # 9
    listed: ListOnChain | Finding | None = None  # 9, 10 or 16, whoever asks first: `listed.on_chain`
    used_validation: frozenset[bytes] = frozenset()  # 9: certificates, CRLs and responses on which tokens rest
    paths: tuple[SignerPath, ...] | None = None  # 10
    interest: int | None = None  # 14: the instant judged, seconds UTC

    @property
    def jurisdiction(self) -> str | None:
        """Whose rules apply: the relying party's, else those of the accreditation (step 13 proves it)."""
        if self.facts.jurisdiction is not None:
            return self.facts.jurisdiction
        accreditation = self.bundle.anchor.accreditation if self.bundle else None
        return accreditation.jurisdiction if accreditation else None

    @property
    def policy(self) -> Policy | None:
        return policy_for(self.facts.trust, self.jurisdiction)


def need(value: T | None, step: Step) -> T:
    """``value``, or Blocked where ``step`` has not established it."""
    if value is None:
        raise Blocked(step)
    return value


def concluded(step: Step, findings: Iterable[Finding], proved: dict[str, Any] | None = None) -> StepResult:
    """The result of a step that ran: its outcome is that of its worst finding."""
    found = tuple(findings)
    return StepResult(step, worst(found), found, proved)


def refused(code: str, error: InputError, **values: Any) -> Finding:
    """Failed, because what was offered breaks a rule of its format; the rule is kept as ``cause``."""
    return failed(code, cause=error.code, causeValues=error.values, **values)


def unproved(code: str, error: InputError, **values: Any) -> Finding:
    """Undetermined, because a part is not there: taking parts out must not make a forgery of a true
    record."""
    return undetermined(code, cause=error.code, causeValues=error.values, **values)
