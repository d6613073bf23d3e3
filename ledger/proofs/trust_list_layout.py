"""Where the TrustList contract keeps what a verifier asks it, and how its words are packed.

    slot 0   mapping(certificate => {uint8 serviceType; uint8 status; uint40 since; uint32 count; | bytes32 provider;
                                     | bytes32 key; | bytes32 name; | bytes32 document; | bytes32 history})
    slot 1   mapping(key => {uint40 since; uint40 compromisedSince})
    slot 2   mapping(id => {uint8 qualificationType; uint40 from; uint40 until; | bytes32 provider; | bytes32 number})
    slot 4   mapping(keccak256(abi.encode(terms)) => {uint40 from; uint40 until})

``|`` begins the next word. Certificates and keys are named by SHA-256 of their DER. The layout belongs to one code
hash: prove the account first.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import InputError
from ledger.proofs.keccak import keccak
from ledger.proofs.storage import mapping_slot, offset_slot, unpack

_SERVICES, _KEYS, _QUALIFICATIONS, _RECOGNITIONS = (number.to_bytes(32, "big") for number in (0, 1, 2, 4))
_LISTING, _HISTORY = range(1, 5), 5  # words of a service behind its first

_SERVICE = (("serviceType", 8), ("status", 8), ("since", 40), ("count", 32))
_KEY = (("since", 40), ("compromisedSince", 40))
_QUALIFICATION = (("qualificationType", 8), ("from", 40), ("until", 40))
_WINDOW = (("from", 40), ("until", 40))


@dataclass(frozen=True, slots=True)
class ServiceWord:
    """``status`` holds from ``since`` (seconds UTC); ``count``: statuses so far, 0 = not listed."""

    service_type: int
    status: int
    since: int
    count: int


def service_slot(certificate: bytes) -> bytes:
    """Slot of the word of a listed service."""
    return mapping_slot(certificate, _SERVICES)


def service_listing_slots(certificate: bytes) -> tuple[bytes, ...]:
    """Slots of its provider, key, name and document, a word each."""
    return tuple(offset_slot(service_slot(certificate), word) for word in _LISTING)


def service_history_slot(certificate: bytes) -> bytes:
    """Slot of the hash chain over all statuses of a service; see ``status_step``."""
    return offset_slot(service_slot(certificate), _HISTORY)


def key_slot(key: bytes) -> bytes:
    return mapping_slot(key, _KEYS)


def qualification_slots(id_: bytes) -> tuple[bytes, bytes, bytes]:
    """Slots of its word, its provider and its number, by the SHA-256 of its document."""
    first = mapping_slot(id_, _QUALIFICATIONS)
    return first, offset_slot(first, 1), offset_slot(first, 2)


def recognition_slot(jurisdiction: bytes, certificate: bytes, purpose: int, level: int, agreement: bytes) -> bytes:
    """Slot of the window in which a jurisdiction (ASCII, zero-padded, 32 bytes) recognises on these terms."""
    words = jurisdiction, certificate, purpose.to_bytes(32, "big"), level.to_bytes(32, "big"), agreement
    return mapping_slot(keccak(b"".join(words)), _RECOGNITIONS)


def unpack_service(word: int) -> ServiceWord:
    """STORAGE_WORD_LAYOUT where bits are set that no member uses."""
    return ServiceWord(*unpack(word, _SERVICE))


def unpack_key(word: int) -> int | None:
    """Since when the key is compromised, seconds UTC. STORAGE_WORD_LAYOUT as `unpack_service`."""
    return unpack(word, _KEY)[1] or None


def unpack_qualification(word: int) -> tuple[int, int, int]:
    """(type, from, until), all 0 where there is none. STORAGE_WORD_LAYOUT as `unpack_service`."""
    type_, since, until = unpack(word, _QUALIFICATION)
    return type_, since, until


def unpack_window(word: int) -> tuple[int, int]:
    """(from, until), seconds UTC; both 0 where nothing was recognised. STORAGE_WORD_LAYOUT as `unpack_service`."""
    since, until = unpack(word, _WINDOW)
    return since, until


def status_step(previous: bytes, status: int, since: int) -> bytes:
    """The history word after one status: keccak256(abi.encode(bytes32 previous, uint8 status, uint40 since)); 32 zero
    bytes before the first. Raises STORAGE_WORD_LAYOUT where a value does not fit its member."""
    for member, value, bits in (("status", status, 8), ("since", since, 40)):
        if not 0 <= value < 1 << bits:
            raise InputError("STORAGE_WORD_LAYOUT", member=member)
    return keccak(previous + status.to_bytes(32, "big") + since.to_bytes(32, "big"))
