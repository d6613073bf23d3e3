"""What a seal and a seal signature hold. Encodings are those received: they are what was signed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

SM2_WITH_SM3 = "1.2.156.10197.1.501"  # GB/T 33560-2017 annex A; a bare OID stands in the field, no AlgorithmIdentifier

MAX_SEAL = 2 << 20  # bytes
MAX_SIGNATURE = MAX_SEAL + (256 << 10)
MAX_PICTURE = 1 << 20  # bytes; seals in use have a fiftieth of it
MAX_MILLIMETRES = 500
MAX_TEXT = 1024  # bytes of one text
MAX_SIGNERS = 256
MAX_EXTENSIONS = 64
MAX_TOKEN = 64 << 10


class Version(IntEnum):
    """Generations of the format; the number is that of GM/T 0031 and GB/T 38540 headers."""

    V1 = 1
    V4 = 4
    V5 = 5


@dataclass(frozen=True, slots=True)
class Picture:
    """``kind`` in upper case (PNG, SVG …); ``width``, ``height`` in millimetres."""

    kind: str
    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Extension:
    oid: bytes
    """OBJECT IDENTIFIER, DER."""
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class SealInfo:
    """The part that the maker signs (SES_SealInfo). ``kind``: 1 organisation, 2 person, others by the maker.
    ``certificates``: DER of those who may use the seal, or none where ``digests`` (SM3, 32 bytes) stand for
    them. Instants: seconds UTC. ``encoded``: as received."""

    number: int
    vendor: str
    seal_id: str
    kind: int
    name: str
    certificates: tuple[bytes, ...]
    digests: tuple[bytes, ...]
    created: int
    valid_from: int
    valid_until: int
    picture: Picture
    extensions: tuple[Extension, ...]
    encoded: bytes


@dataclass(frozen=True, slots=True)
class Seal:
    """``maker``: certificate, DER. ``algorithm``: OBJECT IDENTIFIER, DER. ``signed``: the bytes under ``signature``
    (SM2 signature, DER). ``token``: time-stamp token over the signature's bytes, version 5 only."""

    version: Version
    info: SealInfo
    maker: bytes
    algorithm: bytes
    signed: bytes
    signature: bytes
    token: bytes | None
    encoded: bytes


@dataclass(frozen=True, slots=True)
class SealSignature:
    """``signed_at``: what the signer says, seconds UTC, or None where a token stands instead (``time_token``,
    version 1). ``digest``: of the document, 32 bytes. ``property_info``: path of the signed file in its package."""

    version: Version
    seal: Seal
    signed_at: int | None
    time_token: bytes | None
    digest: bytes
    property_info: str
    extensions: tuple[Extension, ...]
    signer: bytes
    algorithm: bytes
    signed: bytes
    signature: bytes
    token: bytes | None
