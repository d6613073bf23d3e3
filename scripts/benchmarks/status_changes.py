"""Changes of status from a file, as the command makes them: from its start until every one is final on the embedded
chain.

Measured by the clock on the wall for a part of them and told for ``ALL``, the licenses that one office changes in a
year. That is a little low, since the contract's storage grows: a run of all of them took 1.15 times what the part
promised. A ``scale`` of ``ALL`` × ``PART`` or more measures all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ledger.assembly.app import App
from ledger.core.identifiers import make_license_identifier
from ledger.settings import load_settings
from scripts.benchmarks.office import OFFICE, TYPE, office
from scripts.benchmarks.pairs import Result, Sizes

ROOT = Path(__file__).resolve().parents[2]
ALL, GOAL = 184_600, 300.0
PART = 50
"""One change is measured for so many records of ``scale``."""


def run(sizes: Sizes) -> Iterator[Result]:
    count = min(ALL, max(1, sizes.scale // PART))
    with office() as place:
        place.new_table(count)
        place.import_table(count)
        ids = place.folder / "ids.csv"
        names = (make_license_identifier(TYPE, OFFICE, f"{number:010d}") for number in range(1, count + 1))
        ids.write_text("\n".join(["id", *names]) + "\n", encoding="utf-8")
        home = place.app.settings.home
        place.app.__exit__()
        began = time.perf_counter()
        _revoke(home, ids)
        spent = time.perf_counter() - began
        _require_all(home, count)
    name = f"seconds for {ALL:,} changes of status from a file, at least ({count:,} measured)"
    yield Result(name, spent * ALL / count, GOAL, "lower", 1, 1.0, spent)


def _revoke(home: Path, ids: Path) -> None:
    command = [sys.executable, "-m", "ledger.cli", "--home", str(home), "--json", "revoke", "--from", str(ids)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    reasons = ["--reason", "cancelled", "--wait"]
    subprocess.run([*command, *reasons], env=environment, stdout=subprocess.DEVNULL, check=True)


def _require_all(home: Path, count: int) -> None:
    """Raises RuntimeError: a benchmark of less would be a lie."""
    with App(load_settings(home)) as app, app.store.read() as unit:
        done = len(unit.intents.in_states(("done",)))
    if done != count:
        raise RuntimeError(f"{done} of {count} changes")
