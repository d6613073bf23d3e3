"""A few of the runs of `make faults`: real kills and single failures, and the proof after each."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from scripts.faulting.client import plan_of
from scripts.faulting.runs import PAIRS, POINTS

ROOT = Path(__file__).resolve().parents[2]


def test_there_are_twelve_places_at_least_and_each_of_the_code_is_tried() -> None:
    named: set[str] = set()
    for file in (ROOT / "ledger").rglob("*.py"):
        named |= set(re.findall(r'faultpoint\("([^"]+)"\)', file.read_text("utf-8")))
    assert len(POINTS) >= 12
    assert len(POINTS) == len(named)
    assert set(POINTS) == named


def test_failures_come_in_pairs() -> None:
    assert len(PAIRS) == 2 * len({fault[:2] for fault in PAIRS})
    assert {"store", "segments", "chain", "spool", "vault"} == {port for port, *_ in PAIRS}


def test_a_seed_is_a_plan() -> None:
    assert plan_of(7) == plan_of(7)
    assert {what for what, _ in plan_of(7)} == {
        "issue", "import", "renew", "upload", "revoke", "freeze", "erase", "drain", "validate",
    }  # fmt: skip


def test_killed_or_failed_and_proved_whole() -> None:
    """In a process of its own: it forks, which a test runner with threads must not."""
    places = ("anchor.sent", "upload.report", "erase.keys", "any instant", "spool.write after")
    command = [sys.executable, "scripts/faults.py", "--seeds", "1", "--seed", "3", "--jobs", "2"]
    command += [word for place in places for word in ("--only", place)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all promises hold" in done.stdout
