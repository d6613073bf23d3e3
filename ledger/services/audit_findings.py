"""What an audit found: values, counted without end and kept up to a limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ledger.core.manifests import BlockName
from ledger.errors import ConfigError, Language, UnavailableError, ZhengyinError, message

KEPT = 10_000
"""Findings kept with their values; beyond it they are only counted."""
NOTHING = "AUDIT_NOTHING"
NOT_TRUSTED = "AUDIT_BATCH_NOT_TRUSTED"
"""Told like a difference, since nobody may rely on such a batch; but it is one of the world and not of this folder."""
_LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. ``where``: table, row and column, or the part of a segment; ``what``: values for the words of
    ``code``. ``undetermined``: not a difference but something that could not be read. ``organisation``: the office
    whose batch or records it is about; ``None``: the ledger as a whole, or nobody can say."""

    code: str
    where: str
    what: dict[str, Any]
    undetermined: bool = False
    organisation: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the words in both languages."""
        words: dict[str, Any] = {language: message(self.code, language, self.what) for language in _LANGUAGES}
        return {"code": self.code, "where": self.where, "what": self.what, "undetermined": self.undetermined, **words}


@dataclass
class Findings:
    kept: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    differing: int = 0
    undetermined: int = 0
    _about: str | None = None

    @contextmanager
    def of(self, organisation: str) -> Iterator[None]:
        """What is found inside is about this office's own."""
        before, self._about = self._about, organisation
        try:
            yield
        finally:
            self._about = before

    def differs(self, code: str, where: str, **what: Any) -> None:
        self.differing += 1
        self._add(Finding(code, where, what, organisation=self._about))

    def unread(self, where: str, error: ZhengyinError) -> None:
        """Something that could not be looked at: no difference is proved."""
        self.open("AUDIT_UNREAD", where, error=error.code)

    def open(self, code: str, where: str, **what: Any) -> None:
        self.undetermined += 1
        self._add(Finding(code, where, what, undetermined=True, organisation=self._about))

    def _add(self, finding: Finding) -> None:
        self.counts[finding.code] += 1
        if len(self.kept) < KEPT:
            self.kept.append(finding)

    @contextmanager
    def looking(self, code: str, where: str) -> Iterator[None]:
        """What is wrong with the bytes read inside is a finding ``code``; what cannot be read is undetermined."""
        try:
            yield
        except (UnavailableError, ConfigError) as e:
            self.unread(where, e)
        except ZhengyinError as e:
            self.differs(code, where, error=e.code, part=e.values.get("part", ""))


@dataclass(frozen=True, slots=True)
class Audited:
    """What was looked at, and what was found. ``since``: first block whose batches were proved; ``elsewhere``: batches
    of other offices, which keep them; ``erased``: records whose tombstones say so; ``lost``: keys that are missing
    without one."""

    head: BlockName
    since: int
    batches: int
    records: int
    waiting: int
    erased: int
    lost: int
    changes: int
    operations: int
    elsewhere: int
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    differing: int
    undetermined: int

    def figures(self) -> dict[str, Any]:
        """Everything but the findings, as plain values."""
        return {
            "block": self.head.block,
            "hash": self.head.hash.hex(),
            "since": self.since,
            "batches": self.batches,
            "records": self.records,
            "waiting": self.waiting,
            "erased": self.erased,
            "lost": self.lost,
            "changes": self.changes,
            "operations": self.operations,
            "elsewhere": self.elsewhere,
            "differing": self.differing,
            "undetermined": self.undetermined,
            "counts": self.counts,
        }

    @property
    def exit_code(self) -> int:
        return 1 if self.differing else 3 if self.undetermined else 0

    @property
    def whole(self) -> bool:
        """Everything from the first block on was proved, and nothing differs but what was decided about its signers."""
        return self.since == 0 and not self.counts.keys() - {NOTHING, NOT_TRUSTED}
