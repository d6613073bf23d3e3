"""One anchored batch, proved from its segment and the chain, and the row that tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.core import canonical, merkle
from ledger.core.accreditations import Accreditation
from ledger.core.bundles import Anchor
from ledger.core.manifests import Manifest
from ledger.core.registries import Kind, Suite
from ledger.errors import InputError, NotFoundError, ZhengyinError
from ledger.ports import Chain, Segment, Segments
from ledger.proofs import headers
from ledger.proofs.commit_seals import block_hash
from ledger.proofs.events import AnchoredEvent
from ledger.services.anchoring import (
    ACCREDITATION,
    MANIFEST,
    RECEIPT,
    anchored_event,
)
from ledger.services.audit_findings import Findings
from ledger.services.batch_signing import (
    CMS,
    LATER_VALIDATION,
    SECOND_CMS,
    VALIDATION,
    check_signatures,
    read_validation,
)
from ledger.services.tombstone_part import PART as TOMBSTONES

PARTS = (ACCREDITATION, MANIFEST, VALIDATION, CMS, RECEIPT)
STATES = ("batched", "signed", "broadcast", "mined", "final", "receipted", "refused")
PLACED = ("mined", "final", "receipted")


@dataclass(frozen=True, slots=True)
class Anchored:
    """A batch as the chain tells of it."""

    issuer: str
    block: int
    event: AnchoredEvent

    @property
    def where(self) -> str:
        return f"segments/{self.event.root.hex()}"


class BatchAudit:
    """``consensus``: of the chain, for the hash of its headers; ``copies``: segments of the second medium."""

    def __init__(
        self, chain: Chain, consensus: str, segments: Segments, copies: Segments | None, findings: Findings
    ) -> None:
        self._chain = chain
        self._consensus = consensus
        self._segments = segments
        self._copies = copies
        self._findings = findings

    def segment(self, root: bytes, where: str, **values: Any) -> Segment | None:
        """The segment, every byte of it proved against its digest and its root, on both media."""
        found = self._open(self._segments, root, where, values)
        if found is not None and self._copies is not None:
            self._compare_copy(found, root, where)
        return found

    def _open(self, medium: Segments, root: bytes, where: str, values: Mapping[str, Any]) -> Segment | None:
        try:
            segment = medium.open(root)
            segment.verify()
            levels = merkle.build_levels(segment.leaves())
            sm3 = segment.sm3()
            second = sm3.levels() if sm3 else []
            stored = (segment.levels(), segment.levels_sm3())  # bundles take their paths from there
            if levels[-1] != root or (b"".join(levels), b"".join(second)) != stored:
                self._findings.differs("AUDIT_ROOT_DIFFERS", f"{where}/body", root=root.hex())
                return None
            return segment
        except NotFoundError:
            self._findings.differs("AUDIT_SEGMENT_MISSING", where, root=root.hex(), **values)
        except InputError as e:
            self._findings.differs("AUDIT_SEGMENT_DAMAGED", f"{where}/body", root=root.hex(), part=e.code)
        except ZhengyinError as e:
            if e.code != "SEGMENT_DAMAGED":
                self._findings.unread(where, e)
            else:
                part = e.values.get("part")
                self._findings.differs("AUDIT_SEGMENT_DAMAGED", f"{where}/body", root=root.hex(), part=part)
        return None

    def _compare_copy(self, segment: Segment, root: bytes, where: str) -> None:
        assert self._copies is not None  # noqa: S101 - for the type checker
        copy = self._open(self._copies, root, f"copy/{where}", {})
        if copy is None:
            return
        if copy.digest() != segment.digest():
            self._findings.differs("AUDIT_COPY_DIFFERS", f"copy/{where}/body", root=root.hex(), part="body")
        for part in (*PARTS, SECOND_CMS, LATER_VALIDATION, TOMBSTONES):
            if copy.get(part) != segment.get(part):
                self._findings.differs("AUDIT_COPY_DIFFERS", f"copy/{where}/{part}", root=root.hex(), part=part)

    def parts(self, found: Anchored, segment: Segment, receipted: bool) -> None:
        """Manifest, signature, accreditation, validation data and receipt against the event on chain."""
        where, event = found.where, found.event
        with self._findings.looking("AUDIT_PART_DIFFERS", f"{where}/{MANIFEST}"):
            manifest = _manifest(self._part(segment, MANIFEST), found)
            if manifest.chain != self._chain.identity:
                raise InputError("AUDIT_FIELD", part="chain")
            if self._chain.canonical(manifest.after.block) != manifest.after.hash:
                raise InputError("AUDIT_FIELD", part="after")
            if (segment.issuer(), segment.kind()) != (manifest.issuer, manifest.kind):
                raise InputError("AUDIT_FIELD", part="issuer")
            if segment.types() != manifest.counts or segment.size() != manifest.size:
                raise InputError("AUDIT_FIELD", part="counts")
            sm3 = segment.sm3()
            if (sm3.suite if sm3 else Suite.INTL, sm3.root() if sm3 else None) != (manifest.suite, manifest.root_sm3):
                raise InputError("AUDIT_FIELD", part="rootSm3")
        with self._findings.looking("AUDIT_PART_DIFFERS", f"{where}/{CMS}"):
            self._part(segment, CMS)
            signed = check_signatures(segment, Manifest.from_bytes(self._part(segment, MANIFEST)))
            if event.signers != tuple(each.certificate_sha256 for each in signed):
                raise InputError("AUDIT_FIELD", part="signers")
        with self._findings.looking("AUDIT_PART_DIFFERS", f"{where}/{VALIDATION}"):
            read_validation(segment, [VALIDATION])
        if segment.get(LATER_VALIDATION) is not None:
            with self._findings.looking("AUDIT_PART_DIFFERS", f"{where}/{LATER_VALIDATION}"):
                read_validation(segment)
        if Kind(event.kind).needs_accreditation:
            with self._findings.looking("AUDIT_PART_DIFFERS", f"{where}/{ACCREDITATION}"):
                _accreditation(self._part(segment, ACCREDITATION), found, segment)
        if receipted or segment.get(RECEIPT) is not None:
            with self._findings.looking("AUDIT_PART_DIFFERS", f"{where}/{RECEIPT}"):
                self._receipt(self._part(segment, RECEIPT), found)

    def _part(self, segment: Segment, name: str) -> bytes:
        data = segment.get(name)
        if data is None:
            raise InputError("AUDIT_PART_MISSING", part=name)
        return data

    def _receipt(self, data: bytes, found: Anchored) -> None:
        """The header is the canonical one, and the receipt in it proves the very event that the chain tells of."""
        value = canonical.decode(data, canonical.BUNDLE_LIMITS)
        anchor = Anchor.from_json(value, RECEIPT)
        header = headers.parse_header(anchor.header)
        if header.number != found.block or block_hash(header, self._consensus) != self._chain.canonical(found.block):
            raise InputError("AUDIT_FIELD", part="header")
        if anchored_event(anchor, self._chain.identity.records, found.event.root) != found.event:
            raise InputError("AUDIT_FIELD", part="event")

    def row(self, found: Anchored, row: Mapping[str, Any]) -> None:
        """The batch's row, column by column; ``problem`` and ``created`` are nobody's to prove."""
        event, state = found.event, row["state"]
        wanted: dict[str, Any] = {
            "issuer": found.issuer,
            "kind": event.kind,
            "size": event.size,
            "manifest_sha256": event.manifest_sha256,
            "accreditation": event.accreditation,
        }
        if state not in STATES[1:-1]:
            wanted["state"] = "receipted"
        if state == "receipted" or row["sequence"] is not None:  # both are written together
            wanted |= {"state": "receipted", "sequence": event.sequence}
        if state in PLACED or row["block"] is not None or row["block_hash"] is not None:
            wanted |= {"block": found.block, "block_hash": self._chain.canonical(found.block)}
            if state not in PLACED:
                wanted["state"] = "receipted"
        if state == "receipted":
            wanted["problem"] = None
        self._hold(row, wanted)

    def open_row(self, row: Mapping[str, Any], segment: Segment | None) -> None:
        """A row of a batch that the chain does not have: held against its segment."""
        wanted: dict[str, Any] = {"sequence": None}
        if row["state"] in ("final", "receipted") or row["state"] not in STATES:
            wanted["state"] = "batched … mined"
        if segment is not None:
            manifest = segment.get(MANIFEST)
            wanted |= {"issuer": segment.issuer(), "kind": int(segment.kind()), "size": segment.size()}
            if row["manifest_sha256"] is not None:
                wanted["manifest_sha256"] = Manifest.from_bytes(manifest).sha256() if manifest else None
        self._hold(row, wanted)

    def _hold(self, row: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        for column, value in wanted.items():
            if row[column] != value:
                where = f"batches/{row['row']}/{column}"
                self._findings.differs("AUDIT_ROW_DIFFERS", where, table="batches", row=row["row"], column=column)


def _manifest(data: bytes, found: Anchored) -> Manifest:
    manifest, event = Manifest.from_bytes(data), found.event
    if (manifest.sha256(), manifest.sm3()) != (event.manifest_sha256, event.manifest_sm3):
        raise InputError("AUDIT_FIELD", part="sha256")
    if (manifest.issuer, int(manifest.kind), int(manifest.suite)) != (found.issuer, event.kind, event.suite):
        raise InputError("AUDIT_FIELD", part="issuer")
    if (manifest.root, manifest.size) != (event.root, event.size):
        raise InputError("AUDIT_FIELD", part="root")
    return manifest


def _accreditation(data: bytes, found: Anchored, segment: Segment) -> None:
    document = Accreditation.from_json(canonical.decode(data))
    if document.id() != found.event.accreditation:
        raise InputError("AUDIT_FIELD", part="id")
    if not all(document.covers(type_) for type_, _ in segment.types()):
        raise InputError("AUDIT_FIELD", part="types")


Prover = Callable[[bytes], None]
"""Proves a batch by all steps of verification, through the record with that leaf."""
