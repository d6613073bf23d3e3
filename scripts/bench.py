"""`make bench`: how near the ledger comes to the least work that could give the same result.

Prints a table and writes ``build/bench.json``, a list of {name, ratio, goal, better, pairs, control}. Never a test: a
busy machine makes a row "unsteady", not red. A new benchmark is one more file in ``scripts/benchmarks`` and one more
name in ``BENCHMARKS``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: the package `scripts` lies beside it

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from scripts.benchmarks.pairs import Result, Sizes  # noqa: E402

BENCHMARKS = (
    *("canonical_bytes", "bulk_import", "bulk_import_server", "two_workers", "import_scale", "status_changes"),
    *("offline", "online", "audit", "sm2", "trust"),
)
OUTPUT = ROOT / "build" / "bench.json"


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    sizes = Sizes(given.records, given.checks, given.documents, given.pairs, given.scale)
    console = Console()
    results = []
    for result in results_of(given.only or BENCHMARKS, sizes):
        results.append(result)
        console.print(f"{result.name}: {_number(result.ratio)}")
    console.print(table(results))
    write(given.output, results)
    return 0


def results_of(names: Iterable[str], sizes: Sizes) -> Iterator[Result]:
    for name in names:
        yield from import_module(f"scripts.benchmarks.{name}").run(sizes)


def table(results: Iterable[Result]) -> Table:
    shown = Table("benchmark", "CPU ratio", "goal", "reached", "wall", "pairs", "control")
    for r in results:
        goal = f"{'≥' if r.better == 'higher' else '≤'} {r.goal:g}"
        reached = "–" if r.ratio is None else "yes" if r.reached else "no"
        shown.add_row(r.name, _number(r.ratio), goal, reached, _number(r.wall, "–"), f"{r.pairs:,}", f"{r.control:.3f}")
    return shown


def write(path: Path, results: Iterable[Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [result.to_json() for result in results]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _number(value: float | None, missing: str = "unsteady") -> str:
    return missing if value is None else f"{value:.3f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    least = Sizes()
    parser.add_argument("only", nargs="*", choices=[[], *BENCHMARKS], help="benchmarks to run (default: all)")
    parser.add_argument("--records", type=int, default=least.records, help="records of one bulk import")
    parser.add_argument("--scale", type=int, default=least.scale, help="records of the import that shows its growth")
    parser.add_argument("--checks", type=int, default=least.checks, help="records of one offline sample")
    parser.add_argument("--documents", type=int, default=least.documents, help="documents compared with rfc8785")
    parser.add_argument("--pairs", type=int, default=least.pairs, help="pairs of a row (at least 5)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the JSON goes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
