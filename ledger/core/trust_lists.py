"""The lists of a trust file: council keys, chains with their validators, authorities, recognitions, policies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ledger.core import shapes
from ledger.core.accreditations import JURISDICTION
from ledger.core.canonical import b64, unb64
from ledger.core.identifiers import organisation_id
from ledger.core.manifests import BlockName, ChainIdentity

ALGORITHMS = ("ES256", "SM2", "Ed25519")
UNSEALED = "unsealed"
CONSENSUS = ("embedded", "qbft", UNSEALED)
FINALITY = ("single", "bft")
AUTHORITY_STATES = ("granted", "withdrawn")
TOKENS = ("optional", "required")
REVOCATION = ("provisional", "final")
KEY_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def _choice(words: tuple[str, ...]) -> Any:
    def read(value: object, path: str) -> str:
        if value not in words:
            shapes.refuse("SHAPE_TEXT", path, pattern="|".join(words))
        return str(value)

    return read


@dataclass(frozen=True, slots=True)
class CouncilKey:
    """An offline key of a council member: ``spki`` is DER SubjectPublicKeyInfo (RFC 5280)."""

    id: str
    alg: str
    spki: bytes

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "alg": self.alg, "spki": b64(self.spki)}

    @classmethod
    def from_json(cls, value: object, path: str) -> CouncilKey:
        id_, alg, spki = shapes.members(value, path, "id", "alg", "spki")
        return cls(
            shapes.text(id_, f"{path}.id", KEY_ID), _choice(ALGORITHMS)(alg, f"{path}.alg"), shapes.octets(spki, path)
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
class TrustedChain:
    """A chain the verifier accepts. ``records_code``: keccak-256 of the Records contract's runtime code."""

    identity: ChainIdentity
    council: bytes
    consortium: bytes
    records_code: bytes
    consensus: str
    validators: tuple[Validator, ...]
    checkpoints: tuple[BlockName, ...]
    successor: ChainIdentity | None

    def validators_at(self, block: int) -> tuple[Validator, ...]:
        return tuple(
            v for v in self.validators if v.from_block <= block and (v.until_block is None or block <= v.until_block)
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "identity": self.identity.to_json(),
            "council": b64(self.council),
            "consortium": b64(self.consortium),
            "recordsCode": b64(self.records_code),
            "consensus": self.consensus,
            "validators": [v.to_json() for v in self.validators],
            "checkpoints": [c.to_json() for c in self.checkpoints],
            "successor": self.successor.to_json() if self.successor else None,
        }

    @classmethod
    def from_json(cls, value: object, path: str) -> TrustedChain:
        identity, council, consortium, code, consensus, validators, checkpoints, successor = shapes.members(
            value,
            path,
            "identity",
            "council",
            "consortium",
            "recordsCode",
            "consensus",
            "validators",
            "checkpoints",
            "successor",
        )
        found = cls(
            ChainIdentity.from_json(identity, f"{path}.identity"),
            unb64(council, f"{path}.council", 20),
            unb64(consortium, f"{path}.consortium", 20),
            shapes.digest(code, f"{path}.recordsCode"),
            _choice(CONSENSUS)(consensus, f"{path}.consensus"),
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


@dataclass(frozen=True, slots=True)
class DatedState:
    state: str
    since: int

    def to_json(self) -> dict[str, Any]:
        return {"state": self.state, "since": self.since}

    @classmethod
    def from_json(cls, value: object, path: str) -> DatedState:
        state, since = shapes.members(value, path, "state", "since")
        return cls(_choice(AUTHORITY_STATES)(state, f"{path}.state"), shapes.integer(since, f"{path}.since"))


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority: its (root or issuing) certificate as trust anchor, with dated states
    (ascending) in the manner of an ETSI TS 119 612 service history."""

    name: str
    certificate: bytes
    states: tuple[DatedState, ...]
    compromised_since: int | None

    def state_at(self, instant: int) -> str | None:
        current = [s.state for s in self.states if s.since <= instant]
        return current[-1] if current else None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "certificate": b64(self.certificate),
            "states": [s.to_json() for s in self.states],
            "compromisedSince": self.compromised_since,
        }

    @classmethod
    def from_json(cls, value: object, path: str) -> Authority:
        name, certificate, states, compromised = shapes.members(
            value, path, "name", "certificate", "states", "compromisedSince"
        )
        found = cls(
            shapes.text(name, f"{path}.name"),
            shapes.octets(certificate, f"{path}.certificate"),
            shapes.array(states, f"{path}.states", DatedState.from_json, low=1),
            shapes.optional(compromised, f"{path}.compromisedSince", shapes.integer),
        )
        shapes.ascending(tuple(s.since for s in found.states), f"{path}.states")
        return found


@dataclass(frozen=True, slots=True)
class Recognition:
    """A jurisdiction recognises an authority for a purpose (a record kind's word) at an assurance level."""

    jurisdiction: str
    authority: bytes
    purpose: str
    level: int
    since: int
    until: int | None
    reference: str

    def to_json(self) -> dict[str, Any]:
        return {
            "jurisdiction": self.jurisdiction,
            "authority": b64(self.authority),
            "purpose": self.purpose,
            "level": self.level,
            "from": self.since,
            "until": self.until,
            "reference": self.reference,
        }

    @classmethod
    def from_json(cls, value: object, path: str) -> Recognition:
        jurisdiction, authority, purpose, level, since, until, reference = shapes.members(
            value, path, "jurisdiction", "authority", "purpose", "level", "from", "until", "reference"
        )
        return cls(
            shapes.text(jurisdiction, f"{path}.jurisdiction", JURISDICTION, 32),
            shapes.digest(authority, f"{path}.authority"),
            shapes.text(purpose, f"{path}.purpose", high=32),
            shapes.integer(level, f"{path}.level", 1, 4),
            shapes.integer(since, f"{path}.from"),
            shapes.optional(until, f"{path}.until", shapes.integer),
            shapes.text(reference, f"{path}.reference"),
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """What a jurisdiction asks for. ``finality``: least kind accepted; ``token``: is an RFC 3161 token required;
    ``revocation``: does data taken at signing suffice (provisional) or must it be later (final)."""

    jurisdiction: str
    finality: str
    token: str
    revocation: str
    level: int

    def to_json(self) -> dict[str, Any]:
        return {
            "jurisdiction": self.jurisdiction,
            "finality": self.finality,
            "token": self.token,
            "revocation": self.revocation,
            "level": self.level,
        }

    @classmethod
    def from_json(cls, value: object, path: str) -> Policy:
        jurisdiction, finality, token, revocation, level = shapes.members(
            value, path, "jurisdiction", "finality", "token", "revocation", "level"
        )
        return cls(
            shapes.text(jurisdiction, f"{path}.jurisdiction", JURISDICTION, 32),
            _choice(FINALITY)(finality, f"{path}.finality"),
            _choice(TOKENS)(token, f"{path}.token"),
            _choice(REVOCATION)(revocation, f"{path}.revocation"),
            shapes.integer(level, f"{path}.level", 1, 4),
        )


@dataclass(frozen=True, slots=True)
class CompromisedSigner:
    organisation: str
    certificate: bytes
    since: int

    def to_json(self) -> dict[str, Any]:
        return {"organisation": self.organisation, "certificate": b64(self.certificate), "since": self.since}

    @classmethod
    def from_json(cls, value: object, path: str) -> CompromisedSigner:
        organisation, certificate, since = shapes.members(value, path, "organisation", "certificate", "since")
        return cls(
            organisation_id(shapes.text(organisation, f"{path}.organisation")),
            shapes.digest(certificate, f"{path}.certificate"),
            shapes.integer(since, f"{path}.since"),
        )
