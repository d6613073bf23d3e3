"""The person's side of a login: fetch the challenge, see that it is meant, hand in the signature.

A server that passes on the challenge of another one is seen by the name in it, and refused before anything is signed;
so is a challenge for another system than the one named. TLS is wanted everywhere but on the machine itself.
"""

from __future__ import annotations

import base64
import logging
import re
import ssl
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from ledger.core.canonical import FORBIDDEN
from ledger.core.login import PATH, SERVER, Challenge
from ledger.errors import InputError, UnavailableError

logging.getLogger("httpx").setLevel(logging.WARNING)
CLOCK_SKEW = 120
MOST = 64 * 1024
"""Bytes read of an answer."""
_NESTED = 64  # objects and arrays in it
_ADDRESS = re.compile(rf"({SERVER.pattern}){PATH}([0-9a-f]{{64}})")
_HERE = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,63}")
_PLAIN = {"Accept-Encoding": "identity"}  # a compressed answer could grow without end
_MALFORMED = (ValueError, KeyError, TypeError)


@dataclass(frozen=True, slots=True, repr=False)
class OpenedLogin:
    """``token``: a secret of whoever logged in; ``until``: seconds UTC; ``session``: the answer without the token."""

    server: str
    token: str
    until: int
    session: dict[str, Any]


def fetch_challenge(address: str, now: int, audience: str | None) -> Challenge:
    """The challenge at ``address``, which a connected system gave out; ``audience``: ``ORGANISATION/SYSTEM`` that it
    must be for, where that is known.

    Raises:
        InputError: ``LOGIN_URL``; ``LOGIN_SERVER``, ``LOGIN_AUDIENCE``, ``LOGIN_STALE``: it must not be signed;
            ``LOGIN_REFUSED``; SHAPE_…, CANONICAL_….
        UnavailableError: ``LOGIN_UNREACHABLE``, ``LOGIN_ANSWER``, ``LOGIN_REFUSED``.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise InputError("LOGIN_URL")
    _require_safe(match[1])
    found = Challenge.from_bytes(_ask(match[1], "GET", address, None))
    if (found.server, found.nonce.hex()) != (match[1], match[2]):
        raise InputError("LOGIN_SERVER", server=found.server)
    if audience is not None and str(found.audience) != audience:
        raise InputError("LOGIN_AUDIENCE", found=str(found.audience), wanted=audience)
    if not found.issued - CLOCK_SKEW <= now < found.expires + CLOCK_SKEW:
        raise InputError("LOGIN_STALE")
    return found


def hand_in(challenge: Challenge, cms: bytes) -> OpenedLogin:
    """Raises: as ``fetch_challenge``."""
    body = {"cms": base64.b64encode(cms).decode()}
    return read_session(challenge.server, _ask(challenge.server, "POST", f"{challenge.address}/response", body))


def read_session(server: str, data: bytes) -> OpenedLogin:
    """What ``server`` answers to a signature that it takes. Raises UnavailableError ``LOGIN_ANSWER``."""
    try:
        value = _object(data)
        token, until = value.pop("token"), value["until"]
        if type(token) is not str or type(until) is not int:
            raise TypeError
    except _MALFORMED as error:
        raise UnavailableError("LOGIN_ANSWER", server=server, status=201) from error
    return OpenedLogin(server, token, until, value)


def log_out(server: str, token: str) -> None:
    """End the session at ``server``. Raises: as ``fetch_challenge``."""
    _require_safe(server)
    _ask(server, "POST", f"{server}/v1/login/logout", {"token": token})


def _require_safe(server: str) -> None:
    if not SERVER.fullmatch(server) or not (server.startswith("https://") or _HERE.fullmatch(server)):
        raise InputError("LOGIN_URL")


def _ask(server: str, method: str, url: str, body: dict[str, str] | None) -> bytes:
    verify: ssl.SSLContext | bool = ssl.create_default_context() if url.startswith("https:") else False
    try:
        with (
            httpx.Client(verify=verify, timeout=30, trust_env=False, follow_redirects=False) as client,
            client.stream(method, url, json=body, headers=_PLAIN) as response,
        ):
            data = bytearray()
            for piece in response.iter_raw(4096):
                data += piece
                if len(data) > MOST:
                    raise UnavailableError("LOGIN_ANSWER", server=server, status=response.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise UnavailableError("LOGIN_UNREACHABLE", server=server) from error
    if response.is_success:
        return bytes(data)
    raise read_refusal(server, response.status_code, bytes(data))


def _object(data: bytes) -> dict[str, Any]:
    """A JSON object, not deeper than it may be wide: ``json`` has no other bound than that of recursion, which py-evm
    lifts. Raises: ValueError."""
    if data.count(b"[") + data.count(b"{") > _NESTED:
        raise ValueError("nested too deeply")
    value = orjson.loads(data)
    if type(value) is not dict:
        raise ValueError("no object")
    return value


def read_refusal(server: str, status: int, data: bytes) -> InputError | UnavailableError:
    """What a problem (RFC 9457) says; its words are shown as far as they can be."""
    try:
        problem = _object(data)
        code, zh, en = (problem[name] for name in ("code", "detail", "title"))
        if not all(type(text) is str for text in (code, zh, en)):
            raise TypeError
    except _MALFORMED:
        return UnavailableError("LOGIN_ANSWER", server=server, status=status)
    if not _CODE.fullmatch(code):
        return UnavailableError("LOGIN_ANSWER", server=server, status=status)
    said = {"refusal": code, "zh": FORBIDDEN.sub("", zh)[:300], "en": FORBIDDEN.sub("", en)[:300]}
    if status >= 500 or status == 429:
        return UnavailableError("LOGIN_REFUSED", server=server, **said)
    return InputError("LOGIN_REFUSED", server=server, **said)
