"""Logins at PKCS#11 tokens, one a token and process, and what their library raises, translated once.

A login holds for the whole process, and so does a logout: keys of one token share a session. The library's objects are
for one thread at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from ledger.errors import ConfigError, UnavailableError
from ledger.outside import private_files
from ledger.outside.pkcs11_uris import KeyUri

ONE_AT_A_TIME = RLock()


@dataclass(repr=False)
class Login:
    """A session with a token. ``mark``: digest of the PIN, which is short enough to be guessed from it; ``alive``:
    objects found in it may be used."""

    session: Any
    mark: bytes
    alive: bool = True


_logins: dict[tuple[str, bytes, str], Login] = {}
"""By module, serial number and label of the token."""
_refused: set[bytes] = set()
"""PINs, by digest with their token, that were refused: after a few tries a token locks itself, and whoever retries in
the background would use them up within a minute."""


def library() -> Any:
    import pkcs11  # a tenth of a second, for those who have a token

    return pkcs11


def token_name(uri: KeyUri) -> str:
    return dict(uri.token).get("token") or dict(uri.token)["serial"]


def login(uri: KeyUri, environment: Mapping[str, str]) -> Login:
    """The session with the token of ``uri``, in which private keys may be used. Call it inside ``translated``.

    Raises:
        ConfigError: ``PKCS11_MODULE``, ``PKCS11_AMBIGUOUS``, ``PKCS11_PIN_MISSING``, ``PKCS11_PIN``.
        UnavailableError: ``PKCS11_TOKEN``.
    """
    found = _token(uri)
    pin = _pin(uri, environment)
    place = (uri.module, found.serial, found.label)
    mark = hashlib.sha256(repr(place).encode() + pin.encode("utf-8", "surrogateescape")).digest()
    held = _logins.get(place)
    if mark in _refused or (held and held.mark != mark):  # a token has one PIN: another than it took is wrong
        raise ConfigError("PKCS11_PIN", token=token_name(uri))
    if held is None:
        try:
            held = _logins[place] = Login(found.open(user_pin=pin), mark)
        except (library().PinIncorrect, library().PinInvalid, library().PinLenRange):
            _refused.add(mark)
            raise
    return held


def restart(module: str) -> bool:
    """End the sessions with the tokens of a module, and its work: the next login begins with a fresh one, as many a
    library needs after its device was away. Was there a session?"""
    places = [place for place in _logins if place[0] == module]
    for place in places:
        ended = _logins.pop(place)
        ended.alive = False  # handles are given again: an old one would name another object
        with suppress(library().PKCS11Error):  # it may be gone already
            ended.session.close()
    with suppress(library().PKCS11Error):
        library().lib(module).finalize()
    return bool(places)


@contextmanager
def translated(uri: KeyUri) -> Iterator[None]:
    """Our errors for the library's."""
    pkcs11 = library()
    try:
        yield
    except pkcs11.PinLocked as error:
        raise ConfigError("PKCS11_PIN_LOCKED", token=token_name(uri)) from error
    except (
        pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinExpired, pkcs11.UserPinNotInitialized,
    ) as error:  # fmt: skip
        raise ConfigError("PKCS11_PIN", token=token_name(uri)) from error
    except (pkcs11.TokenNotPresent, pkcs11.TokenNotRecognised, pkcs11.DeviceRemoved) as error:
        raise UnavailableError("PKCS11_TOKEN", token=token_name(uri)) from error
    except (pkcs11.MechanismInvalid, pkcs11.MechanismParamInvalid, pkcs11.KeyTypeInconsistent) as error:
        raise ConfigError("PKCS11_MECHANISM", token=token_name(uri)) from error
    except pkcs11.PKCS11Error as error:
        raise UnavailableError("PKCS11_DEVICE", token=token_name(uri), fault=type(error).__name__) from error


def _token(uri: KeyUri) -> Any:
    try:
        module = library().lib(uri.module)
    except library().PKCS11Error as error:
        raise ConfigError("PKCS11_MODULE", module=uri.module) from error
    wanted = dict(uri.token)
    found = [token for token in module.get_tokens() if wanted.items() <= _description(token).items()]
    if not found:
        if not any(place[0] == uri.module for place in _logins):
            restart(uri.module)  # some libraries look for tokens only when they begin
        raise UnavailableError("PKCS11_TOKEN", token=token_name(uri))
    if len(found) > 1:
        raise ConfigError("PKCS11_AMBIGUOUS", token=token_name(uri))
    return found[0]


def _description(token: Any) -> dict[str, str]:
    return {
        "token": token.label,
        "serial": token.serial.decode("utf-8", "replace"),
        "model": token.model,
        "manufacturer": token.manufacturer_id,
    }


def _pin(uri: KeyUri, environment: Mapping[str, str]) -> str:
    scheme, _, where = uri.pin.partition(":")
    if scheme == "file":
        found = private_files.read_private(Path(where)).decode("utf-8", "replace").rstrip("\r\n")
    else:
        found = environment.get(where, "")
    if not found:
        raise ConfigError("PKCS11_PIN_MISSING", source=uri.pin)
    return found
