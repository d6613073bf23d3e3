"""What callers of the crypto service bring: data, or their digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from cryptography.hazmat.primitives.hashes import SHA256, SM3, Hash

from ledger.crypto.signed_data import digest_of
from ledger.errors import InputError

MAX_BYTES = 1 << 20
"""Of data to be signed or encrypted in one use; larger data are signed by their digest, or under a key of the caller's
own that is encrypted here."""
OURS = "zhengyin/"
"""How the tag of everything begins that the ledger itself signs or has signed."""
_HASHES = {"sha256": SHA256, "sm3": SM3}


@dataclass(frozen=True, slots=True)
class Content:
    """What a signature or time-stamp is about: ``data``, or its digest ``value`` under ``algorithm`` (of
    ``signed_data.DIGESTS``) where it stays with the caller.

    Raises:
        InputError: ``CRYPTO_SIZE``; ``CRYPTO_DIGEST_LENGTH``.
    """

    data: bytes | None = None
    algorithm: str = ""
    value: bytes = b""

    def __post_init__(self) -> None:
        if self.data is not None and len(self.data) > MAX_BYTES:
            raise InputError("CRYPTO_SIZE", limit=MAX_BYTES)
        if self.data is None and len(self.value) != len(digest_of(self.algorithm, b"")):
            raise InputError("CRYPTO_DIGEST_LENGTH", algorithm=self.algorithm)

    def of(self, name: str) -> bytes:
        """Its digest. Raises InputError ``CRYPTO_DIGEST_OTHER`` where another one was given."""
        if self.data is not None:
            return digest_of(name, self.data)
        if name != self.algorithm:
            raise InputError("CRYPTO_DIGEST_OTHER", given=self.algorithm, wanted=name)
        return self.value

    @property
    def subject(self) -> str:
        """As the log names it."""
        return (self.value if self.data is None else digest_of("sha256", self.data)).hex()

    def require_foreign(self) -> None:
        """As the function of this name; a digest says nothing."""
        if self.data is not None:
            require_foreign(self.data)


def require_foreign(data: bytes) -> None:
    """Raises InputError ``CRYPTO_CONTENT_OURS`` for what reads as an object of the ledger's own: whoever has it signed
    as his file would have a manifest or a login signed."""
    if len(data) > MAX_BYTES:  # none of ours is as long
        return
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = None
    tag = value.get("tag") if isinstance(value, dict) else None
    if (isinstance(tag, str) and tag.startswith(OURS)) or data.lstrip().startswith(OURS.encode()):
        raise InputError("CRYPTO_CONTENT_OURS")


class Digester:
    """Digests of data of any size as they arrive, under ``names`` (sha256, sm3)."""

    def __init__(self, names: Sequence[str]) -> None:
        self._states = {name: Hash(_HASHES[name]()) for name in names}
        self._size = 0

    def update(self, piece: bytes) -> None:
        self._size += len(piece)
        for state in self._states.values():
            state.update(piece)

    def finish(self) -> tuple[int, dict[str, bytes]]:
        """Size in bytes, digest by name."""
        return self._size, {name: state.finalize() for name, state in self._states.items()}
