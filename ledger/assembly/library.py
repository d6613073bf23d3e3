"""The library for Python programs: what the README shows in ten lines."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import NotFoundError
from ledger.services.offline import Question, verify_offline
from ledger.verification.report import Report

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.services.issuing import Accepted


class Ledger:
    """A data folder opened for one organisation. Use as a context manager; see ``open_ledger``."""

    def __init__(self, app: App, organisation: str) -> None:
        self.app = app
        self.organisation = organisation

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exc: object) -> None:
        self.app.__exit__(*exc)

    def issue(
        self,
        type_name: str,
        texts: Mapping[str, str],
        *,
        number: str | None = None,
        files: Sequence[str | Path] = (),
        supersedes: str | None = None,
    ) -> Accepted:
        """Accept one record of a type; ``texts``: field name → text as a clerk would type it, ``number``: its serial
        or identifier.

        Raises:
            InputError: CELL_…, ROW_…, IDENTIFIER_…, ISSUE_…. ConflictError: ISSUE_ID_TAKEN.
            NotFoundError: TYPE_UNKNOWN.
        """
        from ledger.crypto.digests import digest_path
        from ledger.services.forms import read_form

        definition = self.app.types.get(type_name)
        form = read_form(definition, self.organisation, texts, number, supersedes)
        return self.app.issuing.issue(
            self.organisation,
            definition,
            form.values,
            id_=form.identifier,
            valid=(form.valid_from, form.valid_until),
            files=[digest_path(Path(f)) for f in files],
            supersedes=form.supersedes or supersedes,
        )

    def anchor(self) -> None:
        """Sign and anchor everything that is waiting, and wait for the receipts.

        Raises:
            UnavailableError: OUTBOX_LEASE_HELD, OUTBOX_TIMEOUT, CHAIN_…; nothing accepted is lost.
        """
        done = self.app.outbox.drain(self.app.settings.anchor_timeout, idle=True)
        for problem in (*done.problems, *done.refused):
            raise problem

    def bundle(self, record_id: str, *, disclose: Sequence[str] | None = None, state: bool = False) -> bytes:
        """The bundle of a record: ``disclose`` names the claims to show (all by default), ``state`` staples it.

        Raises:
            NotFoundError: RECORD_UNKNOWN. ConflictError: BUNDLE_NOT_ANCHORED.
        """
        with self.app.store.read() as unit:
            rows = unit.records.find_ids(self.app.index_key.id(record_id))
        own = [r for r in rows if r.issuer == self.organisation] or rows
        if not own:
            raise NotFoundError("RECORD_UNKNOWN")
        return self.app.bundling.bundle(own[-1], disclose, state).to_bytes()

    def verify(self, bundle: bytes) -> Report:
        """Judge a bundle with the chain's newest state."""
        return self.app.verifying.bundle(bundle, Question())


def open_ledger(home: str | Path, organisation: str | None = None) -> Ledger:
    """Open a data folder made by ``zhengyin init``.

    Raises:
        ConfigError: SETTINGS_…, CHAIN_…, KEYS_….
    """
    from ledger.assembly.app import App
    from ledger.settings import load_settings

    settings = load_settings(Path(home))
    app = App(settings)
    return Ledger(app, organisation or settings.organisation or app.chain_file.operator)


def verify_bundle(bundle: bytes, trust_file: str | Path, *, as_of_bundle: bool = True) -> Report:
    """Judge a bundle with nothing but a trust file: no node, no database, no issuer.

    Raises:
        NotFoundError: TRUST_FILE_MISSING. InputError: TRUST_…: a trust file that does not hold together.
    """
    from ledger.assembly.trust_files import read_trust_file

    trust = read_trust_file(Path(trust_file)).content
    return verify_offline(bundle, trust, Question(as_of_bundle=as_of_bundle), int(time.time()))
