"""The leaves that records of the suites with SM3 have beside their own: the second tree over the same records."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.core import merkle
from ledger.core.hashing import SM3_HASH
from ledger.core.registries import Suite
from ledger.errors import InputError


@dataclass(frozen=True, slots=True)
class Sm3Leaves:
    """``leaves``: 32 bytes each, concatenated, in the order of the leaves by SHA-256; ``suite``: of all these records.

    Raises:
        InputError: ``MERKLE_LEAVES`` for a suite that has no such tree.
    """

    suite: Suite
    leaves: bytes

    def __post_init__(self) -> None:
        if not self.suite.has_sm3:
            raise InputError("MERKLE_LEAVES", length=len(self.leaves))

    def levels(self) -> list[bytes]:
        """The tree, as ``merkle.build_levels``."""
        return merkle.build_levels(self.leaves, SM3_HASH)

    def root(self) -> bytes:
        """32 bytes."""
        return merkle.root_of(self.levels())

    def part(self, start: int, count: int) -> Sm3Leaves:
        """Those of ``count`` records from number ``start`` on."""
        return Sm3Leaves(self.suite, self.leaves[merkle.HASH_BYTES * start : merkle.HASH_BYTES * (start + count)])
