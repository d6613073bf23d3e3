"""The accreditation document: which records an organisation may anchor, for which jurisdiction.

The chain holds only its SHA-256 (the id), organisation, kind and dates; the bundle carries the document.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from ledger.core import canonical, shapes
from ledger.core.identifiers import organisation_id
from ledger.core.records import TYPE
from ledger.core.registries import Kind

TAG = "zhengyin/accreditation/1"
JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,12})*")
ANY = "*"


@dataclass(frozen=True, slots=True)
class Accreditation:
    """``types``: ascending type codes, or ``("*",)`` for every type of the kind. ``reference``: the decision."""

    organisation: str
    kind: Kind
    jurisdiction: str
    types: tuple[str, ...]
    reference: str

    def to_json(self) -> dict[str, Any]:
        return {
            "tag": TAG,
            "organisation": self.organisation,
            "kind": self.kind.word,
            "jurisdiction": self.jurisdiction,
            "types": list(self.types),
            "reference": self.reference,
        }

    def to_bytes(self) -> bytes:
        return canonical.encode(self.to_json())

    def id(self) -> bytes:
        return hashlib.sha256(self.to_bytes()).digest()

    def scope(self) -> bytes:
        """SHA-256 over the canonical types: the scope digest that the chain's event names."""
        return hashlib.sha256(canonical.encode(list(self.types))).digest()

    def covers(self, type_: str) -> bool:
        return self.types == (ANY,) or type_ in self.types

    @classmethod
    def from_json(cls, value: object, path: str = "accreditation") -> Accreditation:
        organisation, kind, jurisdiction, types, reference = shapes.tagged(
            value, path, TAG, "organisation", "kind", "jurisdiction", "types", "reference"
        )
        found = shapes.array(types, f"{path}.types", lambda v, p: v if v == ANY else shapes.text(v, p, TYPE), low=1)
        if ANY in found and len(found) > 1:
            shapes.refuse("SHAPE_ORDER", f"{path}.types")
        shapes.ascending(found, f"{path}.types")
        return cls(
            organisation_id(shapes.text(organisation, f"{path}.organisation")),
            Kind.of_word(kind, f"{path}.kind"),
            shapes.text(jurisdiction, f"{path}.jurisdiction", JURISDICTION, 32),
            tuple(str(t) for t in found),
            shapes.text(reference, f"{path}.reference"),
        )
