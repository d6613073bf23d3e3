"""Encrypted bodies proved one after the other: key, record, leaf and every claim.

A million of them in less than a minute: what is the same for all is asked for once, and no values are made of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from ledger.core import canonical
from ledger.core.disclosures import claim
from ledger.core.hashing import SM3_HASH
from ledger.core.keys import RecordKey
from ledger.core.merkle import HASH_BYTES, leaf_hash
from ledger.core.records import TAG
from ledger.core.registries import Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.errors import InputError
from ledger.services.bodies import open_body

DAMAGED, OTHER_LEAF, CLAIMS = "AUDIT_BODY_DAMAGED", "AUDIT_BODY_OTHER", "AUDIT_CLAIMS_DIFFER"


class Proved(NamedTuple):
    """What the row of a record must say. ``files``: SHA-256 of each, base64url; ``refs`` and ``values`` as JSON."""

    id: str
    issuer: str
    kind: str
    type: str
    issued: int
    files: list[dict[str, Any]]
    refs: list[dict[str, Any]]
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a body: one of the codes above."""

    code: str


def split(pieces: Iterable[bytes], lengths: Sequence[int]) -> Iterator[bytes]:
    """The bodies of a block, from its bytes in pieces. Raises InputError AUDIT_FIELD if these are too few."""
    left = iter(pieces)
    piece, at = b"", 0
    for length in lengths:
        while len(piece) - at < length:
            more = next(left, None)
            if more is None:
                raise InputError("AUDIT_FIELD", part="bodies")
            piece, at = piece[at:] + more, 0
        yield piece[at : at + length]
        at += length


def prove_bodies(
    leaves: bytes, bodies: Iterable[bytes], secrets: Sequence[bytes | None], sm3: Sm3Leaves | None = None
) -> Iterator[Proved | Fault | None]:
    """For each body in order: what it holds, what is wrong with it, or ``None`` where its key is gone; ``sm3``: the
    second leaves, of records that have them."""
    for number, (body, secret) in enumerate(zip(bodies, secrets, strict=True)):
        place = slice(HASH_BYTES * number, HASH_BYTES * (number + 1))
        second = sm3 and Sm3Leaves(sm3.suite, sm3.leaves[place])
        yield None if secret is None else _prove(leaves[place], body, secret, second)


def _prove(leaf: bytes, body: bytes, secret: bytes, second: Sm3Leaves | None) -> Proved | Fault:
    key = RecordKey(secret)
    try:
        plain = open_body(key, leaf, body)
    except InputError:
        return Fault(DAMAGED)
    end = 4 + int.from_bytes(plain[:4], "big")
    record = plain[4:end]
    if leaf_hash(record) != leaf or (second and leaf_hash(record, SM3_HASH) != second.leaves):
        return Fault(OTHER_LEAF)
    try:
        # that these bytes are canonical, the signed leaf says; of the values, the claims
        value, values = orjson.loads(record), orjson.loads(plain[end:])
        suite = second.suite if second else Suite.INTL
        if value.get("suite", Suite.INTL.word) != suite.word:
            return Fault(OTHER_LEAF)
        claimed = claim(key, values, suite)
        if (value["salt"], value["claims"], plain[end:]) != (claimed.salt, claimed.claims, claimed.content):
            return Fault(CLAIMS)
        if value["tag"] != TAG:
            return Fault(OTHER_LEAF)
        return Proved(
            *(value["id"], value["issuer"], value["kind"], value["type"], value["issued"], value["files"]),
            *(value["refs"], values),
        )
    except (InputError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return Fault(CLAIMS)


def file_digest(file: dict[str, Any]) -> bytes:
    """SHA-256 of a file as a record names it. Raises InputError CANONICAL_…."""
    return canonical.unb64(file["sha256"], "files.sha256", 32)
