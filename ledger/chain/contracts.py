"""Where the ledger's three contracts stand, and proof that they are the code this version was built with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.chain.abi import interface
from ledger.chain.node import Node
from ledger.core import shapes
from ledger.core.canonical import b64, unb64
from ledger.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Contracts:
    """Addresses, 20 bytes each."""

    council: bytes
    consortium: bytes
    records: bytes

    def to_json(self) -> dict[str, Any]:
        return {
            "council": b64(self.council),
            "consortium": b64(self.consortium),
            "records": b64(self.records),
        }

    @classmethod
    def from_json(cls, value: object, path: str = "contracts") -> Contracts:
        """Strict reading. Raises InputError SHAPE_…, CANONICAL_…."""
        council, consortium, records = shapes.members(value, path, "council", "consortium", "records")
        return cls(
            unb64(council, f"{path}.council", 20),
            unb64(consortium, f"{path}.consortium", 20),
            unb64(records, f"{path}.records", 20),
        )

    def expected_code(self) -> dict[str, tuple[bytes, bytes]]:
        """(address, runtime code) by contract. The immutables are part of the code: a Records that asks
        another consortium, or a Consortium that obeys another council, is another contract."""
        return {
            "Council": (self.council, interface("Council").deployed()),
            "Consortium": (self.consortium, interface("Consortium").deployed(self.council)),
            "Records": (self.records, interface("Records").deployed(self.consortium, self.council)),
        }


def check_code(node: Node, contracts: Contracts) -> bytes:
    """The runtime code of Records, after comparing that of all three with what this version was built with.

    Raises:
        ConfigError: CHAIN_NOT_FOUND (nothing at the address), CHAIN_CODE_DIFFERS.
    """
    for name, (address, expected) in contracts.expected_code().items():
        found = node.code(address)
        if not found:
            raise ConfigError("CHAIN_NOT_FOUND", contract=name, address="0x" + address.hex())
        if found != expected:
            raise ConfigError("CHAIN_CODE_DIFFERS", contract=name, address="0x" + address.hex())
    return found
