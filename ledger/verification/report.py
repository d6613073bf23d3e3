"""The report: what was found, in a form for programs (``to_json``) and in words for people, Chinese and
English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.verdicts import EXIT_CODES, Finding, Indication, Outcome, Step, StepResult, undetermined
from ledger.errors import Language, message
from ledger.verification.case import Case
from ledger.verification.chains import make_chains
from ledger.verification.lines import CONCLUSIONS, LINES, Headline, Line, headline, headline_code, make_line
from ledger.verification.words import show, tell

_LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Report:
    """``indication`` and ``cause`` as in ETSI EN 319 102-1; ``lines``: the four for people; ``conclusions``:
    the two for courts; ``chains``: which chains of proof stand, in the suites with SM3; ``proved``: who, under which
    CA, when by which clocks, in which block, sealed by whom, by topic; ``claims``: values shown with the record (they
    are personal data: handle the report like the document)."""

    indication: Indication
    cause: StepResult | None
    steps: tuple[StepResult, ...]
    headline: Headline
    lines: tuple[Line, ...]
    conclusions: tuple[Line, ...]
    proved: dict[str, Any]
    claims: dict[str, Any]
    remarks: tuple[Finding, ...] = ()
    chains: tuple[Line, ...] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.indication]

    @property
    def headline_code(self) -> str:
        """Code of the headline's words."""
        return headline_code(self.headline, self.steps)

    @property
    def cause_finding(self) -> Finding | None:
        """What decided: the first finding as bad as the indication; ``None`` if all passed."""
        wanted = Outcome.FAILED if self.indication is Indication.TOTAL_FAILED else Outcome.UNDETERMINED
        found = self.cause.findings if self.cause else self.remarks
        return next((f for f in found if f.outcome is wanted), None)

    @property
    def cause_code(self) -> str | None:
        return self.cause_finding.code if self.cause_finding else None

    def to_json(self) -> dict[str, Any]:
        """Everything, plain JSON values; every code with its words in both languages."""
        return {
            "indication": self.indication.value,
            "exitCode": self.exit_code,
            "headline": _headline(self.headline.value, self.headline_code),
            "cause": {"step": self.cause.step.value, "code": self.cause_code} if self.cause else None,
            "lines": [_line(line) for line in self.lines],
            "conclusions": [_line(line) for line in self.conclusions],
            "chains": [_line(line) for line in self.chains],
            "steps": [_step(result) for result in self.steps],
            "remarks": [_finding(finding) for finding in self.remarks],
            "proved": _plain(self.proved),
            "claims": self.claims,
        }

    def short(self, language: Language) -> str:
        """The headline, what decided it, the four lines, and the chains of proof where there are two."""
        out = [message(self.headline_code, language)]
        decided = [*(self.cause.findings if self.cause else ()), *self.remarks]
        out += [f"  {tell(f, language)}" for f in decided if f.outcome in (Outcome.FAILED, Outcome.UNDETERMINED)]
        out += [f"{_mark(line.outcome)} {line.text(language)}" for line in (*self.lines, *self.chains)]
        return "\n".join(out)

    def detailed(self, language: Language) -> str:
        """The short form, the two conclusions for courts, and every step with every finding."""
        out = [self.short(language), "", message("REPORT_CONCLUSIONS", language)]
        out += [f"{_mark(line.outcome)} {line.text(language)}" for line in self.conclusions]
        out += ["", message("REPORT_STEPS", language)]
        for result in self.steps:
            name = message(f"STEP_{result.step.name}", language)
            out.append(f"{_mark(result.outcome)} {result.step.value:>2} {name}")
            out += [f"       {f.code}: {tell(f, language)}" for f in result.findings]
        if self.claims:
            out += ["", message("REPORT_CLAIMS", language)]
            out += [f"  {name}: {value}" for name, value in self.claims.items()]
        return "\n".join(out)


def together(reports: Sequence[Report]) -> dict[str, Any]:
    """The headline that is true of several reports on one thing: theirs where they agree; where they differ, that they
    do, since none of them is the whole answer. Raises ValueError for none at all."""
    names = {(r.headline.value, r.headline_code) for r in reports}
    if not names:
        raise ValueError("no report")
    name, code = names.pop() if len(names) == 1 else ("severalDiffer", "HEADLINE_SEVERAL_DIFFER")
    return _headline(name, code)


def make_report(
    case: Case, results: tuple[StepResult, ...], indication: Indication, cause: StepResult | None
) -> Report:
    proved = {r.step.name.lower(): r.proved for r in results if r.proved is not None}
    values = _line_values(proved)
    judged = {r.step: r.outcome for r in results}
    opened = case.bundle.disclosures if case.bundle and judged.get(Step.DISCLOSURES) is Outcome.PASSED else ()
    return Report(
        indication=indication,
        cause=cause,
        steps=results,
        headline=headline(results, indication),
        lines=tuple(make_line(topic, results, values) for topic in LINES),
        conclusions=tuple(make_line(topic, results, values) for topic in CONCLUSIONS),
        proved=proved,
        claims={d.name: d.value for d in opened},
        chains=make_chains(case, results, proved),
    )


def not_found(as_of_block: int | None = None, advice: Finding | None = None) -> Report:
    """Nothing known under that name: never "forged". ``as_of_block``: the issuer's own complete index was
    asked and had not issued it up to that block; ``None``: this service merely does not know it. ``advice``: in place
    of that remark."""
    remark = undetermined("NOT_KNOWN_HERE") if as_of_block is None else undetermined("NOT_ISSUED", block=as_of_block)
    return _unjudged(Headline.NOT_FOUND, advice or remark)


def undecided(remark: Finding) -> Report:
    """A record that is known and cannot be judged now: still on its way to the chain, or erased."""
    return _unjudged(Headline.CANNOT_BE_DECIDED, remark)


def _unjudged(headline: Headline, remark: Finding) -> Report:
    return Report(
        indication=Indication.INDETERMINATE,
        cause=None,
        steps=(),
        headline=headline,
        lines=tuple(make_line(topic, (), {}) for topic in LINES),
        conclusions=tuple(make_line(topic, (), {}) for topic in CONCLUSIONS),
        proved={},
        claims={},
        remarks=(remark,),
    )


def _line_values(proved: dict[str, Any]) -> dict[str, Any]:
    """What the lines mention, gathered from the steps; what is not proved is simply absent."""
    record, final = proved.get("record", {}), proved.get("finality", {})
    signers = proved.get("signature", {}).get("signers", [])
    status, time = proved.get("status", {}), proved.get("time", {})
    return {
        "issuer": record.get("issuer"),
        "organization": next((s["organization"] for s in signers if s["organization"]), None),
        "authority": ", ".join(dict.fromkeys(proved.get("path", {}).get("authorities", []))),
        "anchored": time.get("anchored"),
        "signed": time.get("signature"),
        "stated": record.get("issued"),
        "notBefore": time.get("notBefore"),
        "block": final.get("block"),
        "sealers": len(final.get("sealers", [])),
        "validators": final.get("validators"),
        "finality": final.get("kind"),
        "operators": ", ".join(sorted({s["organisation"] for s in final.get("sealers", [])})),
        "state": status.get("state"),
        "asOf": status.get("asOf"),
        "age": status.get("age"),
        "at": status.get("at"),
    }


def _headline(name: str, code: str) -> dict[str, Any]:
    return {"name": name, "code": code, **_words(code, {})}


def _words(code: str, values: dict[str, Any]) -> dict[str, str]:
    return {language: show(code, language, values) for language in _LANGUAGES}


def _line(line: Line) -> dict[str, Any]:
    shown: dict[str, Any] = {language: line.text(language) for language in _LANGUAGES}
    return {"topic": line.topic.value, "outcome": line.outcome.value, "code": line.code, **shown}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "outcome": finding.outcome.value,
        "values": _plain(finding.values),
        **{language: tell(finding, language) for language in _LANGUAGES},
    }


def _step(result: StepResult) -> dict[str, Any]:
    return {
        "step": result.step.value,
        "name": result.step.name.lower(),
        "outcome": result.outcome.value,
        "findings": [_finding(f) for f in result.findings],
        "proved": _plain(result.proved),
        **_words(f"STEP_{result.step.name}", {}),
    }


def _plain(value: Any) -> Any:
    """JSON values only: causes come from many modules."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _mark(outcome: Outcome) -> str:
    return {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.UNDETERMINED: "?", Outcome.SKIPPED: "–"}[outcome]
