"""The bundle: everything that proves one record, in one canonical document. FORMATS, "Bundle".

No slack: every byte is read by some verification step, and nothing unused is allowed, so that no bit of a
bundle can be flipped and no part taken out unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ledger.core import canonical, shapes
from ledger.core.accreditations import Accreditation
from ledger.core.canonical import BUNDLE_LIMITS, b64
from ledger.core.disclosures import Disclosure
from ledger.core.identifiers import actor_id
from ledger.core.manifests import MAX_BATCH, Manifest
from ledger.core.records import MAX_CLAIMS, Record
from ledger.core.registries import Reason, State

TAG = "zhengyin/bundle/1"
MEDIA_TYPE = "application/vnd.zhengyin.bundle+json"
SUFFIX = ".zyb"
MAX_ENTRIES = 256
MAX_INSTANT = 2**40 - 1


@dataclass(frozen=True, slots=True)
class Inclusion:
    """RFC 6962 audit path of the record's leaf in the batch tree; ``path_sm3``: in the tree by SM3, at the same index,
    where the manifest has one."""

    index: int
    path: tuple[bytes, ...]
    path_sm3: tuple[bytes, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {"index": self.index, "path": [b64(p) for p in self.path]}
        return value if self.path_sm3 is None else value | {"pathSm3": [b64(p) for p in self.path_sm3]}

    @classmethod
    def from_json(cls, value: object, path: str) -> Inclusion:
        second = ("pathSm3",) if type(value) is dict and "pathSm3" in value else ()
        index, nodes, *more = shapes.members(value, path, "index", "path", *second)
        return cls(
            shapes.integer(index, f"{path}.index", high=MAX_BATCH - 1),
            shapes.array(nodes, f"{path}.path", shapes.digest, high=17),
            shapes.array(more[0], f"{path}.pathSm3", shapes.digest, high=17) if more else None,
        )


@dataclass(frozen=True, slots=True)
class ValidationData:
    """Certificates above the signers', CRLs (RFC 5280) and OCSP responses (RFC 6960), DER each, in ascending order."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "certificates": [b64(d) for d in self.certificates],
            "crls": [b64(d) for d in self.crls],
            "ocsps": [b64(d) for d in self.ocsps],
        }

    @classmethod
    def from_json(cls, value: object, path: str) -> ValidationData:
        parts = shapes.members(value, path, "certificates", "crls", "ocsps")
        found = []
        for name, part in zip(("certificates", "crls", "ocsps"), parts, strict=True):
            found.append(shapes.array(part, f"{path}.{name}", shapes.octets, high=32))
            shapes.ascending(found[-1], f"{path}.{name}")
        return cls(*found)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The chain's proof that the batch was anchored.

    ``header``: RLP of the block that holds the receipt; ``index``: the transaction's place in it; ``receipt``: trie
    nodes from the receipts root, in order of use; ``after``: RLP of the header named in the manifest (T0).
    ``accreditation`` is ``None`` for kinds that need none.
    """

    accreditation: Accreditation | None
    header: bytes
    index: int
    receipt: tuple[bytes, ...]
    after: bytes

    def to_json(self) -> dict[str, Any]:
        return {
            "accreditation": self.accreditation.to_json() if self.accreditation else None,
            "header": b64(self.header),
            "index": self.index,
            "receipt": [b64(n) for n in self.receipt],
            "after": b64(self.after),
        }

    @classmethod
    def from_json(cls, value: object, path: str) -> Anchor:
        accreditation, header, index, receipt, after = shapes.members(
            value, path, "accreditation", "header", "index", "receipt", "after"
        )
        return cls(
            shapes.optional(accreditation, f"{path}.accreditation", Accreditation.from_json),
            shapes.octets(header, f"{path}.header"),
            shapes.integer(index, f"{path}.index", high=2**32),
            shapes.array(receipt, f"{path}.receipt", shapes.octets, low=1, high=64),
            shapes.octets(after, f"{path}.after"),
        )


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One recorded change of a leaf's status, as the chain's history hash covers it (instants in seconds UTC).

    ``actor``: see ``identifiers.actor_id``; ``statement``: leaf of the signed record behind it, 32 zero bytes where
    none was given yet.
    """

    actor: str
    state: State
    effective: int
    recorded: int
    reason: Reason
    statement: bytes

    def to_json(self) -> dict[str, Any]:
        return {
            "actor": self.actor,
            "state": self.state.word,
            "effective": self.effective,
            "recorded": self.recorded,
            "reason": self.reason.word,
            "statement": b64(self.statement),
        }

    @classmethod
    def from_json(cls, value: object, path: str) -> StatusEntry:
        actor, state, effective, recorded, reason, statement = shapes.members(
            value, path, "actor", "state", "effective", "recorded", "reason", "statement"
        )
        return cls(
            actor_id(shapes.text(actor, f"{path}.actor")),
            State.of_word(state, f"{path}.state"),
            shapes.integer(effective, f"{path}.effective", high=MAX_INSTANT),
            shapes.integer(recorded, f"{path}.recorded", high=MAX_INSTANT),
            Reason.of_recorded(reason, f"{path}.reason"),
            shapes.digest(statement, f"{path}.statement"),
        )


@dataclass(frozen=True, slots=True)
class StateProof:
    """The record's status as of one sealed block (a stapled state).

    ``nodes``: trie nodes of the account proof and of the slots status word, history, batch word and ``retired``, each
    once, in ascending order. ``entries``: every change ever recorded, oldest first. ``statements``: bundles (without
    state) of the signed records behind the entries, in order of the entries that name one that is known.
    """

    header: bytes
    nodes: tuple[bytes, ...]
    entries: tuple[StatusEntry, ...]
    statements: tuple[Bundle, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "header": b64(self.header),
            "nodes": [b64(n) for n in self.nodes],
            "entries": [e.to_json() for e in self.entries],
            "statements": [s.to_json() for s in self.statements],
        }

    @classmethod
    def from_json(cls, value: object, path: str) -> StateProof:
        header, nodes, entries, statements = shapes.members(value, path, "header", "nodes", "entries", "statements")
        found = cls(
            shapes.octets(header, f"{path}.header"),
            shapes.array(nodes, f"{path}.nodes", shapes.octets, low=1, high=1024),
            shapes.array(entries, f"{path}.entries", StatusEntry.from_json, high=MAX_ENTRIES),
            shapes.array(statements, f"{path}.statements", _statement, high=MAX_ENTRIES),
        )
        shapes.ascending(found.nodes, f"{path}.nodes")
        return found


@dataclass(frozen=True, slots=True)
class Bundle:
    """One record with its proofs. ``signatures``: detached CMS (RFC 5652) over the manifest's canonical bytes, DER."""

    record: Record
    disclosures: tuple[Disclosure, ...]
    inclusion: Inclusion
    manifest: Manifest
    signatures: tuple[bytes, ...]
    validation: ValidationData
    anchor: Anchor
    state: StateProof | None

    def to_json(self) -> dict[str, Any]:
        return {
            "tag": TAG,
            "record": self.record.to_json(),
            "disclosures": [d.to_json() for d in self.disclosures],
            "inclusion": self.inclusion.to_json(),
            "manifest": self.manifest.to_json(),
            "signatures": [b64(s) for s in self.signatures],
            "validation": self.validation.to_json(),
            "anchor": self.anchor.to_json(),
            "state": self.state.to_json() if self.state else None,
        }

    def to_bytes(self) -> bytes:
        return canonical.encode(self.to_json(), BUNDLE_LIMITS)

    def without_state(self) -> Bundle:
        return replace(self, state=None)

    @classmethod
    def from_json(cls, value: object, path: str = "bundle") -> Bundle:
        """Strict reading of the whole tree.

        Raises:
            InputError: CANONICAL_…, SHAPE_…, REGISTRY_UNKNOWN, IDENTIFIER_… with the path of the fault.
        """
        record, disclosures, inclusion, manifest, signatures, validation, anchor, state = shapes.tagged(
            value,
            path,
            TAG,
            "record",
            "disclosures",
            "inclusion",
            "manifest",
            "signatures",
            "validation",
            "anchor",
            "state",
        )
        found = cls(
            record=Record.from_json(record, f"{path}.record"),
            disclosures=shapes.array(disclosures, f"{path}.disclosures", Disclosure.from_json, high=MAX_CLAIMS),
            inclusion=Inclusion.from_json(inclusion, f"{path}.inclusion"),
            manifest=Manifest.from_json(manifest, f"{path}.manifest"),
            signatures=shapes.array(signatures, f"{path}.signatures", shapes.octets, high=2),
            validation=ValidationData.from_json(validation, f"{path}.validation"),
            anchor=Anchor.from_json(anchor, f"{path}.anchor"),
            state=shapes.optional(state, f"{path}.state", StateProof.from_json),
        )
        shapes.ascending(tuple(d.name for d in found.disclosures), f"{path}.disclosures")
        if (found.inclusion.path_sm3 is None) != (found.manifest.root_sm3 is None):
            # a path for each root: two roots and one path would be two truths (why.md F9)
            part = ["pathSm3"]
            missing, unknown = (part, []) if found.manifest.root_sm3 else ([], part)
            shapes.refuse("SHAPE_KEYS", f"{path}.inclusion", missing=missing, unknown=unknown)
        return found

    @classmethod
    def from_bytes(cls, data: bytes) -> Bundle:
        return cls.from_json(canonical.decode(data, BUNDLE_LIMITS))


def _statement(value: object, path: str) -> Bundle:
    found = Bundle.from_json(value, path)
    if found.state is not None:
        # one level deep: a statement has no status of its own
        shapes.refuse("SHAPE_KEYS", f"{path}.state", missing=[], unknown=["state"])
    return found
