"""What verifying a package found: a report on the whole and one on each seal in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.core.verdicts import Finding, Indication, Outcome
from ledger.crypto.ofd.metadata import LicenseMetadata
from ledger.crypto.ses.reports import SealReport, SealStep
from ledger.errors import Language, message


@dataclass(frozen=True, slots=True)
class PackageReport:
    """``whole``: six steps, of which the third says of each seal what decided it. ``seals``: in the order of their
    lists. ``metadata``: of each document that has any."""

    whole: SealReport
    seals: tuple[SealReport, ...] = ()
    metadata: tuple[LicenseMetadata, ...] = ()

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Of the licenses that the file says it is; an annotated copy is not the license."""
        return tuple(m.identifier for m in self.metadata if m.identifier is not None and not m.copy)

    @property
    def outcome(self) -> Outcome:
        return self.whole.outcome

    @property
    def indication(self) -> Indication:
        return self.whole.indication

    @property
    def exit_code(self) -> int:
        return self.whole.exit_code

    @property
    def cause(self) -> tuple[SealStep, Finding] | None:
        return self.whole.cause

    @property
    def cause_code(self) -> str | None:
        return self.whole.cause_code

    def to_json(self) -> dict[str, Any]:
        return {**self.whole.to_json(), "seals": [seal.to_json() for seal in self.seals]}

    def text(self, language: Language) -> str:
        out = [self.whole.text(language)]
        for seal in self.seals:
            out += ["", message("WORD_OFD_SEAL", language, seal.proved), seal.text(language)]
        return "\n".join(out)
