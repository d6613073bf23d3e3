"""Findings in words for people: instants as local time, registry words translated, the rule behind a refusal
added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ledger.core.verdicts import Finding
from ledger.errors import Language, message, messages

_SHANGHAI = timezone(timedelta(hours=8))
_INSTANTS = frozenset(
    {"anchored", "asOf", "at", "closed", "effective", "expired", "expires", "moment", "notBefore", "now"}
    | {"recorded", "revoked", "signed", "since", "stated", "time", "until"}
)
_ORGANISATIONS = frozenset({"actor", "first", "second"})
_REGISTRIES = frozenset({"state", "reason", "kind", "finality", "relation"})


def show(code: str, language: Language, values: dict[str, Any]) -> str:
    """Words of ``code`` with its values made readable."""
    return message(code, language, {name: _readable(name, value, language) for name, value in values.items()})


def tell(finding: Finding, language: Language) -> str:
    """Words of a finding; in brackets the words of the rule that caused it, and who decided it."""
    text = show(finding.code, language, finding.values)
    for key in ("cause", "who"):
        code = finding.values.get(key)
        if isinstance(code, str):
            inner = show(code, language, finding.values.get(f"{key}Values", {}))
            text += f"（{inner}）" if language == "zh" else f" ({inner})"
    return text


def instant(seconds: int) -> str:
    """Date and time in China (UTC+8), as both languages write it here."""
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone(_SHANGHAI).strftime("%Y-%m-%d %H:%M:%S UTC+8")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def duration(seconds: int, language: Language) -> str:
    """A length of time in its largest fitting unit."""
    for code, size in (("AGE_DAYS", 86_400), ("AGE_HOURS", 3_600), ("AGE_MINUTES", 60), ("AGE_SECONDS", 1)):
        if seconds >= 2 * size or size == 1:
            return message(code, language, {"count": seconds // size})
    return str(seconds)


def _readable(name: str, value: Any, language: Language) -> Any:
    if type(value) is int and name in _INSTANTS:
        return instant(value)
    if type(value) is int and name == "age":
        return duration(value, language)
    if name in _REGISTRIES and isinstance(value, str):
        code = f"WORD_{name.upper()}_{value.upper()}"
        return message(code, language) if code in messages() else value
    if name in _ORGANISATIONS and isinstance(value, str) and value.startswith("0x"):
        return message("WORD_COUNCIL", language)  # it acts under its address
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "–" if value is None else value
