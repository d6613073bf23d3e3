"""Whose certificates a seal or a seal signature rests on: whoever verifies it may want to ask their authorities."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.crypto.ses.parsing import is_signature, parse_seal, parse_signature
from ledger.crypto.ses.values import Seal, SealSignature
from ledger.crypto.timestamps import stamper_of
from ledger.errors import InputError


def parties_of(data: bytes) -> tuple[bytes, ...]:
    """Certificates (DER) of maker, signer and time-stamp authorities, as far as a seal or a seal signature names them;
    none for what is neither."""
    try:
        found = _of_signature(parse_signature(data)) if is_signature(data) else _of_seal(parse_seal(data))
        return tuple(dict.fromkeys(found))
    except InputError:
        return ()


def _of_signature(found: SealSignature) -> Iterator[bytes]:
    yield from _of_seal(found.seal)
    yield found.signer
    for token in (found.token, found.time_token):
        yield from _stamper(token)


def _of_seal(seal: Seal) -> Iterator[bytes]:
    yield seal.maker
    yield from _stamper(seal.token)


def _stamper(token: bytes | None) -> Iterator[bytes]:
    try:
        if token is not None:
            yield stamper_of(token)
    except InputError:
        return  # the step that judges it says what is wrong with it
