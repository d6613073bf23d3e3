"""Offline verification: many records of one batch whose manifest is proved, and the command's cold start."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from ledger.core import merkle
from ledger.verification.batch import ProvedBatch, prove_batch
from ledger.verification.facts import Facts
from scripts.benchmarks.canonical_bytes import record
from scripts.benchmarks.office import Office, office
from scripts.benchmarks.pairs import Result, Sizes, against, seconds

ROOT = Path(__file__).resolve().parents[2]
LEVELS = 16
GOAL, COLD_GOAL = 0.4, 0.5
RECORDS = 512
COLD_PAIRS = 10

Proof = tuple[bytes, int, list[bytes]]


def run(sizes: Sizes) -> Iterator[Result]:
    with office() as place:
        bundle = one_bundle(place)
        proved, proofs = batch_of(place, bundle)
        times = range(max(1, sizes.checks // len(proofs)))
        name = f"offline check, manifest cached / {LEVELS} bare path hashes"

        def yardstick() -> None:
            for _ in times:
                bare(proofs)

        def work() -> None:
            for _ in times:
                check(proved, proofs)

        yield against(name, GOAL, yardstick, work, sizes.pairs)
        yield from cold_start(place, bundle, min(sizes.pairs, COLD_PAIRS))


def one_bundle(place: Office) -> bytes:
    leaf = place.issue(1)
    with place.app.store.read() as unit:
        row = unit.records.by_leaf(leaf)
    if row is None:
        raise RuntimeError("the issued record is not there")
    return place.app.bundling.bundle(row, None, state=True).to_bytes()


def batch_of(place: Office, bundle: bytes) -> tuple[ProvedBatch, list[Proof]]:
    """The proved batch of one record, as if it were one of 2^16: a full batch is only slower to make, not to check."""
    trust = place.app.trust.content()
    proved = prove_batch(Facts(bundle, (), trust, int(time.time()), as_of_bundle=True))
    records = [replace(record(number), issuer=proved.issuer).to_bytes() for number in range(RECORDS)]
    others = [sha256(number.to_bytes(4, "big")).digest() for number in range(RECORDS, 1 << LEVELS)]
    levels = merkle.build_levels(b"".join([*map(merkle.leaf_hash, records), *others]))
    proofs = [(data, index, merkle.inclusion_path(levels, index)) for index, data in enumerate(records)]
    return replace(proved, root=merkle.root_of(levels), size=1 << LEVELS), proofs


def check(proved: ProvedBatch, proofs: list[Proof]) -> None:
    for data, index, path in proofs:
        proved.check(data, index, path)


def bare(proofs: list[Proof]) -> None:
    for data, index, path in proofs:
        node = data[:32]  # no leaf hash: the path alone
        for sibling in path:
            node = sha256(b"\x01" + (sibling + node if index & 1 else node + sibling)).digest()
            index >>= 1


def cold_start(place: Office, bundle: bytes, pairs: int) -> Iterator[Result]:
    file, trust = place.folder / "one.zyb", place.folder / "trust.json"
    file.write_bytes(bundle)
    trust.write_bytes(place.app.trust.current().to_bytes())
    command = [sys.executable, "-m", "ledger.cli", "verify", str(file), "--trust", str(trust)]
    command += ["--offline", "--as-of", "bundle"]

    def work() -> None:
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    yield seconds("zhengyin verify --offline of one bundle, cold start, CPU seconds", COLD_GOAL, work, pairs)
