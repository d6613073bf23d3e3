"""The history checker: does every accepted record end in exactly one leaf of exactly one final batch?

It judges public material alone and shares no code with the ledger: what a client was told (leaves accepted, receipts),
the anchoring events of the chain in order with their blocks, and the leaves of the segments by root. Roots are computed
again by RFC 6962, section 2.1.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 32


@dataclass(frozen=True, slots=True)
class Anchored:
    """An event: ``block`` it stands in; ``issuer`` as the chain names it; ``sequence`` counts up from 1 by issuer."""

    block: int
    issuer: bytes
    sequence: int
    root: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Receipted:
    """A client was told that ``leaf`` is anchored in batch ``root``, when block ``final`` was the newest final one."""

    leaf: bytes
    root: bytes
    final: int


@dataclass(frozen=True, slots=True)
class History:
    """``accepted``: leaves that a client was told are accepted; ``segments``: root → leaves, one after the other;
    ``final``: the newest final block at the end."""

    accepted: Sequence[bytes]
    receipts: Sequence[Receipted]
    events: Sequence[Anchored]
    segments: Mapping[bytes, bytes]
    final: int


class Violation(Exception):
    """``rule``: which promise was broken; ``what``: by what, in hex."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule
        self.what = what


def check(history: History) -> int:
    """The number of leaves in final batches, when every promise holds.

    Raises:
        Violation: ``segment`` (its leaves are not those anchored), ``anchored-twice`` (one root, or one leaf),
            ``sequence`` (numbers of an issuer have a gap or repeat), ``lost`` (accepted, and in no final batch),
            ``early-receipt`` (told before the block was final), ``false-receipt`` (told of a batch without the leaf).
    """
    _events(history.events)
    final = [event for event in history.events if event.block <= history.final]
    places = _places(final, history.segments)
    for leaf in history.accepted:
        if leaf not in places:
            raise Violation("lost", leaf.hex())
    for receipt in history.receipts:
        if receipt.leaf not in places or places[receipt.leaf].root != receipt.root:
            raise Violation("false-receipt", receipt.leaf.hex())
        if places[receipt.leaf].block > receipt.final:
            raise Violation("early-receipt", receipt.leaf.hex())
    return len(places)


def _events(events: Sequence[Anchored]) -> None:
    numbers: dict[bytes, int] = defaultdict(int)
    roots: set[tuple[bytes, bytes]] = set()
    for event in events:
        if (event.issuer, event.root) in roots:
            raise Violation("anchored-twice", event.root.hex())
        roots.add((event.issuer, event.root))
        numbers[event.issuer] += 1
        if event.sequence != numbers[event.issuer]:
            raise Violation("sequence", f"{event.sequence} of {event.issuer.hex()}")


def _places(events: Sequence[Anchored], segments: Mapping[bytes, bytes]) -> dict[bytes, Anchored]:
    """The one batch that holds each leaf."""
    places: dict[bytes, Anchored] = {}
    for event in events:
        leaves = split(segments.get(event.root, b""))
        if len(leaves) != event.size or not leaves or root_of(leaves) != event.root:
            raise Violation("segment", event.root.hex())
        for leaf, count in Counter(leaves).items():
            if count > 1 or leaf in places:
                raise Violation("anchored-twice", leaf.hex())
            places[leaf] = event
    return places


def split(leaves: bytes) -> list[bytes]:
    return [leaves[at : at + WIDTH] for at in range(0, len(leaves), WIDTH)]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Merkle tree hash over leaf hashes (RFC 6962, 2.1): pairs from the left, an odd one moves up as it is."""
    level = list(leaves)
    while len(level) > 1:
        paired = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(level) & ~1 :]
    return level[0]
