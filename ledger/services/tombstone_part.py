"""The tombstones of a batch once more, in plain, beside its encrypted bodies.

Why: their keys are as young as they are. A vault put back from an older backup holds the keys of what was erased since,
but not those of the tombstones that say so; nobody could tell what to erase again. A tombstone holds nothing personal.

It is written before the batch is signed, and believed only as far as its records are leaves of the anchored batch and
its values open their claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core import canonical, merkle, shapes
from ledger.core.disclosures import Disclosure
from ledger.core.records import Record
from ledger.core.registries import Kind, Relation
from ledger.core.tombstones import tombstone_id
from ledger.errors import InputError, IntegrityError, UnavailableError, ZhengyinError
from ledger.ports import Segment, Segments, Store
from ledger.services.bundling import Bundling
from ledger.services.faultpoints import faultpoint

PART = "tombstones"
TAG = "zhengyin/tombstones/1"
LIMITS = canonical.Limits(256 << 20, 12)
"""65,536 tombstones, each of less than four KiB."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A tombstone as everyone may read it."""

    record: Record
    disclosures: tuple[Disclosure, ...]

    @property
    def values(self) -> dict[str, Any]:
        return {d.name: d.value for d in self.disclosures}

    def to_json(self) -> dict[str, Any]:
        return {"disclosures": [d.to_json() for d in self.disclosures], "record": self.record.to_json()}

    @classmethod
    def from_json(cls, value: object, path: str) -> Plain:
        disclosures, record = shapes.members(value, path, "disclosures", "record")
        found = cls(
            Record.from_json(record, f"{path}.record"),
            shapes.array(disclosures, f"{path}.disclosures", Disclosure.from_json, high=128),
        )
        if found.record.claims != {d.name: d.claim(found.record.suite) for d in found.disclosures}:
            shapes.refuse("DISCLOSURE_DIFFERS", path)
        return found


def write_part(segment: Segment, tombstones: Sequence[Plain]) -> None:
    """Raises IntegrityError SEGMENT_PART_DIFFERS; UnavailableError STORE_…."""
    value = {"tag": TAG, "tombstones": [t.to_json() for t in tombstones]}
    segment.put(PART, canonical.encode(value, LIMITS))


def publish(store: Store, segments: Segments, bundling: Bundling) -> list[ZhengyinError]:
    """Write the part of every batch that is not signed yet; returns what stands in the way of some. A crash before it
    leaves a batch that is not signed, so that the next pass comes here first.

    Raises:
        UnavailableError: STORE_….
    """
    problems: list[ZhengyinError] = []
    with store.read() as unit:
        batches = [b for b in unit.batches.in_states(("batched",)) if b.kind is Kind.TOMBSTONE]
        members = {b.row: unit.records.in_batch(b.row) for b in batches}
    for batch in batches:
        try:
            segment = segments.open(batch.root)
            if segment.get(PART) is None:
                write_part(segment, [Plain(*bundling.disclosed(row)) for row in members[batch.row]])
                faultpoint("erase.published")
        except UnavailableError:
            raise
        except ZhengyinError as e:
            problems.append(e)
    return problems


def read_part(segment: Segment) -> Mapping[bytes, Plain]:
    """Tombstones by their leaves; empty where the batch has no such part, as those of earlier versions.

    Raises:
        IntegrityError: TOMBSTONES_PART: it tells of other records than the batch, or cannot be read.
    """
    data = segment.get(PART)
    if data is None:
        return {}
    leaves = segment.leaves()
    known = {leaves[at : at + 32] for at in range(0, len(leaves), 32)}
    try:
        (listed,) = shapes.tagged(canonical.decode(data, LIMITS), PART, TAG, "tombstones")
        tombstones = shapes.array(listed, PART, Plain.from_json, low=1, high=len(known))
    except InputError as e:
        raise IntegrityError("TOMBSTONES_PART", root=segment.root().hex()) from e
    found = {t.record.leaf(): t for t in tombstones}
    own = (segment.issuer(), Kind.TOMBSTONE)
    of_batch = merkle.build_levels(leaves)[-1] == segment.root() and found.keys() <= known
    if not of_batch or any((t.record.issuer, t.record.kind) != own for t in tombstones):
        raise IntegrityError("TOMBSTONES_PART", root=segment.root().hex())
    return found


def erased_by(tombstone: Record) -> list[bytes]:
    """The leaves that a tombstone erases: of its own issuer, and only the one that its id is made from."""
    own = [r.leaf for r in tombstone.refs if (r.relation, r.issuer) == (Relation.ERASES, tombstone.issuer)]
    return [leaf for leaf in own if tombstone_id(leaf) == tombstone.id]
