"""What was decided about signers is told by an audit, and locks no ledger that was restored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ledger_world import World

from ledger.assembly.auditing import audit
from ledger.assembly.backups import make_backup
from ledger.assembly.restoring import restore_backup


def test_an_authority_stolen_before_a_batch_is_told_and_locks_nothing(
    demo: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may rely on those batches, and nothing that a person could restore or rebuild would change that."""
    make_backup(demo.app, tmp_path / "backups")
    demo.close()
    restore_backup(tmp_path / "backups", tmp_path / "again", int(demo.clock()), demo.home / "chain.db", None)
    other = World(tmp_path / "again", demo.clock, dict(demo.ids))
    try:
        trust = other.app.trust.content()
        stolen = tuple(replace(each, compromised_since=1) for each in trust.authorities)
        monkeypatch.setattr(other.app.trust, "content", lambda: replace(trust, authorities=stolen))
        found, unlocked = audit(other.app)
        assert {f.code for f in found.findings} == {"AUDIT_BATCH_NOT_TRUSTED"}
        assert {(f.what["step"], f.what["error"]) for f in found.findings} == {(10, "PATH_AUTHORITY_COMPROMISED")}
        assert (found.exit_code, found.whole, unlocked) == (1, True, True)
    finally:
        other.close()


def test_who_cannot_be_believed_for_want_of_bytes_is_another_matter(
    demo: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its authorities a trust file decides nothing about anybody: what is missing may come back."""
    trust = demo.app.trust.content()
    monkeypatch.setattr(demo.app.trust, "content", lambda: replace(trust, authorities=()))
    found, _ = audit(demo.app)
    assert {f.code for f in found.findings} == {"AUDIT_BATCH_NOT_PROVED"} and not found.whole
