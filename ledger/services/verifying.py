"""Gathering facts for the procedure. Only the procedure judges; a silent source is said, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hmac import compare_digest

from ledger.core.bundles import Bundle, StateProof
from ledger.core.keys import CODE_BYTES, KEY_BYTES, RecordKey
from ledger.core.manifests import BlockName
from ledger.core.records import FileDigest, Record
from ledger.core.registries import Kind, Relation
from ledger.core.trust import Trust
from ledger.core.trust_services import TrustListProof
from ledger.core.verdicts import Finding, undetermined
from ledger.core.verification_code import parse_code
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError
from ledger.ports import RecordRow, Store, Unit, Vault
from ledger.services.acting import standing
from ledger.services.bundling import Bundling
from ledger.services.offline import Question
from ledger.services.relations import relations_of
from ledger.services.used_seals import used_seals
from ledger.verification.facts import Facts, IndexFacts, KnownAct
from ledger.verification.procedure import verify
from ledger.verification.report import Report, not_found, undecided

NO_HANDLE, NO_TYPE, NO_KEY, NO_CODE = 0, "", bytes(KEY_BYTES), bytes(CODE_BYTES)
"""What is looked up, derived from and compared with where there is nothing: the same work as for what is there."""
NO_SM3 = bytes(32)
"""In a ``FileDigest`` of somebody who did not compute it."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a number, with its code or by its public type, leads to. ``whole``: with every value, else with the public
    ones; ``seen``: how far the index had read the chain at that moment."""

    id: str = field(repr=False)
    rows: tuple[RecordRow, ...]
    secrets: Mapping[int, bytes] = field(repr=False)
    whole: bool
    seen: BlockName | None


class Verifying:
    """Verification with a store and a chain at hand. ``public_fields``: of a type that is answered by number alone,
    the fields that everyone may see; ``None`` for all other types."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        bundling: Bundling,
        index: BlindIndex,
        public_fields: Callable[[str], Sequence[str] | None],
        trust: Callable[[], Trust],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._vault = vault
        self._public_fields = public_fields
        self._bundling = bundling
        self._index = index
        self._trust = trust
        self._clock = clock

    def bundle(self, data: bytes, question: Question) -> Report:
        """Judge a bundle with the chain's newest state of its record."""
        state: StateProof | None = None
        problems: tuple[Finding, ...] = ()
        known: IndexFacts | None = None
        listed: TrustListProof | None = None
        trust = self._trust()
        try:
            parsed = Bundle.from_bytes(data)
        except InputError:
            parsed = None  # step 0 says what is wrong with it
        # another chain's state is not ours to ask: the bundle of a predecessor keeps what is stapled to it
        if parsed is not None and parsed.manifest.chain == self._bundling.chain_identity:
            leaf = parsed.record.leaf()
            try:
                # decisions that this office erased, from those that the holder kept: they are judged like its own
                kept = parsed.state.statements if parsed.state else ()
                state = self._bundling.state(parsed.record.issuer, leaf, parsed.manifest.root, kept)
                known = self._known(parsed.record, leaf, parsed.manifest.root)
                listed = self._bundling.trust_list(state, parsed, trust)
            except (UnavailableError, InputError) as e:  # silence or nonsense of a node: both prove nothing
                problems = (undetermined(e.code, **e.values),)
        return verify(
            Facts(
                bundle=data,
                documents=tuple(_whole(d, parsed) for d in question.documents),
                trust=trust,
                now=int(self._clock()),
                time_of_interest=question.time_of_interest,
                as_of_bundle=question.as_of_bundle,
                max_age=question.max_age,
                jurisdiction=question.jurisdiction,
                fresh_state=state,
                problems=problems,
                known=known,
                sealed=question.sealed,
                seal_data=question.seal_data,
                listed=listed,
            )
        )

    def number(self, record_id: str, code: str | None, question: Question, issuer: str | None = None) -> Report:
        """The public answer to a number: with the record's verification code, or alone where its type is public (then
        with its public fields only; a code that is given has to be right all the same).

        Unknown, erased, another code, and no code where one is needed are one answer, in bytes and in work: one look-up
        in the index, one in the vault, one derivation and one comparison. Nothing is decrypted for it.

        Raises:
            InputError: CODE_LENGTH, CODE_CHARACTER: what was typed is no code, whatever is stored.
        """
        found = self.admit(record_id, code, issuer)
        if found is None:
            return not_found(advice=undetermined("NUMBER_NOT_FOUND"))
        return self.admitted(found, question)

    def admit(self, record_id: str, code: str | None, issuer: str | None = None) -> Admitted | None:
        """The part of ``number`` that decides whether there is an answer; ``None`` where there is none."""
        given = None if code is None else parse_code(code)
        with self._store.glance() as unit:
            seen = unit.chain.cursor()  # first: what the rows say is as new, or newer
            rows = [r for r in unit.records.find_ids(self._index.id(record_id)) if issuer in (None, r.issuer)]
        places = [(r.row, r.type) for r in rows] or [(NO_HANDLE, NO_TYPE)]
        secrets = self._vault.get([handle for handle, _ in places])
        answered = [self._answers(secrets.get(handle), type_, given) for handle, type_ in places]
        shown = tuple(row for row, answers in zip(rows, answered, strict=False) if answers)
        if not shown:
            return None
        return Admitted(record_id, shown, secrets, given is not None, seen)

    def admitted(self, found: Admitted, question: Question) -> Report:
        """The part of ``number`` that judges."""

        def asked(record: Record) -> bool:  # whoever can write rows cannot make a type public
            return record.id == found.id and (found.whole or self._public_fields(record.type) is not None)

        return self._row(found.rows, question, asked, found.secrets, found.whole)

    def _answers(self, secret: bytes | None, type_: str, given: bytes | None) -> bool:
        """The same calls whatever there is: nothing is left out because something else has failed already."""
        derived = RecordKey(NO_KEY if secret is None else secret).verification_code()
        same = compare_digest(derived, NO_CODE if given is None else given)
        public = self._public_fields(type_) is not None
        return secret is not None and (public if given is None else same)

    def by_id(self, record_id: str, question: Question, issuer: str | None = None) -> Report:
        """For the office itself, which may read its own records: judge the newest record with that id in this ledger.
        Unknown is "not found", never "forged"."""
        with self._store.read() as unit:
            rows = unit.records.find_ids(self._index.id(record_id))
        found = [r for r in rows if issuer in (None, r.issuer)]
        return self._row(found, question, lambda record: record.id == record_id)

    def by_file(self, document: FileDigest, question: Question) -> Report:
        """Judge the newest record that binds this file."""
        with self._store.read() as unit:
            rows = unit.records.by_file(self._index.file(document.sha256))
        return self._row(rows, question, lambda record: document.sha256 in {f.sha256 for f in record.files})

    def all_by_file(self, document: FileDigest, question: Question) -> list[Report]:
        """A report for each issuer, kind and type of record that binds this file, on the newest of each; where there is
        none, one that says so. Offices may each have their own word about one file, and none hides another's."""
        with self._store.read() as unit:
            rows = unit.records.by_file(self._index.file(document.sha256))
        groups: dict[tuple[str, Kind, str], list[RecordRow]] = {}
        for row in rows:
            groups.setdefault((row.issuer, row.kind, row.type), []).append(row)

        def asked(record: Record) -> bool:
            return document.sha256 in {f.sha256 for f in record.files}

        newest_first = sorted(groups.values(), key=lambda group: -group[-1].row)
        return [self._row(group, question, asked) for group in newest_first] or [not_found()]

    def _row(
        self,
        rows: Sequence[RecordRow],
        question: Question,
        asked: Callable[[Record], bool],
        secrets: Mapping[int, bytes] | None = None,
        whole: bool = True,
    ) -> Report:
        """The newest record that can be shown; one still on its way does not hide an older one. ``whole``: with every
        value, else with the public ones."""
        report = not_found()
        for row in reversed(rows):
            names = None if whole else self._public_fields(row.type) or ()
            secret = None if secrets is None else secrets[row.row]
            try:
                return self._shown(self._bundling.bundle(row, names, state=False, secret=secret), question, asked)
            except NotFoundError as e:
                report = undecided(undetermined(e.code, **e.values))
            except ConflictError:
                report = undecided(undetermined("RECORD_PENDING"))
        return report

    def _shown(self, bundle: Bundle, question: Question, asked: Callable[[Record], bool]) -> Report:
        if not asked(bundle.record):  # rows only lead to records: what was asked for stands in the signed bytes
            return undecided(undetermined("RECORD_INDEX_DIFFERS", leaf=bundle.record.leaf().hex()))
        return self.bundle(bundle.to_bytes(), question)

    def _known(self, record: Record, leaf: bytes, root: bytes) -> IndexFacts | None:
        own = (record.issuer, record.kind)
        with self._store.read() as unit:
            cursor = unit.chain.cursor()
            twins = [r for r in unit.records.find_ids(self._index.id(record.id)) if (r.issuer, r.kind) == own]
            others = tuple(r.leaf for r in twins if r.leaf != leaf and not _ended(unit, r.issuer, r.leaf))
            predecessors = tuple(
                r.leaf for r in record.refs if r.relation is Relation.SUPERSEDES and not _ended(unit, r.issuer, r.leaf)
            )
            acts = standing(unit, record.issuer, leaf, root, cursor.block) if cursor else []
        known = tuple(KnownAct(a.event, a.actor, a.second, a.time) for a in acts)
        if cursor is None:
            return None
        relations = relations_of(self._store, self._bundling, record.issuer, leaf).known
        seals = used_seals(self._store, self._bundling.open, record)
        return IndexFacts(cursor.block, others, predecessors, known, relations, seals)


def _whole(document: FileDigest, bundle: Bundle | None) -> FileDigest:
    """A document whose asker has no SM3 of it is held against the record by size and SHA-256."""
    files = bundle.record.files if bundle is not None and document.sm3 == NO_SM3 else ()
    return next((replace(document, sm3=f.sm3) for f in files if f.sha256 == document.sha256), document)


def _ended(unit: Unit, issuer: str, leaf: bytes) -> bool:
    entries = unit.chain.entries(issuer, leaf)
    return bool(entries) and entries[-1].entry.state.ends
