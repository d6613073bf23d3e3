"""Bulk import: resumable, exact about every row, and writing nothing when it only checks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ledger_world import World, check_ledger, write_rows

from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.registries import Kind
from ledger.errors import InputError, ZhengyinError
from ledger.services import import_rows, importing
from ledger.services.offline import Question
from scripts import demo_data


def snapshot(home: Path) -> dict[str, bytes]:
    """Digest of every file of the data folder (SQLite's shared memory is no content)."""
    return {
        str(p.relative_to(home)): hashlib.sha256(p.read_bytes()).digest()
        for p in sorted(home.rglob("*"))
        if p.is_file() and not p.name.endswith("-shm")
    }


def problem_codes(outcomes: list[import_rows.RowOutcome]) -> list[str | None]:
    return [o.problem.code if o.problem else None for o in outcomes]


def leaves(world: World) -> list[bytes]:
    with world.app.store.read() as unit:
        return [r.leaf for r in unit.records.waiting_rows(OFFICE_A, Kind.LICENSE)]


@pytest.mark.parametrize("fault", ["import.prepared", "import.committed"])
def test_an_import_that_was_killed_goes_on_where_it_stopped(world: World, tmp_path: Path, fault: str) -> None:
    source = write_rows(tmp_path / "rows.csv", 12)
    world.worker("import", str(source), fault=fault)
    stored = leaves(world)
    assert len(stored) == (0 if fault == "import.prepared" else 12)
    result, outcomes = world.import_rows(source)
    assert dict(result.counts) == {"new": 12}
    assert [o.line for o in outcomes] == list(range(2, 14))
    assert len({o.id for o in outcomes}) == 12
    assert set(stored) <= set(leaves(world))
    world.drain()
    assert check_ledger(world.app, stored) == 12
    with world.app.store.read() as unit:
        (job,) = unit.jobs.newest(5)
    assert (job.state, job.rows_done, job.new, job.existing, job.refused) == ("finished", 12, 12, 0, 0)


def test_an_import_killed_between_chunks_repeats_no_row(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_rows, "CHUNK_ROWS", 5)
    monkeypatch.setattr(importing, "WINDOW_ROWS", 5)
    source = write_rows(tmp_path / "rows.csv", 13)
    seen = 0

    class Killed(BaseException):
        pass

    def report(outcomes: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            raise Killed

    definition = world.app.types.get("real-estate-certificate")
    request = import_rows.ImportRequest(OFFICE_A, definition, source, tmp_path)
    with pytest.raises(Killed):
        world.app.importing.run(request, report)
    first = leaves(world)
    assert len(first) == 10
    world.close()
    result, outcomes = world.import_rows(source)
    assert dict(result.counts) == {"new": 13}
    assert [o.line for o in outcomes] == list(range(2, 15))
    assert leaves(world)[:10] == first
    world.drain()
    assert check_ledger(world.app, first) == 13


def test_a_finished_file_again_is_all_already_there(world: World, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "rows.csv", 4)
    _, first = world.import_rows(source)
    result, again = world.import_rows(source)
    assert dict(result.counts) == {"existing": 4}
    assert [o.id for o in again] == [o.id for o in first]
    world.drain()
    result, _ = world.import_rows(source)
    assert dict(result.counts) == {"existing": 4}
    assert check_ledger(world.app) == 4


def test_an_overlapping_export_adds_only_what_is_new(world: World, tmp_path: Path) -> None:
    world.import_rows(write_rows(tmp_path / "monday.csv", 4))
    result, _ = world.import_rows(write_rows(tmp_path / "tuesday.csv", 6))
    assert dict(result.counts) == {"existing": 4, "new": 2}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("chunk", [2, 5, 100])
def test_a_number_twice_in_one_file_is_refused_wherever_the_second_stands(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, check: bool
) -> None:
    monkeypatch.setattr(import_rows, "CHUNK_ROWS", chunk)
    monkeypatch.setattr(importing, "WINDOW_ROWS", chunk)
    rows = list(demo_data.real_estate_rows(6))
    source = tmp_path / "rows.csv"
    demo_data.write_csv(source, demo_data.REAL_ESTATE_HEADER, iter([*rows[:4], rows[1], *rows[4:], rows[5]]))
    result, outcomes = world.import_rows(source, check=check)
    assert dict(result.counts) == {"new": 6, "refused": 2}
    twice = [o for o in outcomes if o.problem]
    assert [(o.line, o.problem.code, o.problem.values["line"]) for o in twice if o.problem] == [
        (6, "IMPORT_TWICE", 3),
        (9, "IMPORT_TWICE", 8),
    ]
    if not check:
        _, again = world.import_rows(source)
        assert problem_codes(again) == problem_codes(outcomes)


def test_a_check_writes_nothing(world: World, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "rows.csv", 6, with_files=1)
    (tmp_path / "real-estate-0.pdf").write_bytes(b"%PDF")
    world.import_rows(source, check=True)  # opens what a command opens
    world.close()
    before = snapshot(world.home)
    result, _ = world.import_rows(source, check=True)
    assert dict(result.counts) == {"new": 6}
    world.close()
    assert snapshot(world.home) == before


def test_an_attached_file_is_bound_and_its_bytes_are_what_counts(world: World, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "rows.csv", 2, with_files=1)
    pdf = tmp_path / "real-estate-0.pdf"
    pdf.write_bytes(b"%PDF-1.7")
    _, outcomes = world.import_rows(source)
    assert problem_codes(outcomes) == [None, None]
    files = world.app.bundling.open(world.row(outcomes[0].id or "")).record.files
    assert [(f.sha256, f.size) for f in files] == [(hashlib.sha256(b"%PDF-1.7").digest(), 8)]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("missing.pdf", "IMPORT_FILE_MISSING"),
        ("../secret.pdf", "CELL_FILE_NAME"),
        ("/etc/passwd", "CELL_FILE_NAME"),
        ("link.pdf", "IMPORT_FILE_OUTSIDE"),
        (".", "CELL_FILE_NAME"),
    ],
)
def test_a_file_that_is_missing_or_lies_outside_refuses_its_row_only(
    world: World, tmp_path: Path, name: str, code: str
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (tmp_path / "secret.pdf").write_bytes(b"not yours")
    (folder / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    rows = [list(row) for row in demo_data.real_estate_rows(2)]
    rows[0][-2] = name
    source = folder / "rows.csv"
    demo_data.write_csv(source, demo_data.REAL_ESTATE_HEADER, (tuple(r) for r in rows))
    _, outcomes = world.import_rows(source)
    assert problem_codes(outcomes) == [code, None]


@pytest.mark.parametrize("name", ["../secret.pdf", "/etc/passwd", "a/../../secret.pdf"])
def test_no_name_leads_out_of_the_folder_of_attached_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "secret.pdf").write_bytes(b"not yours")
    with pytest.raises(InputError) as refused:
        import_rows.attached_file(tmp_path / "export", name)
    assert refused.value.code == "IMPORT_FILE_OUTSIDE"


def test_a_successor_of_an_unknown_number_is_refused(world: World, tmp_path: Path) -> None:
    rows = [list(row) for row in demo_data.real_estate_rows(2)]
    _, others = world.import_rows(write_rows(tmp_path / "others.csv", 1, first=500), check=True)
    rows[0][-1] = others[0].id or ""
    source = tmp_path / "rows.csv"
    demo_data.write_csv(source, demo_data.REAL_ESTATE_HEADER, (tuple(r) for r in rows))
    _, outcomes = world.import_rows(source)
    assert problem_codes(outcomes) == ["SUPERSEDES_UNKNOWN", None]


def test_bad_rows_are_refused_by_line_and_the_good_ones_issued(world: World, tmp_path: Path) -> None:
    rows = [list(row) for row in demo_data.real_estate_rows(5)]
    rows[1][3] = "4.49999E+17"  # as Excel shows an 18-digit number
    rows[2][12] = "2026-02-30"
    rows[3][1] = "甲\u202e乙"
    source = tmp_path / "rows.csv"
    demo_data.write_csv(source, demo_data.REAL_ESTATE_HEADER, (tuple(r) for r in rows))
    result, outcomes = world.import_rows(source)
    assert [o.outcome for o in outcomes] == ["new", "refused", "refused", "refused", "new"]
    assert [o.line for o in outcomes] == [2, 3, 4, 5, 6]
    world.drain()
    assert check_ledger(world.app) == 2
    assert world.app.verifying.by_id(outcomes[4].id or "", Question()).exit_code == 0
    assert result.counts["refused"] == 3


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", "不相干,的,表头\n1,2,3\n".encode()])
def test_a_file_that_is_no_such_export_is_refused_whole(world: World, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "rows.csv"
    source.write_bytes(content)
    with pytest.raises(ZhengyinError) as refused:
        world.import_rows(source)
    assert isinstance(refused.value, InputError)
    assert leaves(world) == []
