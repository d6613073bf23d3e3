"""What the library does for the vectors of time-stamp tokens: the acts of ``acts``, which these stand beside."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from ledger.crypto.certificates import fingerprint
from ledger.crypto.timestamps import TimestampToken, over, verify_kept, verify_token

Given = dict[str, Any]


def token(given: Given) -> Any:
    """A token as its authority wrote it."""
    return _described(verify_token(bytes.fromhex(given["token"]), over(bytes.fromhex(given["data"]))))


def kept_token(given: Given) -> Any:
    """A token in the form in which it is kept."""
    return _described(verify_kept(bytes.fromhex(given["token"]), bytes.fromhex(given["data"])))


def _described(found: TimestampToken) -> dict[str, Any]:
    return {
        "time": found.time,
        "accuracy": found.info.accuracy,
        "policy": found.info.policy,
        "digest": found.info.digest,
        "algorithm": found.algorithm,
        "certificate": fingerprint(found.certificate).hex(),
        "kept": sha256(found.form).hexdigest(),
    }


TOKEN_ACTS: dict[str, Callable[[Given], Any]] = {act.__name__: act for act in (token, kept_token)}
