"""After an erasure nothing of it is left in any file, under any spelling."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from ledger_world import World

from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.registries import Reason, State
from ledger.core.tombstones import ErasureReason
from ledger.ports import RecordRow
from ledger.services.offline import Question
from ledger.services.statuses import ChangeRequest
from ledger.settings import load_settings
from ledger.verification.lines import Headline
from scripts import demo_data

NAME, NUMBER, TOWN = "欧阳霁蘅阿不都热西提", "11010519491231002X", "示范市乙区埋名巷7号"


def headline(world: World, name: str) -> Headline:
    return world.app.verifying.by_id(world.ids[name], Question()).headline


def _by_leaf(world: World, leaf: bytes) -> RecordRow:
    with world.app.store.read() as unit:
        row = unit.records.by_leaf(leaf)
    assert row is not None
    return row


def spellings(text: str) -> Iterator[bytes]:
    """The bytes under which a text may lie in a file: encodings, and their base64 and hexadecimal forms."""
    for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-32-le"):
        yield from disguises(text.encode(encoding))
    yield text.encode("unicode_escape")


def disguises(raw: bytes) -> Iterator[bytes]:
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):  # base64 of a longer text holds one of three spellings of its middle
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            inner = encode(bytes(shift) + raw)
            yield inner[4 if shift else 0 : len(inner) // 4 * 4 - 4] or inner


def found_below(folder: Path, wanted: dict[str, set[bytes]], since: float = 0) -> list[tuple[str, str]]:
    """(file, what) of everything wanted that stands in a file or its name; WAL and journals are files, too.
    ``since``: last written then or later."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_mtime >= since):
        data = path.read_bytes() + os.fsencode(path.relative_to(folder))
        found += [(path.name, what) for what, forms in wanted.items() if any(form in data for form in forms)]
    return found


def found_of(world: World, wanted: dict[str, set[bytes]], since: float) -> list[tuple[str, str]]:
    """In the data folder, and in the files of the database server where there is one."""
    database = str(load_settings(world.home).database)
    if not database.startswith("postgresql"):
        return found_below(world.home, wanted)
    with psycopg.connect(database, autocommit=True) as server:
        server.execute("CHECKPOINT")  # pages that only memory holds would hide what they hold
        (data,) = server.execute("SHOW data_directory").fetchone() or ("",)
    return found_below(world.home, wanted) + found_below(Path(data), wanted, since)


def test_a_planted_name_is_found_nowhere_afterwards(demo: World, tmp_path: Path) -> None:
    app, since = demo.app, time.time() - 1
    _, *others = demo_data.real_estate_rows(3)
    row = list(next(iter(demo_data.real_estate_rows(1))))
    row[0], row[2], row[3], row[6], row[13] = "90000001", NAME, NUMBER, TOWN, "deed.pdf"
    rows = [tuple(row), *((f"8{n}", *o[1:]) for n, o in enumerate(others))]
    source = tmp_path / "table.csv"
    (tmp_path / "deed.pdf").write_bytes(f"%PDF-1.7 {NAME}".encode())
    demo_data.write_csv(source, demo_data.REAL_ESTATE_HEADER, iter(rows))
    _, outcomes = demo.import_rows(source)
    record_id = outcomes[0].id or ""
    demo.ids["planted"] = record_id
    demo.drain()
    target = demo.row(record_id)
    request = ChangeRequest(
        OFFICE_A, target.leaf, State.SUSPENDED, int(demo.clock()), Reason.DETAINED, f"{NAME}（{NUMBER}）暂扣"
    )
    app.statuses.request(OFFICE_A, [request])
    demo.drain()
    report = app.verifying.number(record_id, app.codes.of([target])[0], Question())
    assert NAME in str(report.claims)
    key = app.vault.get([target.vault])[target.vault]
    with app.store.read() as unit:
        (entry,) = unit.chain.entries(OFFICE_A, target.leaf)
    statement = _by_leaf(demo, entry.entry.statement)
    statement_key = app.vault.get([statement.vault])[statement.vault]
    wanted = {word: set(spellings(word)) for word in (NAME, NUMBER, TOWN, record_id)}
    wanted |= {"key": set(disguises(key)), "key of the decision": set(disguises(statement_key))}
    assert min(len(form) for forms in wanted.values() for form in forms) >= 12  # none that chance writes
    before = {what for _, what in found_below(demo.home, wanted)}
    assert before <= {"key", "key of the decision"}  # the content is encrypted from the first byte on

    app.erasing.erase(target.issuer, target.leaf, ErasureReason.CONSENT_WITHDRAWN, None)
    assert found_of(demo, wanted, since) == []  # while everything is open, the WAL with it
    demo.drain()
    app.indexing.rebuild()
    assert found_below(demo.home, wanted) == []
    assert headline(demo, "planted") is Headline.NOT_FOUND
    demo.close()
    assert found_of(demo, wanted, since) == []
    assert found_below(tmp_path, wanted)  # the search finds what is there: the office's own table, which it must delete


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le"])
@pytest.mark.parametrize("form", ["raw", "hex", "base64"])
def test_the_search_finds_a_name_in_every_disguise(tmp_path: Path, encoding: str, form: str) -> None:
    for lead in (b"", b"a", b"ab"):
        data = lead + f"权利人：{NAME}。".encode(encoding)
        data = {"raw": data, "hex": data.hex().encode(), "base64": base64.b64encode(data)}[form]
        (tmp_path / "file").write_bytes(b"\0" * 5 + data)
        assert found_below(tmp_path, {NAME: set(spellings(NAME))}) == [("file", NAME)]
