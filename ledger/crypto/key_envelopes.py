"""Data of other systems under a named key, in a form that says which: FORMATS, "Envelope".

    key envelope = head ‖ envelope
    head = "ZYKE" ‖ 1 ‖ algorithm (1 byte) ‖ version of the key (4) ‖ length of its name (1) ‖ name

The head is authenticated with the data, and so are the organisation that the key is of and the caller's context: an
envelope opens for nobody else, and in no other place than it was made for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.crypto.envelopes import OVERHEAD
from ledger.errors import InputError

MAGIC = b"ZYKE\x01"
ALGORITHMS = {1: "aes-256-gcm", 2: "sm4-gcm"}
MAX_NAME, MAX_VERSION = 64, (1 << 31) - 1
MAX_HEAD = len(MAGIC) + 6 + MAX_NAME
_CODES = {name: code for code, name in ALGORITHMS.items()}
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_FIXED = len(MAGIC) + 6  # bytes before the name


@dataclass(frozen=True, slots=True)
class KeyHead:
    """Which key an envelope is under: ``algorithm`` of ``envelopes.ENCRYPTIONS``, name, version from 1.

    Raises:
        InputError: ``KEY_ENVELOPE_FORM``.
    """

    algorithm: str
    name: str
    version: int

    def __post_init__(self) -> None:
        named = _NAME.fullmatch(self.name.encode())
        if self.algorithm not in _CODES or named is None or not 1 <= self.version <= MAX_VERSION:
            raise InputError("KEY_ENVELOPE_FORM")

    def to_bytes(self) -> bytes:
        name = self.name.encode()
        return MAGIC + bytes([_CODES[self.algorithm]]) + self.version.to_bytes(4, "big") + bytes([len(name)]) + name

    def associated(self, organisation: str, context: str) -> bytes:
        """What is authenticated beside the data: head ‖ length of the organisation (1 byte) ‖ organisation ‖ context.
        Head and organisation say their own lengths, so no two of these are the same bytes."""
        owner = organisation.encode()
        return self.to_bytes() + bytes([len(owner)]) + owner + context.encode()


def read_key_envelope(data: bytes) -> tuple[KeyHead, bytes]:
    """The head, of which nothing is proved before the envelope (returned beside it) has been opened.

    Raises:
        InputError: ``KEY_ENVELOPE_FORM`` for what is none: another beginning, an unknown algorithm, too short.
    """
    length = data[_FIXED - 1] if len(data) >= _FIXED else 0
    name, envelope = data[_FIXED : _FIXED + length], data[_FIXED + length :]
    if not data.startswith(MAGIC) or _NAME.fullmatch(name) is None or len(envelope) < OVERHEAD:
        raise InputError("KEY_ENVELOPE_FORM")
    version = int.from_bytes(data[len(MAGIC) + 1 : _FIXED - 1], "big")
    return KeyHead(ALGORITHMS.get(data[len(MAGIC)], ""), name.decode(), version), envelope
