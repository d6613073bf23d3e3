"""The whole audit of one imported table: every body opened, every claim, leaf, node, approval and row proved again."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.assembly.auditing import audit
from scripts.benchmarks.office import office
from scripts.benchmarks.pairs import Result, Sizes, seconds

A_SECOND = 20_000
"""Records that are to be proved in one second of CPU."""


def run(sizes: Sizes) -> Iterator[Result]:
    with office() as place:
        place.new_table(sizes.records)
        place.import_table(sizes.records)

        def work() -> None:
            found, _ = audit(place.app)
            if found.exit_code or found.records != sizes.records:
                raise RuntimeError(f"{found.records} records, {found.counts}")

        name = f"audit, CPU seconds for {sizes.records:,} records"
        yield seconds(name, sizes.records / A_SECOND, work, sizes.pairs)
