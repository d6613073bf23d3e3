"""What verifying a seal found, step by step, for programs and for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ledger.core.verdicts import EXIT_CODES, Finding, Indication, Outcome, failed, undetermined, worst
from ledger.errors import ConfigError, InputError, Language, NotFoundError, UnavailableError, message

_INDICATIONS = {
    Outcome.FAILED: Indication.TOTAL_FAILED,
    Outcome.UNDETERMINED: Indication.INDETERMINATE,
    Outcome.PASSED: Indication.TOTAL_PASSED,
}
_MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.UNDETERMINED: "?"}
_LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class SealStep:
    """``name``: stable, see FORMATS, "E-seals"; its words have the code ``WORD_SES_…``."""

    number: int
    name: str
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        return worst(self.findings)

    def words(self, language: Language) -> str:
        return message(f"WORD_SES_{self.name.upper()}", language)


@dataclass(frozen=True, slots=True)
class SealReport:
    """``about``: "seal" or "signature". ``proved``: what was read, and holds only as far as the steps say."""

    about: str
    steps: tuple[SealStep, ...]
    proved: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        return worst(tuple(f for step in self.steps for f in step.findings))

    @property
    def indication(self) -> Indication:
        """As in ETSI EN 319 102-1. Raises ConfigError VERDICT_EMPTY if nothing was checked."""
        if not self.steps:
            raise ConfigError("VERDICT_EMPTY")
        return _INDICATIONS[self.outcome]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.indication]

    @property
    def cause(self) -> tuple[SealStep, Finding] | None:
        """The first step and finding as bad as the whole; None if all passed."""
        outcome = self.outcome
        if outcome is Outcome.PASSED:
            return None
        return next((step, f) for step in self.steps for f in step.findings if f.outcome is outcome)

    @property
    def cause_code(self) -> str | None:
        return self.cause[1].code if self.cause else None

    def to_json(self) -> dict[str, Any]:
        cause = self.cause
        return {
            "about": self.about,
            "indication": self.indication.value,
            "exitCode": self.exit_code,
            "cause": {"step": cause[0].number, "name": cause[0].name, "code": cause[1].code} if cause else None,
            "steps": [_step(step) for step in self.steps],
            "proved": self.proved,
        }

    def text(self, language: Language) -> str:
        """A line a step, with what was found below it."""
        out = [message(f"WORD_SES_{self.indication.name}", language)]
        for step in self.steps:
            out.append(f"{_MARKS[step.outcome]} {step.number} {step.words(language)}")
            out += [f"    {f.text(language)} [{f.code}]" for f in step.findings]
        return "\n".join(out)


def found_by(check: Callable[[], tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """The findings of ``check``. What it refuses is failed; what could not be had is undetermined, never forged."""
    try:
        return check()
    except InputError as error:
        return (failed(error.code, **error.values),)
    except (NotFoundError, UnavailableError, ConfigError) as error:
        return (undetermined(error.code, **error.values),)


def _step(step: SealStep) -> dict[str, Any]:
    return {
        "step": step.number,
        "name": step.name,
        "outcome": step.outcome.value,
        "findings": [
            {"code": f.code, "outcome": f.outcome.value, "values": f.values}
            | {language: f.text(language) for language in _LANGUAGES}
            for f in step.findings
        ],
    }
