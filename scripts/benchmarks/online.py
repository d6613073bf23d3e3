"""Verification by number and code through HTTP, against a route that does nothing, on the same server.

Both pass the same limits, headers and figures (``api.guard``). The trivial route, which answers with fixed JSON, is the
first that the framework finds; verification goes past the framework's routing (``api.express``), reads a body and
answers with ten kilobytes. Its database is SQLite. Reports are kept for thirty seconds, so that a round or two of these
makes them anew.

Both are asked by 32 connections over loopback from a process of its own, in turns: trivial, verify, trivial again (the
control). The ratio is that of answered requests a second; the second row compares the 99th percentiles of the time to
answer. Numbers are drawn from ``NUMBERS`` licenses: what one person asks, others soon ask again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from ledger.services.access import ACTIONS
from scripts.benchmarks import office
from scripts.benchmarks.pairs import ATTEMPTS, TOLERANCE, Result, Sizes

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS, SECONDS, NUMBERS, ROUNDS = 32, 3.0, 64, 5
TRIVIAL, VERIFY = "/healthz", "/v1/verifications/number"
RATE_GOAL, TAIL_GOAL = 0.45, 2.5
ACCEPT_GOAL, ACCEPTED = 5.0, 20


def run(sizes: Sizes) -> Iterator[Result]:
    with office.office() as made:
        made.new_table(NUMBERS)
        made.import_table(NUMBERS)
        bodies = _bodies(made.app)
        _, token = made.app.access.add("bench", [office.OFFICE], ACTIONS, 86_400)
        home = made.app.settings.home
        (home / "types" / "benchmark.toml").write_text(office.type_file(), encoding="utf-8")
        made.app.__exit__()
        with _served(home) as url:
            yield from _ratios(url, bodies, max(sizes.pairs, ROUNDS))
            yield _acceptance(url, token)


def _bodies(app: Any) -> list[str]:
    with app.store.read() as unit:
        leaves = [r.leaf for r in unit.access.records(office.OFFICE, 0, NUMBERS)]
        rows = [row for leaf in leaves if (row := unit.records.by_leaf(leaf)) is not None]
    ids = [app.bundling.open(row).record.id for row in rows]
    return [json.dumps({"id": i, "code": c}) for i, c in zip(ids, app.codes.of(rows), strict=True)]


@contextmanager
def _served(home: Path) -> Iterator[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ZHENGYIN_PUBLIC_RATE": "0"}
    command = [sys.executable, "-m", "ledger.cli", "--home", str(home), "--json", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or not (line := process.stdout.readline()):
                raise RuntimeError("the server did not start")
            yield json.loads(line)["address"].rstrip("/")
        finally:
            process.terminate()


def _ratios(url: str, bodies: list[str], rounds: int) -> Iterator[Result]:
    _load(url, VERIFY, bodies)  # everything loaded and open
    for _ in range(ATTEMPTS):
        found = [(_load(url, TRIVIAL, []), _load(url, VERIFY, bodies), _load(url, TRIVIAL, [])) for _ in range(rounds)]
        control = median(a["rate"] / c["rate"] for a, _, c in found)
        if abs(control - 1) <= TOLERANCE:
            break
    steady = abs(control - 1) <= TOLERANCE
    rate = median(b["rate"] / ((a["rate"] + c["rate"]) / 2) for a, b, c in found)
    tail = median(b["p99"] / ((a["p99"] + c["p99"]) / 2) for a, b, c in found)
    yield Result("online_verify", rate if steady else None, RATE_GOAL, "higher", rounds, control, rate)
    yield Result("online_verify_p99", tail if steady else None, TAIL_GOAL, "lower", rounds, control, tail)


def _load(url: str, path: str, bodies: list[str]) -> dict[str, float]:
    """Answered requests a second and the 99th percentile in seconds, measured by another process."""
    command = [sys.executable, "-m", "scripts.benchmarks.load", url, path, str(CONNECTIONS), str(SECONDS)]
    done = subprocess.run(command, input=json.dumps(bodies), capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _acceptance(url: str, token: str) -> Result:
    """95th percentile of the seconds from a record's acceptance to its receipt."""
    import httpx

    waited = []
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        for number in range(ACCEPTED):
            made = client.post("/v1/records", json=_license(number), headers={"Idempotency-Key": f"bench-{number}"})
            made.raise_for_status()
            began = time.perf_counter()
            while client.get(made.headers["location"]).json()["state"] != "receipted":
                time.sleep(0.02)
            waited.append(time.perf_counter() - began)
    p95 = sorted(waited)[int(len(waited) * 0.95) - 1]
    return Result("accept_to_receipt_p95", p95, ACCEPT_GOAL, "lower", ACCEPTED, 1.0, p95)


def _license(number: int) -> dict[str, Any]:
    return {
        "issuer": office.OFFICE,
        "type": office.TYPE,
        "serial": f"{9_000_000_000 + number}",
        "values": office.values(9_000_000 + number),
    }
