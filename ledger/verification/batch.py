"""Many records of one batch: the manifest is verified once, then each record costs its parse and its path.

What changes from record to record is steps 2, 4 and the record's half of 5 and 13; all else belongs to the
manifest. Files, disclosures, status and validity are not judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.core.accreditations import ANY
from ledger.core.bundles import Bundle
from ledger.core.canonical import decode
from ledger.core.hashing import SM3_HASH
from ledger.core.merkle import leaf_hash, root_from_path
from ledger.core.records import TAG
from ledger.core.registries import Suite
from ledger.core.verdicts import Outcome
from ledger.errors import ConflictError, InputError
from ledger.verification.facts import Facts
from ledger.verification.procedure import BATCH_STEPS, is_blocked, verify
from ledger.verification.report import Report


@dataclass(frozen=True, slots=True)
class ProvedBatch:
    """A batch whose manifest, signatures and anchor were verified; ``report`` is that of the record it was
    proved with. ``types``: those of the manifest that the accreditation covers; ``root_sm3``: in the suites that have
    one."""

    report: Report
    issuer: str
    kind: str
    types: frozenset[str]
    root: bytes
    size: int
    suite: Suite = Suite.INTL
    root_sm3: bytes | None = None

    def check(self, record: bytes, index: int, path: Sequence[bytes], path_sm3: Sequence[bytes] | None = None) -> bytes:
        """The leaf of ``record`` (canonical bytes), proved to be number ``index`` of the batch by ``path``, and in the
        suites with SM3 by ``path_sm3`` too.

        Raises: InputError: CANONICAL_…, MERKLE_…, or BATCH_RECORD_REFUSED (no record, or of another issuer,
            kind, type or suite), BATCH_ROOT_DIFFERS (not of this batch, in both trees).
        """
        value = decode(record)
        try:
            fits = (
                value["tag"] == TAG
                and value["issuer"] == self.issuer
                and value["kind"] == self.kind
                and value["type"] in self.types
                and value.get("suite", Suite.INTL.word) == self.suite.word
            )
        except (TypeError, KeyError, IndexError, AttributeError) as e:
            raise InputError("BATCH_RECORD_REFUSED", index=index) from e
        if not fits:
            raise InputError("BATCH_RECORD_REFUSED", index=index)
        leaf = leaf_hash(record)
        if root_from_path(leaf, index, self.size, path) != self.root:
            raise InputError("BATCH_ROOT_DIFFERS", index=index)
        if self.root_sm3 is not None:
            second = leaf_hash(record, SM3_HASH)
            if root_from_path(second, index, self.size, path_sm3 or (), SM3_HASH) != self.root_sm3:
                raise InputError("BATCH_ROOT_DIFFERS", index=index)
        return leaf


def prove_batch(facts: Facts) -> ProvedBatch:
    """Verify one bundle of the batch and keep what holds for all of it.

    Raises: ConflictError: BATCH_NOT_PROVED, naming the first step from binding to accreditation that did not
        pass. InputError: CANONICAL_…, SHAPE_… where the bundle cannot be read.
    """
    bundle, report = Bundle.from_bytes(facts.bundle), verify(facts)
    for result in report.steps:
        if result.step in BATCH_STEPS and (
            result.outcome not in (Outcome.PASSED, Outcome.SKIPPED) or is_blocked(result)
        ):
            code = result.findings[0].code if result.findings else None
            raise ConflictError("BATCH_NOT_PROVED", step=result.step.value, code=code)
    manifest, accreditation = bundle.manifest, bundle.anchor.accreditation
    allowed = accreditation.types if accreditation else (ANY,)
    counted = frozenset(type_ for type_, _ in manifest.counts)
    return ProvedBatch(
        report=report,
        issuer=manifest.issuer,
        kind=manifest.kind.word,
        types=counted if allowed == (ANY,) else counted.intersection(allowed),
        root=manifest.root,
        size=manifest.size,
        suite=manifest.suite,
        root_sm3=manifest.root_sm3,
    )
