"""Keys of office A for the crypto service, and requests that its routes grant to their owner."""

from __future__ import annotations

from typing import Any

from api_kit import Office
from ledger_world import OFFICE_A

from ledger.assembly.council_work import certify
from ledger.core.canonical import b64

DIGEST = {"algorithm": "sha256", "value": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
OWN: dict[str, Any] = {"organisation": OFFICE_A}
TEST = b64(b"test")


def make_keys(office: Office) -> None:
    """``filing``: one that signs, with a certificate of the office's test CA, and one that encrypts."""
    certify(office.world.app, OFFICE_A, "示范登记中心", "filing", None, "service")
    office.world.app.keys.data.create(OFFICE_A, "filing", "aes-256-gcm")


def bodies(office: Office) -> dict[tuple[str, str], Any]:
    crypto = office.world.app.crypto
    envelope, _ = crypto.encrypt(OFFICE_A, "filing", b"test", "")
    found = {
        "sign": OWN | {"key": "filing", "data": TEST},
        "verify": OWN | {"cms": TEST, "data": TEST},
        "timestamp": OWN | {"digest": DIGEST},
        "encrypt": OWN | {"key": "filing", "data": TEST},
        "decrypt": OWN | {"envelope": b64(envelope)},
    }
    return {("post", f"/v1/crypto/{name}"): body for name, body in found.items()}
