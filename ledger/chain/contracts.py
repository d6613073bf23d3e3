"""Where the ledger's contracts stand, and proof that they are the code this version was built with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.chain.abi import interface
from ledger.chain.node import Node
from ledger.core import shapes
from ledger.core.canonical import b64, unb64
from ledger.core.trusted_chains import TrustListPin
from ledger.errors import ConfigError, NotFoundError
from ledger.proofs.keccak import keccak


@dataclass(frozen=True, slots=True)
class Contracts:
    """Addresses, 20 bytes each. A ledger is whole without a trust list."""

    council: bytes
    consortium: bytes
    records: bytes
    trust_list: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        written = {
            "council": b64(self.council),
            "consortium": b64(self.consortium),
            "records": b64(self.records),
        }
        return written if self.trust_list is None else written | {"trustList": b64(self.trust_list)}

    @classmethod
    def from_json(cls, value: object, path: str = "contracts", listed: bool = False) -> Contracts:
        """Strict reading; ``listed``: is there a trust list? Raises InputError SHAPE_…, CANONICAL_…."""
        names = ("council", "consortium", "records", *(("trustList",) if listed else ()))
        council, consortium, records, *more = shapes.members(value, path, *names)
        return cls(
            unb64(council, f"{path}.council", 20),
            unb64(consortium, f"{path}.consortium", 20),
            unb64(records, f"{path}.records", 20),
            *(unb64(address, f"{path}.trustList", 20) for address in more),
        )

    def expected_code(self) -> dict[str, tuple[bytes, bytes]]:
        """(address, runtime code) by contract. The immutables are part of the code: a Records that asks
        another consortium, or a Consortium that obeys another council, is another contract."""
        under = self.consortium, self.council
        return {
            "Council": (self.council, interface("Council").deployed()),
            "Consortium": (self.consortium, interface("Consortium").deployed(self.council)),
            **({"TrustList": (self.trust_list, interface("TrustList").deployed(*under))} if self.trust_list else {}),
            "Records": (self.records, interface("Records").deployed(*under)),
        }

    def trust_list_pin(self) -> TrustListPin:
        """Raises NotFoundError TRUST_LIST_NONE where the ledger has no trust list."""
        found = self.expected_code().get("TrustList")
        if found is None:
            raise NotFoundError("TRUST_LIST_NONE")
        return TrustListPin(found[0], keccak(found[1]))


def check_code(node: Node, contracts: Contracts) -> bytes:
    """The runtime code of Records, after comparing that of all with what this version was built with.

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
