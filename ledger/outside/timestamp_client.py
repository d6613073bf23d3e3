"""Time-stamps from authorities over HTTP (RFC 3161 section 3.4; GM/T 0033 has the same), the first that gives one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from ledger.crypto.timestamp_exchange import MAX_RESPONSE, NONCE_BYTES, accept_response, make_request
from ledger.crypto.timestamps import DigestOf, TimestampToken, over
from ledger.errors import ConfigError, InputError, UnavailableError, ZhengyinError
from ledger.outside.fetching import Fetcher, FetchLimits

QUERY = "application/timestamp-query"
LIMITS = FetchLimits(connect=2.0, answer=5.0, size=MAX_RESPONSE)
PATIENCE = 8.0
"""Seconds after which no further authority is asked: whoever waits holds a lease."""
CLOCK_SKEW = 120
"""Seconds by which an authority's clock and this machine's may differ."""

Accept = Callable[[TimestampToken], None]
"""Raises ``ZhengyinError`` for a token that will not do; the next authority is asked then."""


class TimestampClient:
    """``ports.TimestampAuthority`` over one or several authorities in the order of ``urls``.

    ``policy``: OID, dotted, that tokens must be made under; ``accept``: what else is asked of a token. Nothing is kept
    between two questions.

    Raises (on construction):
        ConfigError: TIMESTAMP_NO_AUTHORITY for no address at all; TIMESTAMP_URL for one that is none of http or https.
    """

    def __init__(
        self,
        urls: Sequence[str],
        clock: Callable[[], float],
        fetcher: Fetcher | None = None,
        policy: str | None = None,
        accept: Accept = lambda token: None,
        random: Callable[[int], bytes] = os.urandom,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        if not urls:
            raise ConfigError("TIMESTAMP_NO_AUTHORITY")
        self._hosts = {url: host_of(url) for url in urls}
        self._clock = clock
        self._fetcher = Fetcher(limits=LIMITS) if fetcher is None else fetcher
        self._policy = policy
        self._accept = accept
        self._random = random
        self._elapsed = elapsed

    def stamp(self, data: bytes, digest: str = "sha256") -> bytes:
        """A verified token over ``data`` as its authority wrote it, DER; its path is judged by whoever relies on it.

        Raises:
            UnavailableError: TIMESTAMP_UNAVAILABLE; ``reasons`` has a code for each authority: what ``Fetcher``,
                ``accept_response`` and ``accept`` say, TIMESTAMP_CLOCK.
        """
        return self.stamp_digest(over(data), digest)

    def stamp_digest(self, digest_of: DigestOf, digest: str = "sha256") -> bytes:
        """As ``stamp``, over what is known by its digest."""
        reasons: dict[str, str] = {}
        ends = self._elapsed() + PATIENCE
        for url, host in self._hosts.items():
            if self._elapsed() > ends:
                break
            try:
                return self._ask(url, digest_of, digest)
            except ZhengyinError as error:
                reasons[host] = error.code
        said = "; ".join(f"{host}: {code}" for host, code in reasons.items())
        raise UnavailableError("TIMESTAMP_UNAVAILABLE", reasons=said)

    def _ask(self, url: str, digest_of: DigestOf, digest: str) -> bytes:
        request = make_request(digest, digest_of, self._random(NONCE_BYTES), self._policy)
        answer = self._fetcher.post(url, request.to_bytes(), QUERY)
        token = accept_response(answer, request, digest_of)
        now, allowed = self._clock(), CLOCK_SKEW + (token.info.accuracy or 0)
        if abs(token.time - now) > allowed:
            raise InputError("TIMESTAMP_CLOCK", time=token.time, now=int(now))
        self._accept(token)
        return token.received


def host_of(url: str) -> str:
    """Host and port of an address: what may be shown of it, for some carry a key in their path.

    Raises:
        ConfigError: TIMESTAMP_URL.
    """
    try:
        found = urlsplit(url)
        named = f"{found.hostname}:{found.port}" if found.port else found.hostname
    except ValueError as error:
        raise ConfigError("TIMESTAMP_URL") from error
    if found.scheme not in ("http", "https") or not named or found.username is not None:
        raise ConfigError("TIMESTAMP_URL")
    return named
