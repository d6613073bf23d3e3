"""What the library does for the vectors of key envelopes: the acts of ``acts``, which these stand beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.crypto import envelopes
from ledger.crypto.key_envelopes import KeyHead, read_key_envelope

Given = dict[str, Any]


def seal_key_envelope(given: Given) -> Any:
    """With a nonce that is given: anybody else draws it."""
    head = KeyHead(given["algorithm"], given["name"], given["version"])
    nonce, key = bytes.fromhex(given["nonce"]), bytes.fromhex(given["key"])
    associated = head.associated(given["organisation"], given["context"])
    data = bytes.fromhex(given["data"])
    sealed = envelopes.encrypt_with_nonce(head.algorithm, key, nonce, data, associated)
    return {"associated": associated.hex(), "envelope": (head.to_bytes() + nonce + sealed).hex()}


def open_key_envelope(given: Given) -> Any:
    head, sealed = read_key_envelope(bytes.fromhex(given["envelope"]))
    associated = head.associated(given["organisation"], given["context"])
    data = envelopes.decrypt(head.algorithm, bytes.fromhex(given["key"]), sealed, associated)
    return {"algorithm": head.algorithm, "name": head.name, "version": head.version, "data": data.hex()}


ENVELOPE_ACTS: dict[str, Callable[[Given], Any]] = {act.__name__: act for act in (seal_key_envelope, open_key_envelope)}
