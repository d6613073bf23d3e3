"""Look-ups by number: who has the code is answered, and whoever guesses learns nothing, not even by the work done."""

from __future__ import annotations

import json
from hmac import compare_digest
from random import Random
from typing import Any

import pytest
from ledger_world import World

from ledger.core.keys import RecordKey
from ledger.core.tombstones import ErasureReason
from ledger.core.verification_code import parse_code
from ledger.crypto.blind_index import BlindIndex
from ledger.errors import InputError
from ledger.services import verifying
from ledger.services.offline import Question
from ledger.services.verifying import Verifying
from ledger.verification.lines import Headline
from ledger.verification.report import Report

PERSONAL, PUBLIC = "plain", "business"
UNKNOWN = "1.2.156.3005.2.111000000000002705001.11449999000000019F.99990001.001.I"
WRONG = "0123-4567-89AB-CDEF"


def code(world: World, name: str) -> str:
    found = world.app.codes.of([world.row(world.ids[name])])[0]
    assert found is not None
    return found


def ask(world: World, record_id: str, typed: str | None) -> Report:
    return world.app.verifying.number(record_id, typed, Question())


def shown(report: Report) -> str:
    return json.dumps(report.to_json(), sort_keys=True) + report.detailed("zh") + report.detailed("en")


def test_number_and_code_together_are_answered_in_full(shared_demo: World) -> None:
    report = ask(shared_demo, shared_demo.ids[PERSONAL], code(shared_demo, PERSONAL).lower())
    assert report.headline is Headline.VALID
    assert report.claims == shared_demo.app.bundling.open(shared_demo.row(shared_demo.ids[PERSONAL])).values


def test_a_public_type_answers_by_number_alone_and_with_public_fields_only(shared_demo: World) -> None:
    definition = shared_demo.app.types.get("business-license")
    report = ask(shared_demo, shared_demo.ids[PUBLIC], None)
    assert report.headline is Headline.VALID
    assert report.claims.keys() == {f.name for f in definition.fields if f.public}
    assert ask(shared_demo, shared_demo.ids[PUBLIC], code(shared_demo, PUBLIC)).claims.keys() >= report.claims.keys()


def test_a_type_with_private_fields_shows_them_with_the_code_only(demo: World) -> None:
    public = {"business-license": ("name",)}
    app = demo.app
    asked = Verifying(app.store, app.vault, app.bundling, app.index_key, public.get, app.trust.content, app.clock)
    row = demo.row(demo.ids[PUBLIC])
    app_code = code(demo, PUBLIC)
    known = next(d.code for d in app.types.all().values() if d.code == row.type)
    public[known] = ("name", "fieldOfALaterVersion")
    assert asked.number(demo.ids[PUBLIC], None, Question()).claims.keys() == {"name"}
    assert len(asked.number(demo.ids[PUBLIC], app_code, Question()).claims) > 1


def test_what_is_not_answered_is_not_answered_in_the_same_bytes(demo: World) -> None:
    erased = demo.row(demo.ids["spare"])
    erased_code = code(demo, "spare")
    demo.app.erasing.erase(erased.issuer, erased.leaf, ErasureReason.ORDERED)
    refused = [
        ask(demo, UNKNOWN, None),
        ask(demo, UNKNOWN, WRONG),
        ask(demo, demo.ids[PERSONAL], None),
        ask(demo, demo.ids[PERSONAL], WRONG),
        ask(demo, demo.ids[PERSONAL], code(demo, "filed")),
        ask(demo, demo.ids[PUBLIC], WRONG),
        ask(demo, demo.ids["spare"], erased_code),
        ask(demo, demo.ids["evidence"], None),
        ask(demo, "no number at all", WRONG),
    ]
    assert len({shown(report) for report in refused}) == 1
    assert (refused[0].headline, refused[0].exit_code) == (Headline.NOT_FOUND, 3)
    assert "NUMBER_NOT_FOUND" in shown(refused[0])


def test_what_is_no_code_is_said_to_be_none_whatever_is_stored(shared_demo: World) -> None:
    for record_id in (UNKNOWN, shared_demo.ids[PERSONAL], shared_demo.ids[PUBLIC]):
        with pytest.raises(InputError, match="CODE_LENGTH"):
            ask(shared_demo, record_id, WRONG[:-1])


def test_a_record_on_its_way_is_pending_for_its_holder_and_unknown_to_others(demo: World) -> None:
    seal = demo.issue_seal("在途")
    typed = demo.app.codes.of([demo.row(seal.id)])[0]
    assert [f.code for f in ask(demo, seal.id, typed).remarks] == ["RECORD_PENDING"]
    assert shown(ask(demo, seal.id, WRONG)) == shown(ask(demo, UNKNOWN, WRONG))


def test_whoever_can_write_rows_cannot_make_a_type_public(demo: World) -> None:
    """The row of a personal record is given a public type's name."""
    app, row = demo.app, demo.row(demo.ids[PERSONAL])
    public = {row.type: ("holder",)}

    def by_row_only(type_: str) -> tuple[str, ...] | None:
        return public.pop(type_, None)  # the row's word is believed once; the signed record's says otherwise

    asked = Verifying(app.store, app.vault, app.bundling, app.index_key, by_row_only, app.trust.content, app.clock)
    report = asked.number(demo.ids[PERSONAL], None, Question())
    assert (report.headline, report.claims) == (Headline.CANNOT_BE_DECIDED, {})


# ---- guessing -------------------------------------------------------------------------------------------------------


def test_a_million_guesses_at_a_known_number_find_nothing(shared_demo: World) -> None:
    rows = [shared_demo.row(shared_demo.ids[name]) for name in ("plain", "filed", "old", "new")]
    secrets = shared_demo.app.vault.get([r.vault for r in rows])
    codes = [RecordKey(secrets[r.vault]).verification_code() for r in rows]
    guesses = Random(20_261_122).randbytes(10 * 250_000)
    pieces = [guesses[at : at + 10] for at in range(0, len(guesses), 10)]
    assert sum(compare_digest(code_, guess) for code_ in codes for guess in pieces) == 0
    assert compare_digest(codes[0], parse_code(code(shared_demo, "plain")))


def test_a_million_numbers_against_a_stolen_index_find_nothing(shared_demo: World) -> None:
    """Numbers are consecutive, and the true ones are among the guesses; the key of the index is not in the database."""
    app = shared_demo.app
    with app.store.read() as unit:
        held = {row.id_hmac for b in unit.batches.in_states(("receipted",)) for row in unit.records.in_batch(b.row)}
    mine, true_ids = BlindIndex(Random(1).randbytes(32)), list(shared_demo.ids.values())
    stem = UNKNOWN.rsplit(".", 3)[0]
    found = sum(mine.id(f"{stem}.2026{n:07d}.001.I") in held for n in range(1_000_000 - len(true_ids)))
    assert found + sum(mine.id(true) in held for true in true_ids) == 0
    assert all(app.index_key.id(true) in held for true in true_ids)


def test_guesses_through_the_door_get_one_answer(shared_demo: World) -> None:
    random = Random(7)
    answers = set()
    for n in range(300):
        typed = "".join(random.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=16))
        record_id = (shared_demo.ids[PERSONAL], UNKNOWN)[n % 2]
        answers.add(shown(ask(shared_demo, record_id, typed if n % 3 else None)))
    assert len(answers) == 1


# ---- the same work --------------------------------------------------------------------------------------------------


class _Recorded:
    """A port that writes down each call by name, and by how much was asked for."""

    def __init__(self, inner: Any, calls: list[Any], name: str) -> None:
        self._inner, self._calls, self._name = inner, calls, name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in ("records", "chain"):
            return _Recorded(found, self._calls, name)
        if name == "glance":
            return lambda: _Opened(found(), self._calls)

        def act(*values: Any) -> Any:
            sizes = [len(v) for v in values if isinstance(v, list | tuple)]
            self._calls.append((self._name, name, *sizes))
            return found(*values)

        return act


class _Opened:
    def __init__(self, context: Any, calls: list[Any]) -> None:
        self._context, self._calls = context, calls

    def __enter__(self) -> _Recorded:
        self._calls.append("read")
        return _Recorded(self._context.__enter__(), self._calls, "unit")

    def __exit__(self, *rest: object) -> Any:
        return self._context.__exit__(*rest)


def work(world: World, monkeypatch: pytest.MonkeyPatch, record_id: str, typed: str | None) -> list[Any]:
    """Every call behind one answer, in order. There is no bundling at all: nothing is read from a segment or opened."""
    app, calls = world.app, list[Any]()
    derive = RecordKey.verification_code

    def derived(key: RecordKey) -> bytes:
        calls.append("derive")
        return derive(key)

    def compared(a: bytes, b: bytes) -> bool:
        calls.append(("compare", len(a), len(b)))
        return compare_digest(a, b)

    def public(type_: str) -> tuple[str, ...] | None:
        calls.append("public")
        return app.types.public_fields().get(type_)

    none: Any = None
    asked = Verifying(
        _Recorded(app.store, calls, "store"),
        _Recorded(app.vault, calls, "vault"),
        none,
        _Recorded(app.index_key, calls, "index"),  # type: ignore[arg-type]
        public,
        none,
        none,
    )
    with monkeypatch.context() as patched:
        patched.setattr(RecordKey, "verification_code", derived)
        patched.setattr(verifying, "compare_digest", compared)
        assert asked.number(record_id, typed, Question()).headline is Headline.NOT_FOUND
    return calls


def test_unknown_wrong_and_erased_cost_the_same_calls(demo: World, monkeypatch: pytest.MonkeyPatch) -> None:
    erased, unlinked = demo.row(demo.ids["spare"]), demo.row(demo.ids["filed"])
    demo.app.erasing.erase(erased.issuer, erased.leaf, ErasureReason.ORDERED)
    demo.app.vault.erase([unlinked.vault])  # as a crash in the middle of an erasure leaves it
    for typed in (WRONG, None):
        asked = (UNKNOWN, demo.ids[PERSONAL], demo.ids["spare"], demo.ids["filed"])
        first, *others = [work(demo, monkeypatch, record_id, typed) for record_id in asked]
        assert others == [first] * 3
        look_ups = [call for call in first if call[0] in ("records", "chain", "vault")]
        assert look_ups == [("chain", "cursor"), ("records", "find_ids"), ("vault", "get", 1)]
        assert [first.count("derive"), first.count(("compare", 10, 10))] == [1, 1]


def test_codes_of_ids_leave_out_what_is_unknown_or_erased(demo: World) -> None:
    row = demo.row(demo.ids["spare"])
    known = {demo.ids[n]: code(demo, n) for n in ("plain", "filed")}
    demo.app.vault.erase([row.vault])
    ids = [UNKNOWN, demo.ids["spare"], *known]
    assert demo.app.codes.of_ids(row.issuer, row.kind, ids) == known
