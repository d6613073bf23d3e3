"""The register of e-seals: which seals there are, who holds them, when they are in force; and what makes a record of a
use. A use of a seal that is not in force is refused here, whatever road it comes by: one at a time or as a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ledger.core.records import FileDigest, Reference
from ledger.core.registries import Kind, Relation
from ledger.core.seal_uses import Lapse, SealStanding, date_of, name_of, validity
from ledger.core.typefiles import TypeDefinition
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import ConflictError, InputError, NotFoundError, ZhengyinError
from ledger.ports import RecordRow, Store, Unit
from ledger.services.accepting import Draft
from ledger.services.acting import accredited, successor
from ledger.services.bundling import Opened
from ledger.services.sending import OPEN
from ledger.services.standing import Standing
from ledger.services.used_seals import recorded

FIELDS = ("seal", "usedAt", "documentSha256", "documentSm3", "documentSize", "operator")
"""What a type of uses must have, beside what it likes."""
CLOCKS = 300
"""Seconds by which the clock of another system may be ahead."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class RegisteredSeal:
    """A seal as its record tells of it; ``valid``: as in `SealStanding`."""

    issuer: str
    leaf: bytes
    name: str
    holder: str
    valid: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class SealUse:
    """One use as its keeper reads it; without id and values where it was erased."""

    leaf: bytes
    id: str | None
    values: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        names = ("usedAt", "reason", "operator", "documentSha256", "documentSm3", "documentSize")
        return {"leaf": self.leaf.hex(), "id": self.id} | {name: self.values.get(name) for name in names}


@dataclass(frozen=True, slots=True)
class UsePage:
    """``count``: of the whole day; ``next``: from where to go on, ``None`` at the end."""

    count: int
    uses: tuple[SealUse, ...]
    next: int | None


class Seals:
    def __init__(
        self,
        store: Store,
        open_: Callable[[RecordRow], Opened],
        index: BlindIndex,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._open = open_
        self._index = index
        self._clock = clock
        self._known: dict[bytes, RegisteredSeal] = {}  # records never change; there are thousands, not millions
        self._named: dict[str, RegisteredSeal] = {}  # as tables of uses named them, a chunk after the other

    # ---- seals -----------------------------------------------------------------------------------------------------

    def find(self, name: str) -> RegisteredSeal:
        """By the id of its record, or its leaf (64 hexadecimal digits).

        Raises:
            NotFoundError: SEAL_UNKNOWN, RECORD_ERASED. ConflictError: SEAL_AMBIGUOUS: several registrars use that id.
        """
        with self._store.read() as unit:
            if _DIGEST.fullmatch(name):
                row = unit.records.by_leaf(bytes.fromhex(name))
                rows = [] if row is None else [row]
            else:
                rows = unit.records.find_ids(self._index.id(name))
        seals = [row for row in rows if row.kind is Kind.SEAL]
        if not seals:
            raise NotFoundError("SEAL_UNKNOWN")
        if len({row.issuer for row in seals}) > 1:
            raise ConflictError("SEAL_AMBIGUOUS")
        return self._registered(seals[-1])

    def of_file(self, sha256: bytes) -> list[RegisteredSeal]:
        """The registrations of a seal file (``.esl``), the oldest first. Raises NotFoundError RECORD_ERASED."""
        with self._store.read() as unit:
            rows = unit.records.by_file(self._index.file(sha256))
        return [self._registered(row) for row in rows if row.kind is Kind.SEAL]

    def require_new(self, sha256: bytes) -> None:
        """Raises ConflictError SEAL_REGISTERED: a second registration would outlive the suspension of the first."""
        for seal in self.of_file(sha256):
            raise ConflictError("SEAL_REGISTERED", seal=seal.leaf.hex())

    def standing(self, seals: Sequence[RegisteredSeal], unit: Unit | None = None) -> dict[bytes, SealStanding]:
        """How each stands by its leaf: after everything recorded and everything already asked for."""
        if unit is None:
            with self._store.read() as own:
                return self.standing(seals, own)
        found = Standing.of(unit, [(seal.issuer, seal.leaf) for seal in seals])
        return {seal.leaf: _standing(seal, found) for seal in seals}

    def require_in_force(self, seals: Sequence[RegisteredSeal], moment: int, unit: Unit | None = None) -> None:
        """Raises ConflictError SEAL_NOT_IN_FORCE, with the state and since when."""
        for leaf, standing in self.standing(seals, unit).items():
            _require_in_force(leaf, standing, moment)

    def require_holder(self, user: str, seal: RegisteredSeal) -> None:
        """Raises ConflictError SEAL_NOT_HELD unless ``user`` holds the seal, or succeeded its holder;
        SEAL_USE_NOT_ACCREDITED unless its uses can be anchored."""
        with self._store.read() as unit:
            held = user in (seal.holder, successor(unit, seal.holder))
            may = accredited(unit, user, Kind.SEAL_USE, int(self._clock()))
        if not held:
            raise _not_held(user, seal)
        if not may:
            raise ConflictError("SEAL_USE_NOT_ACCREDITED", organisation=user)

    def _registered(self, row: RecordRow) -> RegisteredSeal:
        if row.leaf not in self._known:
            record, values = (opened := self._open(row)).record, opened.values
            valid = validity(record.valid_from, record.valid_until)
            self._known[row.leaf] = RegisteredSeal(
                row.issuer, row.leaf, str(values["name"]), str(values["owner"]), valid
            )
        return self._known[row.leaf]

    # ---- what was used ----------------------------------------------------------------------------------------------

    def counts(self, seal: RegisteredSeal, first: int | None = None, last: int | None = None) -> list[tuple[str, int]]:
        """(date, uses) of the days from ``first`` to ``last`` that have any, ascending."""
        with self._store.read() as unit:
            return [(name_of(day), count) for day, count in unit.seal_uses.counts(seal.leaf, first, last)]

    def uses(self, seal: RegisteredSeal, day: int, after: int, limit: int) -> UsePage:
        """The uses of a day behind the place ``after``, in the order in which they were accepted; one more is read
        than asked for, to know whether there are more."""
        with self._store.read() as unit:
            rows = unit.seal_uses.of_day(seal.leaf, day, after, limit + 1)
            found = unit.records.by_rows(rows[:limit])
            total = sum(count for _, count in unit.seal_uses.counts(seal.leaf, day, day))
        return UsePage(total, tuple(map(self._shown, found)), rows[limit - 1] if len(rows) > limit else None)

    def _shown(self, row: RecordRow) -> SealUse:
        try:
            opened = self._open(row)
        except NotFoundError:  # erased while this was read
            return SealUse(row.leaf, None, {})
        return SealUse(row.leaf, opened.record.id, opened.values)

    # ---- uses ------------------------------------------------------------------------------------------------------

    def pseudonym(self, organisation: str, operator: str) -> str:
        """What stands for a person in records of uses: the same for the same person, and of no use without the
        ledger's secret. A pseudonym stays as it is."""
        if _PSEUDONYM.fullmatch(operator):
            return operator
        return self._index.id(f"operator/{organisation}/{operator}").hex()

    def use(self, user: str, definition: TypeDefinition, draft: Draft) -> Draft:
        """``draft`` as a use that its holder may make.

        Raises:
            NotFoundError: SEAL_UNKNOWN. ConflictError: SEAL_NOT_HELD, SEAL_NOT_IN_FORCE, SEAL_AMBIGUOUS.
            InputError: SEAL_USE_TYPE, SEAL_USE_DIGEST, SEAL_USE_FUTURE.
        """
        (found,) = self.use_each(user, definition, [draft])
        if isinstance(found, ZhengyinError):
            raise found
        return found

    def use_each(self, user: str, definition: TypeDefinition, drafts: Sequence[Draft]) -> list[Draft | ZhengyinError]:
        """Each of ``drafts`` as a use, or why it is none: whose seal it is, whether that was in force then, and the
        document. The claim ``seal`` becomes the leaf, and the operator a pseudonym.

        Raises:
            InputError: SEAL_USE_TYPE: a type without the fields of a use.
        """
        missing = set(FIELDS) - {field.name for field in definition.fields}
        if missing:
            raise InputError("SEAL_USE_TYPE", type=definition.code, fields=", ".join(sorted(missing)))
        named = {name: self._looked_up(name) for name in {str(draft.values["seal"]) for draft in drafts}}
        seals = [seal for seal in named.values() if isinstance(seal, RegisteredSeal)]
        standing = self.standing(seals)
        with self._store.read() as unit:
            held = {user, *(seal.holder for seal in seals if successor(unit, seal.holder) == user)}

        def used(draft: Draft) -> Draft | ZhengyinError:
            seal = named[str(draft.values["seal"])]
            if isinstance(seal, ZhengyinError):
                return seal
            try:
                return self._used(user, draft, seal, standing[seal.leaf], held)
            except ZhengyinError as error:
                return error

        return [used(draft) for draft in drafts]

    def require_still(self, unit: Unit, draft: Draft) -> None:
        """In the transaction that accepts a use: was its seal stopped since it was looked at? Raises as `use`."""
        for error in self.stopped(unit, [draft]).values():
            raise error

    def stopped(self, unit: Unit, drafts: Sequence[Draft]) -> dict[int | None, ConflictError]:
        """As `require_still` of many uses: by line, those whose seal was not in force."""
        used = [(draft, leaf) for draft in drafts for leaf in _used_leaves(draft.refs)]
        standing = self.standing([self._known[leaf] for leaf in dict.fromkeys(leaf for _, leaf in used)], unit)
        lapses = ((draft.line, leaf, standing[leaf].lapse_at(draft.values["usedAt"])) for draft, leaf in used)
        return {line: _not_in_force(leaf, lapse) for line, leaf, lapse in lapses if lapse is not None}

    def _looked_up(self, name: str) -> RegisteredSeal | ZhengyinError:
        if name in self._named:
            return self._named[name]
        try:
            return self._named.setdefault(name, self.find(name))
        except (NotFoundError, ConflictError) as error:
            return error

    def _used(self, user: str, draft: Draft, seal: RegisteredSeal, standing: SealStanding, held: set[str]) -> Draft:
        values = dict(draft.values)
        if seal.holder not in held:
            raise _not_held(user, seal)
        if values["usedAt"] > int(self._clock()) + CLOCKS:
            raise InputError("SEAL_USE_FUTURE")
        _require_in_force(seal.leaf, standing, values["usedAt"])
        files = _files(values, draft.files)
        document = files[0]
        values |= {
            "seal": seal.leaf.hex(),
            "documentSha256": document.sha256.hex(),
            "documentSm3": document.sm3.hex(),
            "documentSize": document.size,
            "operator": self.pseudonym(user, str(values["operator"])),
        }
        reference = Reference(Relation.USES, seal.issuer, seal.leaf)
        return draft._replace(values=values, files=files, refs=(*draft.refs, reference))


def use_values(document: FileDigest) -> dict[str, Any]:
    """The claims of a use that name its document."""
    return {
        "documentSha256": document.sha256.hex(),
        "documentSm3": document.sm3.hex(),
        "documentSize": document.size,
    }


def _files(values: dict[str, Any], files: tuple[FileDigest, ...]) -> tuple[FileDigest, ...]:
    """The document as the row names it, and the files that came with it: the first of these is the document."""
    sums = [str(values[name]).lower() for name in ("documentSha256", "documentSm3")]
    if not all(map(_DIGEST.fullmatch, sums)):
        raise InputError("SEAL_USE_DIGEST")
    document = FileDigest(values["documentSize"], *map(bytes.fromhex, sums))
    if files and files[0] != document:
        raise InputError("SEAL_USE_DIGEST")
    return files or (document,)


def _standing(seal: RegisteredSeal, found: Standing) -> SealStanding:
    """Also by what was asked for and is not on the chain yet."""
    on_chain = recorded(found, (seal.issuer, seal.leaf), seal.valid)
    asked = found.asked[seal.issuer, seal.leaf]
    open_ = [(change.change, change.effective) for change in asked if change.state in OPEN]
    return replace(on_chain, changes=(*on_chain.changes, *open_))


def _not_in_force(leaf: bytes, lapse: Lapse) -> ConflictError:
    """``day``: of ``since``, for people."""
    values = {"state": lapse.state, "since": lapse.since, "day": date_of(lapse.since)}
    return ConflictError("SEAL_NOT_IN_FORCE", seal=leaf.hex(), **values)


def _not_held(user: str, seal: RegisteredSeal) -> ConflictError:
    return ConflictError("SEAL_NOT_HELD", seal=seal.leaf.hex(), holder=seal.holder, organisation=user)


def _require_in_force(leaf: bytes, standing: SealStanding, moment: int) -> None:
    lapse = standing.lapse_at(moment)
    if lapse is not None:
        raise _not_in_force(leaf, lapse)


def _used_leaves(refs: Iterable[Reference]) -> list[bytes]:
    return [ref.leaf for ref in refs if ref.relation is Relation.USES]
