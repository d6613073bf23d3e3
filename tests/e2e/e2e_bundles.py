"""Bundles of a real ledger for tests that take them apart; one and the same for every worker of a test run."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ledger_world import World, demo_template, found_template

from ledger.core.canonical import BUNDLE_LIMITS, decode, encode
from ledger.core.registries import State
from ledger.core.trust import Trust, TrustFile
from ledger.services.offline import Question, verify_offline
from ledger.verification.report import Report


@dataclass(frozen=True)
class Kit:
    """``small``: no disclosures, an untouched record; ``rich``: claims, a file, and a status that came and went."""

    small: bytes
    rich: bytes
    renewed: bytes
    trust: Trust
    now: int

    def judge(self, bundle: bytes) -> Report:
        return verify_offline(bundle, self.trust, Question(as_of_bundle=True), self.now)

    def judge_json(self, value: Any) -> Report:
        return self.judge(encode(value, BUNDLE_LIMITS))


def make_kit(factory: pytest.TempPathFactory) -> Kit:
    """The first worker makes the bundles, the others read them: every bit of *one* bundle is tried."""
    base = factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "e2e-bundles"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "now").exists():
            _write(folder)
    parts = [(folder / name).read_bytes() for name in ("small", "rich", "renewed", "trust")]
    trust = TrustFile.from_bytes(parts[3]).content
    return Kit(parts[0], parts[1], parts[2], trust, int((folder / "now").read_text("ascii")))


def _write(folder: Path) -> None:
    (folder / "founded").mkdir()
    world = demo_template(found_template(folder / "founded"), folder).copy(folder / "copy")
    for state in (State.SUSPENDED, State.ACTIVE):
        world.clock.sleep(5)
        world.change(world.row(world.ids["filed"]).leaf, state)
        world.drain()
    (folder / "small").write_bytes(cut(world, "seal", ()))
    (folder / "rich").write_bytes(cut(world, "filed", None))
    (folder / "renewed").write_bytes(cut(world, "new", None))
    (folder / "trust").write_bytes((world.home / "trust.json").read_bytes())
    now = str(int(world.clock()))
    world.close()
    (folder / "now").write_text(now, "ascii")


def cut(world: World, name: str, names: tuple[str, ...] | None) -> bytes:
    """A bundle with its stapled state."""
    return world.app.bundling.bundle(world.row(world.ids[name]), names, state=True).to_bytes()


def tree(bundle: bytes) -> Any:
    return decode(bundle, BUNDLE_LIMITS)
