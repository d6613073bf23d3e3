"""The chains of a trust file: who seals them, which contracts speak for them, which blocks are known."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ledger.core import shapes
from ledger.core.canonical import b64, unb64
from ledger.core.identifiers import organisation_id
from ledger.core.manifests import BlockName, ChainIdentity

UNSEALED = "unsealed"
CONSENSUS = ("embedded", "qbft", UNSEALED)
_NAMES = (
    "identity",
    "council",
    "consortium",
    "recordsCode",
    "consensus",
    "validators",
    "checkpoints",
    "successor",
)


@dataclass(frozen=True, slots=True)
class Validator:
    """A sealing node's address (20 bytes), who runs it, and for which blocks (``until_block`` inclusive or None)."""

    address: bytes
    organisation: str
    from_block: int
    until_block: int | None

    def to_json(self) -> dict[str, Any]:
        return {
            "address": b64(self.address),
            "organisation": self.organisation,
            "fromBlock": self.from_block,
            "untilBlock": self.until_block,
        }

    @classmethod
    def from_json(cls, value: object, path: str) -> Validator:
        address, organisation, since, until = shapes.members(
            value, path, "address", "organisation", "fromBlock", "untilBlock"
        )
        return cls(
            unb64(address, f"{path}.address", 20),
            organisation_id(shapes.text(organisation, f"{path}.organisation")),
            shapes.integer(since, f"{path}.fromBlock"),
            shapes.optional(until, f"{path}.untilBlock", shapes.integer),
        )


@dataclass(frozen=True, slots=True)
class TrustListPin:
    """The contract TrustList of a chain: address (20 bytes) and keccak-256 of its runtime code."""

    address: bytes
    code: bytes

    def to_json(self) -> dict[str, Any]:
        return {"address": b64(self.address), "code": b64(self.code)}

    @classmethod
    def from_json(cls, value: object, path: str) -> TrustListPin:
        address, code = shapes.members(value, path, "address", "code")
        return cls(unb64(address, f"{path}.address", 20), shapes.digest(code, f"{path}.code"))


@dataclass(frozen=True, slots=True)
class TrustedChain:
    """A chain the verifier accepts. ``records_code``: keccak-256 of the Records contract's runtime code.

    ``trust_list`` is no part of form 1 of the trust file; ``None`` where the chain has none.
    """

    identity: ChainIdentity
    council: bytes
    consortium: bytes
    records_code: bytes
    consensus: str
    validators: tuple[Validator, ...]
    checkpoints: tuple[BlockName, ...]
    successor: ChainIdentity | None
    trust_list: TrustListPin | None = None

    def validators_at(self, block: int) -> tuple[Validator, ...]:
        return tuple(
            v for v in self.validators if v.from_block <= block and (v.until_block is None or block <= v.until_block)
        )

    def to_json(self, form: int) -> dict[str, Any]:
        written = {
            "identity": self.identity.to_json(),
            "council": b64(self.council),
            "consortium": b64(self.consortium),
            "recordsCode": b64(self.records_code),
            "consensus": self.consensus,
            "validators": [v.to_json() for v in self.validators],
            "checkpoints": [c.to_json() for c in self.checkpoints],
            "successor": self.successor.to_json() if self.successor else None,
        }
        if form > 1:
            written["trustList"] = self.trust_list.to_json() if self.trust_list else None
        return written

    @classmethod
    def from_json(cls, value: object, path: str, form: int) -> TrustedChain:
        names = _NAMES if form == 1 else (*_NAMES, "trustList")
        identity, council, consortium, code, consensus, validators, checkpoints, successor, *added = shapes.members(
            value, path, *names
        )
        found = cls(
            ChainIdentity.from_json(identity, f"{path}.identity"),
            unb64(council, f"{path}.council", 20),
            unb64(consortium, f"{path}.consortium", 20),
            shapes.digest(code, f"{path}.recordsCode"),
            shapes.choice(CONSENSUS)(consensus, f"{path}.consensus"),
            # no vacuous truth: a chain without validators would accept any seal or none; nobody seals an unsealed one
            shapes.array(
                validators,
                f"{path}.validators",
                Validator.from_json,
                low=0 if consensus == UNSEALED else 1,
                high=0 if consensus == UNSEALED else 1024,
            ),
            shapes.array(checkpoints, f"{path}.checkpoints", BlockName.from_json),
            shapes.optional(successor, f"{path}.successor", ChainIdentity.from_json),
            *(shapes.optional(pin, f"{path}.trustList", TrustListPin.from_json) for pin in added),
        )
        _require_one_truth(found, path)
        return found


def _require_one_truth(chain: TrustedChain, path: str) -> None:
    """A slip in the file must stop the file: read on, it would show every true record of the chain as forged."""
    if any(a.address == b.address and _overlap(a, b) for a, b in combinations(chain.validators, 2)):
        shapes.refuse("TRUST_VALIDATORS_OVERLAP", f"{path}.validators")
    if len({c.block for c in chain.checkpoints}) < len(chain.checkpoints):
        shapes.refuse("TRUST_CHECKPOINT_REPEATED", f"{path}.checkpoints")


def _overlap(a: Validator, b: Validator) -> bool:
    return (a.until_block is None or b.from_block <= a.until_block) and (
        b.until_block is None or a.from_block <= b.until_block
    )
