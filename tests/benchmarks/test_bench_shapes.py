"""The benchmarks run on tiny sizes and write the agreed JSON; nothing here looks at how fast they are."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
import rfc8785
from postgres_server import PostgresServer

from ledger.core.canonical import b64, encode
from ledger.core.disclosures import Disclosure
from ledger.core.rows import RowReader
from ledger.core.spreadsheet import open_csv
from ledger.outside.demo_pki.pki import DemoPki
from scripts import bench
from scripts.benchmarks import (
    audit,
    bulk_import,
    canonical_bytes,
    offline,
    online,
    pairs,
    status_changes,
    trust,
    two_workers,
)
from scripts.benchmarks import office as offices
from scripts.benchmarks.pairs import Result, Sizes, Spent

TINY = Sizes(records=40, checks=8, documents=30, pairs=1)
KEYS = {"name", "ratio", "goal", "better", "pairs", "control"}


@pytest.fixture(scope="module")
def place() -> Iterator[offices.Office]:
    with offices.office() as made:
        yield made


def test_rows_are_written_in_the_agreed_shape(tmp_path: Path) -> None:
    results = [
        Result("fast", 0.51239, 0.5, "higher", 7, 1.01, 0.5),
        Result("shaky", None, 0.5, "higher", 7, 1.31),
        Result("late", 0.6, 0.5, "lower", 7, 1.0),
    ]
    bench.write(tmp_path / "build" / "bench.json", results)
    rows = json.loads((tmp_path / "build" / "bench.json").read_text("utf-8"))
    assert rows[0] == {
        "name": "fast", "ratio": 0.5124, "goal": 0.5, "better": "higher", "pairs": 7, "control": 1.01
    }  # fmt: skip
    assert all(set(row) == KEYS for row in rows) and rows[1]["ratio"] is None
    assert [result.reached for result in results] == [True, False, False]
    assert bench.table(results).row_count == 3


def clock(monkeypatch: pytest.MonkeyPatch, costs: Iterator[float]) -> None:
    monkeypatch.setattr(pairs, "spend", lambda work: Spent(cost := next(costs), cost))


def test_the_ratio_is_the_median_against_the_yardstick(monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, iter([1.0, 4.0, 1.0] * 4 + [1.0, 40.0, 1.0]))
    found = pairs.against("x", 0.2, lambda: None, lambda: None, 5)
    assert (found.ratio, found.control, found.pairs, found.reached) == (0.25, 1.0, 5, True)


def test_an_unsteady_control_gives_no_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, iter([1.0, 4.0, 2.0] * 1000))
    found = pairs.against("x", 0.2, lambda: None, lambda: None, 5)
    assert found.ratio is None and found.control == 0.5 and not found.reached


def test_an_unsteady_moment_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, iter([1.0, 1.3] * 5 + [0.4, 0.4] * 5))
    found = pairs.seconds("x", 0.5, lambda: None, 5)
    assert (found.ratio, found.control, found.better, found.reached) == (0.4, 1.0, "lower", True)


def test_generated_documents_are_varied_and_agree_with_rfc8785() -> None:
    source = random.Random(7)
    documents = [canonical_bytes.generated(source) for _ in range(300)]
    assert all(encode(document) == rfc8785.dumps(document) for document in documents)
    assert len({encode(document) for document in documents}) > 200
    assert canonical_bytes.differences(30, processes=1) == 0


def test_canonical_rows_have_a_record_of_about_a_kilobyte() -> None:
    assert 900 < len(canonical_bytes.record(1).to_bytes()) < 1150
    names = [result.name for result in canonical_bytes.run(TINY)]
    assert len(names) == 2 and names[1].startswith("documents of 30 ")


def test_the_table_is_whole_and_every_cell_is_read_back(place: offices.Office) -> None:
    place.new_table(3)
    with place.table.open("rb") as stream:
        (_, header), *lines = open_csv(stream)
    reader = RowReader(place.definition, header, offices.OFFICE)
    rows = [reader.read(cells) for _, cells in lines]
    assert reader.unused == () and len({row.identifier for row in rows}) == 3
    assert all(len(row.values) == 10 and None not in row.values.values() for row in rows)


def test_the_yardstick_hashes_what_the_ledger_hashes() -> None:
    read = orjson.loads(bulk_import.source(1))
    assert orjson.dumps(read["record"], option=orjson.OPT_SORT_KEYS) == canonical_bytes.record(1).to_bytes()
    salt, name, value = read["claims"][0]
    assert sha256(b"\x10" + orjson.dumps([salt, name, value])).digest() == Disclosure(name, value, bytes(32)).digest()
    assert salt == b64(bytes(32)) and len(read["claims"]) == 10
    bulk_import.bare([bulk_import.source(1)])


def test_a_table_is_imported_to_the_receipt_and_a_lost_row_is_no_result(place: offices.Office) -> None:
    place.new_table(5)
    place.import_table(5)
    with pytest.raises(RuntimeError, match="5 rows"):
        place.import_table(5)  # the same file again: nothing new


def test_offline_samples_are_proved_by_the_batch(place: offices.Office) -> None:
    bundle = offline.one_bundle(place)
    proved, proofs = offline.batch_of(place, bundle)
    assert proved.size == 1 << 16 and len(proofs[0][2]) == offline.LEVELS
    offline.check(proved, proofs[:8])
    offline.bare(proofs[:8])


def test_an_audit_is_measured_in_seconds_and_only_where_it_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(name: str, goal: float, work: pairs.Work, count: int) -> Result:
        work()
        return Result(name, 0.5, goal, "lower", count, 1.0)

    monkeypatch.setattr(audit, "seconds", once)
    (row,) = audit.run(TINY)
    assert (row.goal, row.better) == (TINY.records / 20_000, "lower")


def test_online_verification_is_measured_against_a_trivial_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is fast and steady by decree; the load itself is real, once."""
    monkeypatch.setattr(online, "SECONDS", 0.2)
    monkeypatch.setattr(online, "NUMBERS", 2)
    monkeypatch.setattr(online, "ROUNDS", 1)
    monkeypatch.setattr(online, "ACCEPTED", 1)
    monkeypatch.setattr(online, "TOLERANCE", 1e9)
    rows = list(online.run(TINY))
    assert [row.name for row in rows] == ["online_verify", "online_verify_p99", "accept_to_receipt_p95"]
    assert all(row.ratio is not None and row.ratio > 0 for row in rows)


def test_changes_of_status_are_measured_until_all_are_final() -> None:
    (row,) = status_changes.run(Sizes(scale=3 * status_changes.PART))
    assert (row.goal, row.better) == (300.0, "lower") and row.name.endswith("(3 measured)")
    assert row.ratio == pytest.approx((row.wall or 0) * status_changes.ALL / 3)


def test_two_workers_import_every_table_whole(postgresql: PostgresServer) -> None:
    """Of a row that needs a quiet machine only the work is tried, not the figure."""
    with offices.office(postgresql.url(postgresql.create())) as place:
        (place.app.settings.home / "types" / "benchmark.toml").write_text(offices.type_file(), encoding="utf-8")
        assert two_workers.turn(place, 3, 2) > 0
        with place.app.store.read() as unit:
            assert unit.records.counts()["receipted"] == 3 * two_workers.TABLES
        assert postgresql.cpu() > 0


def test_a_record_of_a_proved_batch_is_measured_with_and_without_its_signature(place: offices.Office) -> None:
    found = trust.second_record(place, TINY)
    assert (found.better, found.goal) == ("higher", trust.SECOND_RECORD)


def test_paths_and_sealed_documents_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("PATHS", 2), ("LEAVES", 2), ("PDFS", 1)):
        monkeypatch.setattr(trust, name, size)
    now = int(time.time())
    made = DemoPki.create(tmp_path / "pki", now, 1, ("ca-i",))
    rows = [trust.paths("P-256", made, "ca-i", now, TINY), trust.pdf_seals(made, now, TINY)]
    assert {row.better for row in rows} == {"lower"}
