"""A ledger of its own for a benchmark: one registration office on an embedded chain, and tables to import."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from ledger.assembly.app import App
from ledger.assembly.founding import AuthorityPlan, Founder, Plan, found
from ledger.core.identifiers import make_license_identifier
from ledger.core.registries import Kind
from ledger.core.typefiles import TypeDefinition, parse_type_file
from ledger.services.import_rows import EXISTING, NEW, ImportRequest
from ledger.settings import load_settings
from scripts.postgres_server import PostgresServer, programs

OFFICE, COUNCIL = "114401000700000148", "114401000700040158"
TYPE = "11100000MB03271699001"
DRAIN_SECONDS = 300.0

FIELDS = (
    ("certificateNumber", "text", False),
    ("holderName", "text", True),
    ("holderCode", "citizenNumber", True),
    ("coOwnership", "text", False),
    ("unitNumber", "code", False),
    ("location", "text", True),
    ("rightType", "text", False),
    ("usage", "text", False),
    ("area", "text", False),
    ("registeredOn", "date", False),
)
"""Ten claims: (name, kind, personal), as a real-estate certificate has them."""


def definition() -> TypeDefinition:
    return parse_type_file(type_file())


def type_file() -> str:
    """The type as a ledger's ``types`` folder keeps it."""
    lines = [f'code = "{TYPE}"', 'kind = "license"', 'name = { zh = "基准", en = "Benchmark" }']
    lines += ['identifier = { serial = "serial" }', 'valid = { rule = "field", from = "registeredOn" }']
    for name, kind, personal in FIELDS:
        lines += ["[[fields]]", f'name = "{name}"', f'column = "{name}"', f'kind = "{kind}"', "required = true"]
        lines += [f'label = {{ zh = "{name}", en = "{name}" }}', f"personal = {str(personal).lower()}"]
        lines += ["length = 28"] if kind == "code" else []
    return "\n".join(lines)


def values(number: int) -> dict[str, Any]:
    """The claims of license ``number``: every one its own, nothing random."""
    day = f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}"
    return {
        "certificateNumber": f"粤（2026）示范甲市不动产权第{number:07d}号",
        "holderName": f"张{number}",
        "holderCode": _citizen_number(number),
        "coOwnership": "单独所有",
        "unitNumber": f"440106004003GB{number % 100_000:05d}F{number % 10_000:04d}{number % 1000:04d}",
        "location": f"示范甲市天河区示范路{number % 500}号{number % 40}单元{number % 3000}室",
        "rightType": "国有建设用地使用权/房屋所有权",
        "usage": "住宅",
        "area": f"{50 + number % 200}.{number % 100:02d}平方米",
        "registeredOn": day,
    }


def _citizen_number(number: int) -> str:
    born = f"{1950 + number % 50}{1 + number % 12:02d}{1 + number % 28:02d}"
    body = f"440106{born}{number % 1000:03d}"
    return body + "10X98765432"[sum(int(d) * pow(2, 17 - at, 11) for at, d in enumerate(body)) % 11]


@dataclass
class Office:
    """``new_table`` and ``import_table`` take turns: a table is imported once."""

    app: App
    folder: Path
    definition: TypeDefinition
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def table(self) -> Path:
        return self.folder / "table.csv"

    def new_table(self, rows: int) -> None:
        with self.table.open("w", encoding="utf-8", newline="") as file:
            file.write(",".join(["serial", *(name for name, _, _ in FIELDS)]) + "\r\n")
            for number in (next(self._numbers) for _ in range(rows)):
                file.write(",".join([f"{number:010d}", *values(number).values()]) + "\r\n")

    def import_table(self, rows: int) -> None:
        """From the CSV to the receipt of the anchored batch.

        Raises:
            RuntimeError: not every row became a record with a receipt; a benchmark of less would be a lie.
        """
        request = ImportRequest(OFFICE, self.definition, self.table, self.folder)
        result = self.app.importing.run(request, lambda _: None)
        done = self.app.outbox.drain(DRAIN_SECONDS)
        if result.counts[NEW] != rows or result.counts[EXISTING] or done.open or done.problems:
            raise RuntimeError(f"{dict(result.counts)} of {rows} rows, {done}")

    def issue(self, number: int) -> bytes:
        """The leaf of one license, issued and anchored."""
        identifier = make_license_identifier(TYPE, OFFICE, f"{number:010d}")
        accepted = self.app.issuing.issue(OFFICE, self.definition, values(number), id_=identifier)
        self.app.outbox.drain(DRAIN_SECONDS)
        return accepted.leaf


@contextmanager
def office(database: str = "") -> Iterator[Office]:
    """A new ledger in a temporary folder, removed at the end; its rows in a file there, or in ``database``."""
    plan = Plan(
        founders=(Founder(OFFICE, "示范甲市不动产登记中心", "CN-440100", "ca", (Kind.LICENSE,)),),
        authorities=(AuthorityPlan("ca", "示范 CA", "ecdsa-p256"),),
        council=(COUNCIL,),
        threshold=1,
        delay=1,
        settings={"organisation": OFFICE} | ({"database": database} if database else {}),
    )
    with tempfile.TemporaryDirectory(prefix="zhengyin-bench-") as name:
        home = Path(name) / "home"
        found(home, plan)
        with App(load_settings(home)) as app:
            yield Office(app, Path(name), definition())


@contextmanager
def server() -> Iterator[PostgresServer | None]:
    """PostgreSQL as Debian sets it up, durable, in a temporary folder; ``None`` where it is not installed."""
    found = programs()
    if found is None:
        yield None
        return
    started = PostgresServer(found, {})
    try:
        started.start()
        yield started
    finally:
        started.remove()
