"""Uses of e-seals: whoever may not use a seal leaves no use, and what was used all the same is seen."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ledger_world import World, check_ledger

from ledger.assembly.auditing import audit
from ledger.assembly.demo_plan import COURT, OFFICE_A, OFFICE_B
from ledger.core.identifiers import new_urn
from ledger.core.records import FileDigest, Reference
from ledger.core.registries import Kind, Reason, Relation, State
from ledger.core.seal_uses import day_of, name_of
from ledger.core.tombstones import ErasureReason
from ledger.crypto.digests import digest_path, sm3
from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.services import import_rows
from ledger.services.accepting import Draft
from ledger.services.acting import RecordsAct
from ledger.services.import_rows import ImportRequest, RowOutcome
from ledger.services.issuing import Accepted
from ledger.services.offline import Question
from ledger.services.seals import use_values
from ledger.services.statuses import ChangeRequest

DAY = 86_400


def digest(name: str) -> FileDigest:
    data = name.encode()
    return FileDigest(len(data), hashlib.sha256(data).digest(), sm3(data))


def register(world: World, owner: str = OFFICE_A, **more: Any) -> Accepted:
    values = {"name": "专用章", "owner": owner, "sealType": "业务专用章", "certificate": "demo", **more}
    valid = (values.get("validFrom"), values.get("validUntil"))
    return world.app.issuing.issue(OFFICE_A, world.app.types.get("seal"), values, valid=valid)


def use(world: World, seal: str, user: str = OFFICE_A, document: str = "a", at: int | None = None) -> Accepted:
    when = int(world.clock()) if at is None else at
    values = {"seal": seal, "usedAt": when, "reason": "办理登记", "operator": "张三", **use_values(digest(document))}
    return world.app.issuing.issue(user, world.app.types.get("seal-use"), values)


def counts(world: World, seal: Accepted) -> list[tuple[str, int]]:
    with world.app.store.read() as unit:
        return [(name_of(day), count) for day, count in unit.seal_uses.counts(seal.leaf)]


def table(path: Path, rows: list[tuple[str, ...]]) -> Path:
    header = ("印章", "用印时间", "原文SHA-256", "原文SM3", "原文字节数", "用印事由", "经办人")
    path.write_text("".join(",".join(row) + "\r\n" for row in [header, *rows]), "utf-8")
    return path


def row(seal: str, when: str, document: str) -> tuple[str, ...]:
    found = digest(document)
    return seal, when, found.sha256.hex(), found.sm3.hex().upper(), str(found.size), "批量用印", "李四"


def import_uses(world: World, path: Path, check: bool = False) -> list[RowOutcome]:
    outcomes: list[RowOutcome] = []
    request = ImportRequest(OFFICE_A, world.app.types.get("seal-use"), path, path.parent, check=check)
    world.app.importing.run(request, outcomes.extend)
    return outcomes


def test_a_use_names_its_seal_its_document_and_nobody(world: World) -> None:
    seal = register(world)
    made = use(world, seal.id, document="合同")
    opened = world.app.bundling.open(world.row(made.id))
    (reference,) = opened.record.refs
    assert (reference.relation.word, reference.issuer, reference.leaf) == ("uses", OFFICE_A, seal.leaf)
    assert opened.record.files == (digest("合同"),)
    assert opened.values["seal"] == seal.leaf.hex()
    assert (
        opened.values["operator"]
        == world.app.seals.pseudonym(OFFICE_A, "张三")
        != world.app.seals.pseudonym(OFFICE_B, "张三")
    )
    assert "张三" not in str(opened)
    world.drain()
    check_ledger(world.app, [made.leaf, seal.leaf])
    assert counts(world, seal) == [("2026-09-21", 1)]


@pytest.mark.parametrize("state", [State.SUSPENDED, State.REVOKED])
def test_a_seal_that_was_stopped_is_not_used(world: World, state: State) -> None:
    seal = register(world)
    world.drain()
    since = int(world.clock())
    world.change(seal.leaf, state)
    with pytest.raises(ConflictError) as caught:  # asked for, and not on the chain yet
        use(world, seal.id)
    assert caught.value.code == "SEAL_NOT_IN_FORCE"
    expected = {"seal": seal.leaf.hex(), "state": state.word, "since": since, "day": "2026-09-21"}
    assert caught.value.values == expected
    world.drain()
    with pytest.raises(ConflictError, match="SEAL_NOT_IN_FORCE"):
        use(world, seal.leaf.hex())
    assert counts(world, seal) == []
    if state is State.SUSPENDED:
        world.clock.now += 10
        world.change(seal.leaf, State.ACTIVE, Reason.RETURNED)
        use(world, seal.id)
        assert [count for _, count in counts(world, seal)] == [1]


def test_a_seal_that_is_over_or_not_yet_valid_or_frozen_is_not_used(world: World) -> None:
    over = register(world, validFrom="2020-01-01", validUntil="2026-09-20")
    early = register(world, validFrom="2026-09-22")
    with pytest.raises(ConflictError) as caught:
        use(world, over.id)
    assert (caught.value.values["state"], caught.value.values["since"]) == ("expired", 1_789_920_000)
    use(world, over.id, at=1_789_920_000 - 1)  # its last second
    with pytest.raises(ConflictError, match="SEAL_NOT_IN_FORCE"):
        use(world, early.id)
    seal = register(world)
    world.drain()
    world.act(RecordsAct.FREEZE, COURT, OFFICE_A, seal.leaf)
    world.drain()
    with pytest.raises(ConflictError) as caught:
        use(world, seal.id)
    assert caught.value.values["state"] == "frozen"


def test_only_the_holder_uses_a_seal(world: World) -> None:
    seal, other = register(world), register(world, owner=OFFICE_B)
    with pytest.raises(ConflictError, match="SEAL_NOT_HELD"):
        use(world, seal.id, OFFICE_B)
    with pytest.raises(ConflictError, match="SEAL_NOT_HELD"):
        use(world, other.id)  # whoever registers a seal does not hold it for that
    use(world, other.id, OFFICE_B)
    world.drain()
    check_ledger(world.app)


def test_what_is_no_use_is_refused(world: World) -> None:
    seal = register(world)
    with pytest.raises(NotFoundError, match="SEAL_UNKNOWN"):
        use(world, "urn:zhengyin:" + "a" * 26)
    with pytest.raises(NotFoundError, match="SEAL_UNKNOWN"):
        use(world, use(world, seal.id).id)  # a use is no seal
    with pytest.raises(InputError, match="SEAL_USE_FUTURE"):
        use(world, seal.id, at=int(world.clock()) + DAY)
    definition = world.app.types.get("seal-use")
    values = {"seal": seal.id, "usedAt": int(world.clock()), "reason": "x", "operator": "y"}
    for wrong in ({**use_values(digest("a")), "documentSm3": "g" * 64}, {**use_values(digest("a")), "documentSm3": ""}):
        with pytest.raises(InputError, match="SEAL_USE_DIGEST"):
            world.app.issuing.issue(OFFICE_A, definition, values | wrong)
    with pytest.raises(InputError, match="SEAL_USE_DIGEST"):
        world.app.issuing.issue(OFFICE_A, definition, values | use_values(digest("a")), files=[digest("b")])


def test_a_seal_stopped_between_the_look_and_the_record_is_not_used(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = register(world)
    world.drain()
    stage = world.app.acceptor.stage

    def stopped_meanwhile(group: Any) -> Any:
        monkeypatch.undo()
        world.change(seal.leaf, State.SUSPENDED)
        return stage(group)

    monkeypatch.setattr(world.app.acceptor, "stage", stopped_meanwhile)
    with pytest.raises(ConflictError, match="SEAL_NOT_IN_FORCE"):
        use(world, seal.id)
    assert counts(world, seal) == []
    world.drain()
    check_ledger(world.app)


def test_uses_come_as_a_table_and_count_by_seal_and_day(world: World, tmp_path: Path) -> None:
    first, second = register(world), register(world)
    rows = [row(first.id, f"2026-09-{1 + n % 3:02d} 23:59:59", f"d{n}") for n in range(298)]
    rows += [row(second.leaf.hex(), "2026-09-02 00:00", "x"), row("urn:zhengyin:nothing", "2026-09-02 00:00", "y")]
    rows += [row(second.id, "2027-09-02 00:00", "z")]
    path = table(tmp_path / "uses.csv", rows)
    assert [o.outcome for o in import_uses(world, path, check=True)].count("new") == 299
    outcomes = import_uses(world, path)
    assert [o.outcome for o in outcomes[:299]] == ["new"] * 299
    assert [o.problem.code for o in outcomes[299:] if o.problem] == ["SEAL_UNKNOWN", "SEAL_USE_FUTURE"]
    assert [o.outcome for o in import_uses(world, path)][:299] == ["existing"] * 299
    world.drain()
    expected = [("2026-09-01", 100), ("2026-09-02", 99), ("2026-09-03", 99)]
    assert counts(world, first) == expected
    assert counts(world, second) == [("2026-09-02", 1)]
    with world.app.store.read() as unit:
        day = day_of(1_788_220_800)
        assert unit.seal_uses.counts(first.leaf, day + 1, day + 1) == [(day + 1, 99)]
        page = unit.seal_uses.of_day(first.leaf, day, 0, 60)
        rest = unit.seal_uses.of_day(first.leaf, day, page[-1], 60)
        assert (len(page), len(rest)) == (60, 40)
        assert [r.row for r in unit.records.by_rows(page)] == page
        assert world.app.bundling.open(unit.records.by_rows(page)[0]).values["usedAt"] // DAY == day
    assert audit(world.app)[0].findings == ()
    made = world.app.rebuild()
    assert made.records >= 301
    assert counts(world, first) == expected
    assert audit(world.app)[0].findings == ()


def test_uses_after_the_end_of_a_seal_are_refused_line_by_line(world: World, tmp_path: Path) -> None:
    seal = register(world)
    world.drain()
    world.change(seal.leaf, State.SUSPENDED)
    world.drain()
    world.clock.now += DAY
    path = table(tmp_path / "uses.csv", [row(seal.id, "2026-09-20 10:00", "a"), row(seal.id, "2026-09-22 10:00", "b")])
    before, after = import_uses(world, path)
    assert (before.outcome, after.outcome) == ("new", "refused")
    assert after.problem is not None and after.problem.code == "SEAL_NOT_IN_FORCE"


@pytest.mark.parametrize("when", ["between two chunks", "in the last instant"])
def test_a_seal_stopped_while_its_table_is_read_takes_no_later_use(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Each row by its own instant: what was used before the end of the seal stays, in whichever chunk it is."""
    seal, other = register(world), register(world)
    world.drain()
    monkeypatch.setattr(import_rows, "CHUNK_ROWS", 2)
    importing, since = world.app.importing, int(world.clock())
    world.clock.now += 60
    request = ChangeRequest(OFFICE_A, seal.leaf, State.SUSPENDED, since, Reason.DETAINED, "决定 1")
    take, store = importing._take, importing._store_rows

    def take_and_stop(*given: Any) -> None:
        take(*given)
        if not waiting:
            waiting.append(world.app.statuses.request(OFFICE_A, [request]))

    def stop_and_store(*given: Any) -> None:
        if not waiting:
            waiting.append(world.app.statuses.request(OFFICE_A, [request]))
        store(*given)

    waiting: list[Any] = []
    if when == "between two chunks":
        monkeypatch.setattr(importing, "_take", take_and_stop)
    else:
        monkeypatch.setattr(importing, "_store_rows", stop_and_store)

    def at(moment: int) -> str:
        return f"{datetime.fromtimestamp(moment, timezone(timedelta(hours=8))):%Y-%m-%d %H:%M:%S}"

    rows = [row(seal.id, at(since), "a"), row(seal.id, at(since - 1), "b"), row(other.id, at(since), "c")]
    rows += [row(seal.id, at(since + 9), "d"), row(seal.id, at(since - DAY), "e")]
    outcomes = import_uses(world, table(tmp_path / "uses.csv", rows))
    assert [o.outcome for o in outcomes] == ["refused", "new", "new", "refused", "new"]
    assert {o.problem.code for o in outcomes if o.problem} == {"SEAL_NOT_IN_FORCE"}
    assert (sum(n for _, n in counts(world, seal)), sum(n for _, n in counts(world, other))) == (2, 1)
    again = import_uses(world, tmp_path / "uses.csv")
    assert [o.outcome for o in again] == ["refused", "existing", "existing", "refused", "existing"]
    monkeypatch.undo()
    world.drain()
    check_ledger(world.app)


def test_an_erased_use_is_not_counted_any_more(world: World) -> None:
    seal = register(world)
    kept, gone = use(world, seal.id), use(world, seal.id, document="b")
    world.drain()
    assert [count for _, count in counts(world, seal)] == [2]
    world.app.erasing.erase(OFFICE_A, gone.leaf, ErasureReason.ORDERED)
    world.drain()
    assert [count for _, count in counts(world, seal)] == [1]
    page = world.app.seals.uses(world.app.seals.find(seal.id), day_of(int(world.clock())), 0, 10)
    assert [found.id for found in page.uses] == [kept.id]
    assert audit(world.app)[0].findings == ()


def test_counting_looks_at_no_other_seal(world: World) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(world.app.settings.database_url())
    with engine.connect() as rows:
        for condition in ("seal = 1", "seal = 1 AND day = 2"):
            query = f"EXPLAIN QUERY PLAN SELECT day, count(*) FROM seal_uses WHERE {condition} GROUP BY day"  # noqa: S608
            (plan,) = [r[-1] for r in rows.execute(text(query))]
            assert plan.startswith("SEARCH seal_uses USING COVERING INDEX ix_seal_uses_seal (seal=?")
    engine.dispose()


def test_a_file_that_was_sealed_leads_to_its_use(world: World, tmp_path: Path) -> None:
    seal = register(world)
    (tmp_path / "c.txt").write_bytes("合同".encode())
    made = use(world, seal.id, document="合同")
    with world.app.store.read() as unit:
        found = unit.records.by_file(world.app.index_key.file(digest_path(tmp_path / "c.txt").sha256))
    assert [r.leaf for r in found] == [made.leaf]


def codes(world: World, made: Accepted) -> dict[str, Any]:
    report = world.app.verifying.by_id(made.id, Question())
    return {f.code: (f.outcome.value, f.values) for s in report.steps for f in s.findings} | {
        "": report.indication.value
    }


def smuggled(world: World, seal: Accepted, user: str = OFFICE_A, at: int = 0) -> Accepted:
    """A use by software that does not ask how the seal stands."""
    values = {f.name: None for f in world.app.types.get("seal-use").fields}
    values |= {"seal": seal.leaf.hex(), "usedAt": at or int(world.clock()), "reason": "r", "operator": "0" * 32}
    reference = Reference(Relation.USES, OFFICE_A, seal.leaf)
    draft = Draft("seal-use", new_urn(bytes(16)), values, refs=(reference,))
    prepared = world.app.acceptor.prepare(user, Kind.SEAL_USE, [draft], int(world.clock()))
    world.app.acceptor.commit([prepared])
    return Accepted(draft.id, prepared.leaves[0])


def test_a_use_of_a_seal_in_force_verifies_and_says_so(world: World) -> None:
    seal = register(world)
    made = use(world, seal.id)
    world.drain()
    found = codes(world, made)
    assert found["STATUS_SEAL_USED"][1]["seal"] == seal.leaf.hex()
    assert found[""] == "TOTAL-PASSED"


def test_a_use_while_its_seal_was_suspended_is_shown(world: World) -> None:
    seal = register(world)
    world.drain()
    since = int(world.clock())
    world.change(seal.leaf, State.SUSPENDED)
    world.drain()
    world.clock.now += 10
    made = smuggled(world, seal)
    world.drain()
    outcome, values = codes(world, made)["STATUS_SEAL_NOT_IN_FORCE"]
    assert (outcome, values["state"], values["since"]) == ("undetermined", "suspended", since)
    assert codes(world, made)[""] == "INDETERMINATE"
    words = world.app.verifying.by_id(made.id, Question()).short("zh")
    assert f"印章 {seal.leaf.hex()} 已不在有效状态：暂停" in words


def test_a_use_dated_back_before_the_end_of_its_seal_is_not_believed(world: World) -> None:
    seal = register(world)
    world.drain()
    world.change(seal.leaf, State.REVOKED)
    world.drain()
    made = smuggled(world, seal, at=int(world.clock()) - DAY)
    world.drain()
    found = codes(world, made)
    assert found["STATUS_SEAL_USE_LATE"][0] == "undetermined"
    assert found[""] == "INDETERMINATE"


def test_a_use_by_another_than_the_holder_is_shown(world: World) -> None:
    seal = register(world)
    made = smuggled(world, seal, OFFICE_B)
    world.drain()
    assert codes(world, made)["STATUS_SEAL_NOT_HELD"][1]["holder"] == OFFICE_A
