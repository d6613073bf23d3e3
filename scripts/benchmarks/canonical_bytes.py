"""Canonical bytes: their price beside bare orjson, and whether a single one differs from RFC 8785."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from typing import Any

import orjson

from ledger.core.canonical import FORBIDDEN, MAX_INTEGER, encode
from ledger.core.disclosures import make_claims
from ledger.core.keys import RecordKey
from ledger.core.records import Record
from ledger.core.registries import Kind
from scripts.benchmarks.office import OFFICE, TYPE, values
from scripts.benchmarks.pairs import Result, Sizes, against

GOAL = 0.5
TIMES = 10_000
CHUNK = 10_000
"""Documents of one seed: any chunk with a difference can be made again alone."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_OTHERS = _LETTERS + _LETTERS.upper() + "0123456789"
_RANGES = ((0x20, 0x7E), (0x20, 0x7E), (0x20, 0x7E), (0x4E00, 0x9FFF), (0xA1, 0x24F), (0x3000, 0x33FF),
           (0x20000, 0x2A6DF), (0xF900, 0xFAFF), (0xFF01, 0xFF5E), (0x1F300, 0x1F64F), (0x2018, 0x2029))  # fmt: skip


def record(number: int) -> Record:
    """A license of about 1 KB, as the bulk import makes them: ten claims."""
    key = RecordKey(sha256(number.to_bytes(8, "big")).digest())
    identifier = f"1.2.156.3005.2.{TYPE}.{OFFICE}.{number:010d}.001.X"
    given = values(number)
    return Record(
        Kind.LICENSE, identifier, OFFICE, TYPE, 1_777_000_000, "issued",
        "2026-04-28", None, (), make_claims(key, given), (), key.salts(given)[0],
    )  # fmt: skip


def document(number: int) -> dict[str, Any]:
    """The record's JSON with members and claims in the order in which people list them: sorting is part of the work."""
    value = record(number).to_json()
    order = ("tag", "kind", "id", "issuer", "type", "issued", "origin", "valid", "files", "claims", "refs", "salt")
    return {name: value[name] for name in order} | {"claims": {name: value["claims"][name] for name in values(number)}}


def run(sizes: Sizes) -> Iterator[Result]:
    value = document(1)
    times = range(max(1, min(TIMES, sizes.checks * 2)))

    def yardstick() -> None:
        for _ in times:
            sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()

    def work() -> None:
        for _ in times:
            sha256(encode(value)).digest()

    yield against("canonical bytes + SHA-256 of 1 KB / orjson + SHA-256", GOAL, yardstick, work, sizes.pairs)
    yield Result(
        name=f"documents of {sizes.documents:,} whose bytes differ from rfc8785",
        ratio=float(differences(sizes.documents)),
        goal=0.0,
        better="lower",
        pairs=sizes.documents,
        control=1.0,
    )


def differences(documents: int, processes: int = 2) -> int:
    chunks = [(seed, min(CHUNK, documents - at)) for seed, at in enumerate(range(0, documents, CHUNK))]
    with ProcessPoolExecutor(processes) as pool:
        return sum(pool.map(_differences, chunks))


def _differences(chunk: tuple[int, int]) -> int:
    import rfc8785

    seed, number = chunk
    source, found = random.Random(seed), 0  # noqa: S311 - documents that can be made again, not secrets
    for _ in range(number):
        document = generated(source)
        found += encode(document) != rfc8785.dumps(document)
    return found


def generated(source: random.Random, depth: int = 6) -> Any:
    """Any object or array of the grammar, small."""
    size = int(source.random() * 5)
    if source.random() < 0.7:
        return {_key(source): _member(source, depth - 1) for _ in range(size)}
    return [_member(source, depth - 1) for _ in range(size)]


def _member(source: random.Random, depth: int) -> Any:
    choice = source.random()
    if choice < 0.2 and depth:
        return generated(source, depth)
    if choice < 0.75:
        return _text(source)
    if choice < 0.9:
        return int(source.random() ** 8 * MAX_INTEGER) if source.random() < 0.98 else MAX_INTEGER
    return (None, True, False)[int(choice * 1000) % 3]


def _key(source: random.Random) -> str:
    length = int(source.random() ** 3 * 32)
    return source.choice(_LETTERS) + "".join(source.choices(_OTHERS, k=length))


def _text(source: random.Random) -> str:
    low, high = source.choice(_RANGES)
    points = range(low, high + 1)
    return FORBIDDEN.sub("", "".join(map(chr, source.choices(points, k=int(source.random() ** 2 * 24)))))
