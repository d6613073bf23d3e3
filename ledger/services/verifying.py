"""Gathering facts for the procedure. Only the procedure judges; a silent source is said, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.core.bundles import Bundle, StateProof
from ledger.core.records import FileDigest, Record
from ledger.core.registries import Relation
from ledger.core.trust import Trust
from ledger.core.verdicts import Finding, undetermined
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError
from ledger.ports import RecordRow, Store, Unit
from ledger.services.bundling import Bundling
from ledger.services.offline import Question
from ledger.verification.facts import Facts, IndexFacts
from ledger.verification.procedure import verify
from ledger.verification.report import Report, not_found, undecided


class Verifying:
    """Verification with a store and a chain at hand."""

    def __init__(
        self,
        store: Store,
        bundling: Bundling,
        index: BlindIndex,
        trust: Callable[[], Trust],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._bundling = bundling
        self._index = index
        self._trust = trust
        self._clock = clock

    def bundle(self, data: bytes, question: Question) -> Report:
        """Judge a bundle with the chain's newest state of its record."""
        state: StateProof | None = None
        problems: tuple[Finding, ...] = ()
        known: IndexFacts | None = None
        try:
            parsed = Bundle.from_bytes(data)
        except InputError:
            parsed = None  # step 0 says what is wrong with it
        # another chain's state is not ours to ask: the bundle of a predecessor keeps what is stapled to it
        if parsed is not None and parsed.manifest.chain == self._bundling.chain_identity:
            leaf = parsed.record.leaf()
            try:
                state = self._bundling.state(parsed.record.issuer, leaf, parsed.manifest.root)
                known = self._known(parsed.record, leaf)
            except (UnavailableError, InputError) as e:  # silence or nonsense of a node: both prove nothing
                problems = (undetermined(e.code, **e.values),)
        return verify(
            Facts(
                bundle=data,
                documents=question.documents,
                trust=self._trust(),
                now=int(self._clock()),
                time_of_interest=question.time_of_interest,
                as_of_bundle=question.as_of_bundle,
                max_age=question.max_age,
                jurisdiction=question.jurisdiction,
                fresh_state=state,
                problems=problems,
                known=known,
            )
        )

    def by_id(self, record_id: str, question: Question, issuer: str | None = None) -> Report:
        """Judge the record with that id in this ledger; unknown is "not found", never "forged"."""
        with self._store.read() as unit:
            rows = unit.records.find_ids(self._index.id(record_id))
        found = [r for r in rows if issuer in (None, r.issuer)]
        return self._row(found, question, lambda record: record.id == record_id)

    def by_file(self, document: FileDigest, question: Question) -> Report:
        """Judge the newest record that binds this file."""
        with self._store.read() as unit:
            rows = unit.records.by_file(self._index.file(document.sha256))
        return self._row(rows, question, lambda record: document.sha256 in {f.sha256 for f in record.files})

    def _row(self, rows: Sequence[RecordRow], question: Question, asked: Callable[[Record], bool]) -> Report:
        """The newest record that can be shown; one still on its way does not hide an older one."""
        report = not_found()
        for row in reversed(rows):
            try:
                return self._shown(self._bundling.bundle(row, None, state=False), question, asked)
            except NotFoundError as e:
                report = undecided(undetermined(e.code, **e.values))
            except ConflictError:
                report = undecided(undetermined("RECORD_PENDING"))
        return report

    def _shown(self, bundle: Bundle, question: Question, asked: Callable[[Record], bool]) -> Report:
        if not asked(bundle.record):  # rows only lead to records: what was asked for stands in the signed bytes
            return undecided(undetermined("RECORD_INDEX_DIFFERS", leaf=bundle.record.leaf().hex()))
        return self.bundle(bundle.to_bytes(), question)

    def _known(self, record: Record, leaf: bytes) -> IndexFacts | None:
        own = (record.issuer, record.kind)
        with self._store.read() as unit:
            cursor = unit.chain.cursor()
            twins = [r for r in unit.records.find_ids(self._index.id(record.id)) if (r.issuer, r.kind) == own]
            others = tuple(r.leaf for r in twins if r.leaf != leaf and not _ended(unit, r.issuer, r.leaf))
            predecessors = tuple(
                r.leaf for r in record.refs if r.relation is Relation.SUPERSEDES and not _ended(unit, r.issuer, r.leaf)
            )
        return IndexFacts(cursor.block, others, predecessors) if cursor else None


def _ended(unit: Unit, issuer: str, leaf: bytes) -> bool:
    entries = unit.chain.entries(issuer, leaf)
    return bool(entries) and entries[-1].entry.state.ends
