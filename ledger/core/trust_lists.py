"""The lists of a trust file: council keys, authorities, recognitions, policies. Its chains: ``trusted_chains``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ledger.core import shapes
from ledger.core.accreditations import JURISDICTION
from ledger.core.canonical import b64
from ledger.core.identifiers import organisation_id
from ledger.core.trust_services import QualificationType, ServiceStatus, ServiceType

ALGORITHMS = ("ES256", "SM2", "Ed25519")
FINALITY = ("single", "bft")
CA = ServiceType.CA.word
SERVICES = tuple(service.word for service in ServiceType)
QUALIFICATIONS = tuple(type_.word for type_ in QualificationType)
AUTHORITY_STATES = {1: ("granted", "withdrawn"), 2: tuple(status.word for status in ServiceStatus)}
"""By form of the trust file."""
AUTHORITY_NAMES = ("name", "certificate", "states", "compromisedSince")
TOKENS = {1: ("optional", "required"), 2: ("optional", "required", "independent")}
"""By form of the trust file, milder ones first."""
REVOCATION = ("provisional", "final")
KEY_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def organisation(value: object, path: str) -> str:
    """An organisation's id. Raises InputError SHAPE_…, ORGANISATION_ID, USCC_…."""
    return organisation_id(shapes.text(value, path))


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
            shapes.text(id_, f"{path}.id", KEY_ID),
            shapes.choice(ALGORITHMS)(alg, f"{path}.alg"),
            shapes.octets(spki, path),
        )


@dataclass(frozen=True, slots=True)
class DatedState:
    state: str
    since: int

    def to_json(self) -> dict[str, Any]:
        return {"state": self.state, "since": self.since}

    @classmethod
    def from_json(cls, value: object, path: str, form: int) -> DatedState:
        state, since = shapes.members(value, path, "state", "since")
        return cls(
            shapes.choice(AUTHORITY_STATES[form])(state, f"{path}.state"), shapes.integer(since, f"{path}.since")
        )


@dataclass(frozen=True, slots=True)
class ProviderQualification:
    """A licence of a provider: ``type`` certification (电子认证服务许可) or government (电子政务电子认证服务机构), its
    number as printed, from ``since`` until just before ``until`` (``None``: open)."""

    type: str
    number: str
    since: int
    until: int | None

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "number": self.number, "from": self.since, "until": self.until}

    @classmethod
    def from_json(cls, value: object, path: str) -> ProviderQualification:
        type_, number, since, until = shapes.members(value, path, "type", "number", "from", "until")
        found = cls(
            shapes.choice(QUALIFICATIONS)(type_, f"{path}.type"),
            shapes.text(number, f"{path}.number", high=64),
            shapes.integer(since, f"{path}.from"),
            shapes.optional(until, f"{path}.until", shapes.integer),
        )
        if found.until is not None and found.until <= found.since:
            shapes.refuse("SHAPE_ORDER", f"{path}.until")
        return found


@dataclass(frozen=True, slots=True)
class Authority:
    """A trust service: the certificate it is known by, a trust anchor where ``service`` makes it one, with dated
    states (ascending) in the manner of an ETSI TS 119 612 service history.

    ``service``: word of `ServiceType`; ``provider``: id of the organisation that offers it, ``None`` where the file
    does not say. Form 1 of the trust file knows authorities of service ``ca`` only, and nothing of their providers.
    """

    name: str
    certificate: bytes
    states: tuple[DatedState, ...]
    compromised_since: int | None
    service: str = CA
    provider: str | None = None
    qualifications: tuple[ProviderQualification, ...] = ()

    def state_at(self, instant: int) -> str | None:
        current = [s.state for s in self.states if s.since <= instant]
        return current[-1] if current else None

    def to_json(self, form: int) -> dict[str, Any]:
        written = {
            "name": self.name,
            "certificate": b64(self.certificate),
            "states": [s.to_json() for s in self.states],
            "compromisedSince": self.compromised_since,
        }
        if form > 1:
            written["service"] = self.service
            written["provider"] = self.provider
            written["qualifications"] = [q.to_json() for q in self.qualifications]
        return written

    @classmethod
    def from_json(cls, value: object, path: str, form: int) -> Authority:
        names = AUTHORITY_NAMES if form == 1 else (*AUTHORITY_NAMES, "service", "provider", "qualifications")
        name, certificate, states, compromised, *added = shapes.members(value, path, *names)
        found = cls(
            shapes.text(name, f"{path}.name"),
            shapes.octets(certificate, f"{path}.certificate"),
            shapes.array(states, f"{path}.states", partial(DatedState.from_json, form=form), low=1),
            shapes.optional(compromised, f"{path}.compromisedSince", shapes.integer),
        )
        if added:
            service, provider, qualifications = added
            found = replace(
                found,
                service=shapes.choice(SERVICES)(service, f"{path}.service"),
                provider=shapes.optional(provider, f"{path}.provider", organisation),
                qualifications=shapes.array(
                    qualifications, f"{path}.qualifications", ProviderQualification.from_json, high=64
                ),
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
    """What a jurisdiction asks for. ``finality``: least kind accepted; ``token``: is an RFC 3161 token required, and
    must its authority's provider be neither the issuer nor an organisation that runs a validator (independent);
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
    def from_json(cls, value: object, path: str, form: int) -> Policy:
        jurisdiction, finality, token, revocation, level = shapes.members(
            value, path, "jurisdiction", "finality", "token", "revocation", "level"
        )
        return cls(
            shapes.text(jurisdiction, f"{path}.jurisdiction", JURISDICTION, 32),
            shapes.choice(FINALITY)(finality, f"{path}.finality"),
            shapes.choice(TOKENS[form])(token, f"{path}.token"),
            shapes.choice(REVOCATION)(revocation, f"{path}.revocation"),
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
