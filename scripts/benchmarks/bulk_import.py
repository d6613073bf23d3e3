"""Bulk import, whole: from the CSV to the receipt of the anchored batch, ten claims a record.

The yardstick is the least that gives the same hashes with no ledger around them: for each record orjson loads, and
sorted dumps and SHA-256 of the record and of each of its claims ``[salt, name, value]``.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import orjson

from ledger.core.canonical import b64
from scripts.benchmarks.canonical_bytes import document
from scripts.benchmarks.office import Office, office, values
from scripts.benchmarks.pairs import Result, Sizes, against

GOAL = 0.25
SAMPLES = 2000


def run(sizes: Sizes) -> Iterator[Result]:
    with office() as place:
        name = "bulk import / orjson loads + sorted dumps + SHA-256 of record and claims"
        yield measured(name, GOAL, place, sizes)


def measured(name: str, goal: float, place: Office, sizes: Sizes) -> Result:
    documents = [source(number) for number in range(min(SAMPLES, sizes.records))]
    times, rest = divmod(sizes.records, len(documents))

    def yardstick() -> None:
        for _ in range(times):
            bare(documents)
        bare(documents[:rest])

    def before() -> None:
        place.new_table(sizes.records)

    def work() -> None:
        place.import_table(sizes.records)

    return against(name, goal, yardstick, work, sizes.pairs, before)


def source(number: int) -> bytes:
    """What the yardstick reads: a record, and its claims in the open."""
    salt = b64(bytes(32))
    claims = [[salt, name, value] for name, value in values(number).items()]
    return orjson.dumps({"record": document(number), "claims": claims})


def bare(documents: list[bytes]) -> None:
    loads, dumps, option = orjson.loads, orjson.dumps, orjson.OPT_SORT_KEYS
    for given in documents:
        read = loads(given)
        sha256(dumps(read["record"], option=option)).digest()
        for claim in read["claims"]:
            sha256(dumps(claim, option=option)).digest()
