"""Chain accounts (secp256k1) whose secret stays out of logs and reports."""

from __future__ import annotations

from coincurve import PrivateKey
from sha3 import keccak_256

from ledger.errors import InputError
from ledger.ports import Account

SECRET_BYTES = 32


class AccountKey:
    """A secp256k1 private key that neither shows, compares nor pickles itself.

    Raises:
        InputError: ``ACCOUNT_SECRET`` if ``secret`` is not 32 bytes in the range of the curve.
    """

    __slots__ = ("_key",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise InputError("ACCOUNT_SECRET")
        try:
            self._key = PrivateKey(secret)
        except ValueError as error:
            raise InputError("ACCOUNT_SECRET") from error

    def __repr__(self) -> str:
        return f"AccountKey(0x{self.address.hex()})"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")

    @property
    def address(self) -> bytes:
        """The last 20 bytes of keccak-256 over the public point (Ethereum yellow paper, appendix F)."""
        return bytes(keccak_256(self._key.public_key.format(compressed=False)[1:]).digest()[12:])

    def sign_recoverable(self, digest: bytes, hasher: None = None) -> bytes:
        """r ‖ s ‖ y parity, 65 bytes, with low s (EIP-2), over a 32-byte digest; the call of
        ``coincurve``."""
        return bytes(self._key.sign_recoverable(digest, hasher=hasher))

    def reveal(self) -> bytes:
        """The 32-byte secret, for a library that must sign itself. Never log it."""
        return bytes(self._key.secret)


def make_account(secret: bytes) -> Account:
    """The account of a 32-byte secret; its ``key`` is an ``AccountKey``."""
    key = AccountKey(secret)
    return Account(key.address, key)
