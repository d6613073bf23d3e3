"""What a client of a fault run asks a ledger for, one method an act; each may be asked for again after a crash.

``number`` of an act makes its files, serial numbers and keys its own, the same whenever the act is tried again.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from api.idempotency import Flights, once
from ledger.assembly.app import App
from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.identifiers import make_license_identifier
from ledger.core.registries import Reason, State
from ledger.core.tombstones import ErasureReason
from ledger.ports.access import AnswerRow, UploadRow
from ledger.services.access import ACTIONS, Caller
from ledger.services.acting import RecordsAct
from ledger.services.acts import ActRequest
from ledger.services.import_rows import ImportRequest
from ledger.services.statuses import ChangeRequest
from scripts import demo_data
from scripts.faulting.history import Violation

CLERK = Caller("clerk", (OFFICE_A,), ACTIONS)
TABLE_TYPE = "real-estate-certificate"
UNDER_WAY = ("waiting", "running")
LOOKS = 60
"""How often an upload is looked at, a second apart, before it counts as stuck."""


class Told:
    """What the client was told, as lines of JSON ``[what, …]`` in a file; each is one write, all or nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def tell(self, what: str, *values: Any) -> None:
        os.write(self._file, (json.dumps([what, *values]) + "\n").encode())

    def all(self, what: str) -> list[list[Any]]:
        lines = (json.loads(line) for line in self._path.read_text("utf-8").splitlines())
        return [values for name, *values in lines if name == what]

    def close(self) -> None:
        os.close(self._file)


class Acts:
    def __init__(self, app: App, folder: Path, told: Told) -> None:
        self._app = app
        self._folder = folder
        self._told = told

    def act(self, what: str, number: int, count: int) -> None:
        """Raises Violation where the ledger refuses what is in order; UnavailableError as the ledger does."""
        getattr(self, f"_{what}")(number, count)

    def row(self, id_: str) -> Any:
        with self._app.store.read() as unit:
            return unit.records.find_ids(self._app.index_key.id(id_))[-1]

    def _issue(self, number: int, count: int) -> bytes:
        """Returns the leaf of the last."""
        values = {"name": f"第{number}枚", "owner": OFFICE_A, "sealType": "业务专用章", "certificate": "demo"}
        leaf = b""
        for _ in range(count):
            issued = self._app.issuing.issue(OFFICE_A, self._app.types.get("seal"), values)
            self._told.tell("accepted", issued.leaf.hex(), issued.id)
            leaf = issued.leaf
        return leaf

    # ---- tables ----

    def _import(self, number: int, count: int) -> None:
        self._import_rows([(f"2026{number:03d}{n:04d}", "") for n in range(count)])

    def _renew(self, number: int, count: int) -> None:
        """A license of its own, and the one that supersedes it: record, statement and change at once."""
        (old,) = self._import_rows([(f"2027{number:03d}0000", "")])
        self._import_rows([(f"2028{number:03d}0000", old)])

    def _import_rows(self, rows: list[tuple[str, str]]) -> list[str]:
        """The same file again is not imported twice: what exists is found, and told as accepted."""
        found: list[Any] = []
        source = self._table(rows)
        request = ImportRequest(OFFICE_A, self._app.types.get(TABLE_TYPE), source, self._folder)
        self._app.importing.run(request, found.extend)
        ids = [outcome.id for outcome in found if outcome.outcome in ("new", "existing")]
        if len(ids) != len(rows):
            raise Violation("import", ", ".join(f"{o.outcome} {o.problem}" for o in found))
        self._tell_rows(ids)
        return ids

    def _table(self, rows: list[tuple[str, str]]) -> Path:
        source = self._folder / f"table-{rows[0][0]}.csv"
        if not source.exists():
            made = [
                (serial, *row[1:-2], "", old)
                for row, (serial, old) in zip(demo_data.real_estate_rows(len(rows)), rows, strict=True)
            ]
            demo_data.write_csv(source, demo_data.REAL_ESTATE_HEADER, iter(made))
        return source

    def _tell_rows(self, ids: list[str]) -> None:
        for id_ in ids:
            self._told.tell("accepted", self.row(id_).leaf.hex(), id_)

    def _upload(self, number: int, count: int) -> None:
        """As the interface does: sent in with a key, then imported by whoever works; once, however often it is sent."""
        serials = [f"2029{number:03d}{n:04d}" for n in range(count)]
        id_ = self._sent_in(f"upload-{number}", self._table([(serial, "") for serial in serials]).read_bytes())
        self._told.tell("uploaded", id_.hex())
        for _ in range(LOOKS):
            shown = self._app.uploads.find(id_)
            if shown is None or shown.state not in UNDER_WAY:
                break
            self._told.tell("now", self._app.clock())
            if not self._app.uploads.run_open():
                self._app.sleep(1)
        if shown is None or (shown.state, shown.rows, shown.new) != ("finished", count, count):
            raise Violation("upload", str(shown))
        code = self._app.types.get(TABLE_TYPE).code
        self._tell_rows([make_license_identifier(code, OFFICE_A, serial, 1) for serial in serials])

    def _sent_in(self, key: str, table: bytes) -> bytes:
        app, id_ = self._app, self._app.uploads.new_id()
        with app.upload_files.writer(id_, app.settings.upload_limit) as writer:
            writer.write(table)
            writer.finish()
        asked = UploadRow(
            0, id_, CLERK.id, OFFICE_A, TABLE_TYPE, "issued", False, "table.csv", "waiting", None, 0, 0, 0, 0, None,
            int(app.clock()), None,
        )  # fmt: skip

        def make(answer: AnswerRow) -> bytes:
            remembered = AnswerRow(answer.token, answer.key, answer.request, id_, answer.created)
            return app.uploads.accept(asked, remembered).id

        made = once(Flights(), app.access, CLERK, key, hashlib.sha256(table).digest(), make)
        if made != id_:
            app.uploads.drop(id_)
        return made

    # ---- decisions ----

    def _revoke(self, number: int, count: int) -> None:
        leaf = self._issue(number, 1)
        when = int(self._app.clock())
        request = ChangeRequest(OFFICE_A, leaf, State.REVOKED, when, Reason.CANCELLED, "决定 1")
        (statement,) = self._app.statuses.request(OFFICE_A, [request])
        self._told.tell("accepted", statement.hex(), "")
        self._told.tell("revoked", leaf.hex())

    def _freeze(self, number: int, count: int) -> None:
        leaf = self._issue(number, 1)
        (done,) = self._app.acts.request(OFFICE_A, [ActRequest(RecordsAct.FREEZE, OFFICE_A, leaf, "决定 2")])
        self._told.tell("accepted", done.statement.hex(), "")
        self._told.tell("frozen", leaf.hex())

    def _erase(self, number: int, count: int) -> None:
        leaf = self._issue(number, 1)
        self._told.tell("erasing", leaf.hex())
        done = self._app.erasing.erase(OFFICE_A, leaf, ErasureReason.CONSENT_WITHDRAWN, "决定 3")
        self._told.tell("accepted", self.row(done.tombstone).leaf.hex(), "")
        self._told.tell("erased", leaf.hex())
