"""The table of GB/T 39786: every module it names is there, and every clause of the four layers has a line."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "ledger" / "GBT39786.md").read_text("utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| clause", "|---"))]


def test_every_module_named_is_there() -> None:
    named = re.findall(r"`(ledger(?:\.[a-z0-9_]+)+)`", TEXT)
    assert len(set(named)) > 20
    missing = [name for name in sorted(set(named)) if not (ROOT / Path(*name.split("."))).with_suffix(".py").is_file()]
    assert missing == []
    assert importlib.util.find_spec("ledger.verification.chains") is not None


def test_every_clause_has_a_line_and_says_what_remains() -> None:
    clauses = " ".join(row.split("|")[1] for row in ROWS)
    for section in ("8.1", "8.2", "8.3", "8.4", "8.5", "annex B"):
        assert section in clauses
    letters = re.findall(r"8\.4 ([a-h])", clauses) + re.findall(r"8\.4 [a-h], ([a-h])", clauses)
    assert sorted(letters) == list("abcdefgh")
    assert [row for row in ROWS if not row.split("|")[4].strip()] == []


def test_what_is_not_verified_says_so() -> None:
    assert "**unverified**" in TEXT
