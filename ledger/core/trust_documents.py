"""What the contract TrustList keeps digests of: descriptions of services, qualifications, agreements.

A document is named by the SHA-256 of its canonical bytes; the chain holds no more than that, the store keeps them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from ledger.core import canonical, shapes
from ledger.core.accreditations import JURISDICTION
from ledger.core.canonical import b64
from ledger.core.identifiers import organisation_id
from ledger.core.trust_services import QualificationType, ServiceType
from ledger.errors import InputError

SERVICE_TAG = "zhengyin/service/1"
QUALIFICATION_TAG = "zhengyin/qualification/1"
AGREEMENT_TAG = "zhengyin/agreement/1"
_DIGEST_ONLY = "sha256:"


@dataclass(frozen=True, slots=True)
class ServiceDocument:
    """A service in words: its name, its certificate (DER), and who offers it as what."""

    name: str
    certificate: bytes
    provider: str
    service: ServiceType

    def to_json(self) -> dict[str, Any]:
        return {
            "tag": SERVICE_TAG,
            "name": self.name,
            "certificate": b64(self.certificate),
            "provider": self.provider,
            "service": self.service.word,
        }

    @classmethod
    def from_json(cls, value: object, path: str = "service") -> ServiceDocument:
        """Strict reading. Raises InputError SHAPE_…, ORGANISATION_ID, USCC_…, REGISTRY_UNKNOWN."""
        name, certificate, provider, service = shapes.tagged(
            value, path, SERVICE_TAG, "name", "certificate", "provider", "service"
        )
        return cls(
            shapes.text(name, f"{path}.name"),
            shapes.octets(certificate, f"{path}.certificate"),
            organisation_id(shapes.text(provider, f"{path}.provider")),
            ServiceType.of_word(service, f"{path}.service"),
        )


@dataclass(frozen=True, slots=True)
class QualificationDocument:
    """A licence of a provider with its number as printed; ``until`` (seconds UTC) is excluded, ``None`` open."""

    provider: str
    type: QualificationType
    number: str
    since: int
    until: int | None

    def to_json(self) -> dict[str, Any]:
        return {
            "tag": QUALIFICATION_TAG,
            "provider": self.provider,
            "type": self.type.word,
            "number": self.number,
            "from": self.since,
            "until": self.until,
        }

    @classmethod
    def from_json(cls, value: object, path: str = "qualification") -> QualificationDocument:
        """Strict reading. Raises as `ServiceDocument.from_json`."""
        provider, type_, number, since, until = shapes.tagged(
            value, path, QUALIFICATION_TAG, "provider", "type", "number", "from", "until"
        )
        return cls(
            organisation_id(shapes.text(provider, f"{path}.provider")),
            QualificationType.of_word(type_, f"{path}.type"),
            shapes.text(number, f"{path}.number", high=64),
            shapes.integer(since, f"{path}.from"),
            shapes.optional(until, f"{path}.until", shapes.integer),
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a recognition rests on: the recognising jurisdiction and the reference of its agreement or decision."""

    jurisdiction: str
    reference: str

    def to_json(self) -> dict[str, Any]:
        return {"tag": AGREEMENT_TAG, "jurisdiction": self.jurisdiction, "reference": self.reference}

    @classmethod
    def from_json(cls, value: object, path: str = "agreement") -> Agreement:
        """Strict reading. Raises InputError SHAPE_…."""
        jurisdiction, reference = shapes.tagged(value, path, AGREEMENT_TAG, "jurisdiction", "reference")
        return cls(
            shapes.text(jurisdiction, f"{path}.jurisdiction", JURISDICTION, 32),
            shapes.text(reference, f"{path}.reference"),
        )


TrustDocument = ServiceDocument | QualificationDocument | Agreement
_KINDS: dict[str, type[ServiceDocument] | type[QualificationDocument] | type[Agreement]] = {
    SERVICE_TAG: ServiceDocument,
    QUALIFICATION_TAG: QualificationDocument,
    AGREEMENT_TAG: Agreement,
}


def document_bytes(document: TrustDocument) -> bytes:
    return canonical.encode(document.to_json())


def document_id(document: TrustDocument) -> bytes:
    """SHA-256 of the canonical bytes: how the chain names the document."""
    return hashlib.sha256(document_bytes(document)).digest()


def agreement_reference(digest: bytes, document: TrustDocument | None) -> str:
    """The reference of the agreement with this digest; the digest itself where the document is not at hand."""
    return document.reference if isinstance(document, Agreement) else _DIGEST_ONLY + digest.hex()


def agreement_id(jurisdiction: str, reference: str) -> bytes:
    """Inverse of `agreement_reference`: the digest that the chain holds."""
    if reference.startswith(_DIGEST_ONLY) and len(reference) == len(_DIGEST_ONLY) + 64:
        try:
            return bytes.fromhex(reference.removeprefix(_DIGEST_ONLY))
        except ValueError:
            pass
    return document_id(Agreement(jurisdiction, reference))


def read_trust_document(data: bytes) -> TrustDocument:
    """Raises InputError CANONICAL_…, SHAPE_…, TRUST_DOCUMENT_KIND, ORGANISATION_ID, USCC_…, REGISTRY_UNKNOWN."""
    value = canonical.decode(data)
    kind = _KINDS.get(str(value.get("tag"))) if type(value) is dict else None
    if kind is None:
        raise InputError("TRUST_DOCUMENT_KIND")
    return kind.from_json(value)
