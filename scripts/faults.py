"""`make faults`: kill a ledger at every named place and at random instants, fail its ports in pairs, prove it whole.

Each row of the table is one place, with 20 seeded runs or more. After each run a checker that shares no code with the
ledger decides from public material alone: every accepted record stands in exactly one leaf of exactly one final batch,
nothing is anchored twice, no receipt came before finality, and recovery took 30 s at most without a person. Exit 1
where a run breaks a promise or a place was never reached; ``--seed`` with the number shown repeats a run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: the package `scripts` lies beside it

from rich.console import Console  # noqa: E402
from rich.table import Column, Table  # noqa: E402

from scripts.faulting import runs  # noqa: E402
from scripts.faulting.runs import PAIRS, POINTS, Outcome, Template  # noqa: E402

RANDOM = "any instant"
Result = tuple[str, int, Outcome]
Run = Callable[[Template, Path], Outcome]


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="zhengyin-faults-") as folder:
        template = Template.found(Path(folder))
        calm, typical = runs.undisturbed(template, Path(folder) / "calm", 0)
        console.print(f"undisturbed: {calm.records} records in {typical:.1f} s; {calm.problem or 'all promises hold'}")
        planned = list(plan(given.only, range(given.seed, given.seed + given.seeds), typical))
        results = list(carry_out(planned, Path(folder), given.jobs))
    order = [name for name, *_ in planned]
    results.sort(key=lambda result: (order.index(result[0]), result[1]))
    console.print(table(results))
    bad = [result for result in results if result[2].problem]
    for name, seed, outcome in bad:
        console.print(f"{name}, seed {seed}: {outcome.problem}", style="red", markup=False)
    missed = {name for name, *_ in results} - {name for name, _, outcome in results if outcome.hits} - {RANDOM}
    for name in sorted(missed):
        console.print(f"{name}: never reached", style="red")
    return 1 if bad or missed or calm.problem or not results else 0


def plan(only: Sequence[str], seeds: Sequence[int], typical: float) -> Iterator[tuple[str, int, Run]]:
    """(name, seed, run) of everything asked for."""
    for seed in seeds:
        for point in POINTS:
            if not only or point in only:
                yield point, seed, lambda t, f, p=point, s=seed: runs.killed_at(t, f, p, s)  # type: ignore[misc]
        if not only or RANDOM in only:
            yield RANDOM, seed, lambda t, f, s=seed: runs.killed_anytime(t, f, typical, s)  # type: ignore[misc]
        for fault in PAIRS:
            name = f"{fault[0]}.{fault[1]} {fault[2]}"
            if not only or name in only:
                yield name, seed, lambda t, f, x=fault, s=seed: runs.failing_once(t, f, x, s)  # type: ignore[misc]


def carry_out(planned: Sequence[tuple[str, int, Run]], folder: Path, jobs: int) -> Iterator[Result]:
    """Shares of the plan in processes of their own, each of which starts and kills its clients on a ledger of its own:
    the port of a ledger's test authority stands in its certificates."""
    context = multiprocessing.get_context("fork")
    shards = [context.Process(target=_share, args=(planned[n::jobs], folder / f"share-{n}")) for n in range(jobs)]
    for shard in shards:
        shard.start()
    for shard in shards:
        shard.join()
    for n in range(jobs):
        for line in (folder / f"share-{n}.results").read_text("utf-8").splitlines():
            name, seed, outcome = json.loads(line)
            yield name, seed, Outcome(**outcome)


def _share(planned: Sequence[tuple[str, int, Run]], folder: Path) -> None:
    template = Template.found(folder.with_suffix(".template"))
    with folder.with_suffix(".results").open("w", encoding="utf-8") as results:
        for name, seed, run in planned:
            print(json.dumps([name, seed, asdict(run(template, folder))]), file=results, flush=True)


def table(results: Sequence[Result]) -> Table:
    shown = Table(Column("place", no_wrap=True), "runs", "hits", "records", "slowest recovery", "violations")
    for name in dict.fromkeys(name for name, *_ in results):
        mine = [outcome for other, _, outcome in results if other == name]
        slowest = max(outcome.recovery for outcome in mine)
        shown.add_row(
            name,
            str(len(mine)),
            str(sum(outcome.hits for outcome in mine)),
            str(sum(outcome.records for outcome in mine)),
            f"{slowest:.1f} s" if slowest else "–",
            str(sum(outcome.problem is not None for outcome in mine)),
        )
    return shown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Kill a ledger everywhere and prove it whole.")
    parser.add_argument("--seeds", type=int, default=20, help="runs of each place")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument(
        "--only", action="append", default=[], help="a place, by its name in the table; several may be given"
    )
    parser.add_argument("--jobs", type=int, default=2, help="runs at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
