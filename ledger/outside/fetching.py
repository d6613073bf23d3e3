"""Fetching what certificates point at (lists, responses, certificates) over HTTP, within limits of time and size.

The addresses come out of certificates, so out of other people's hands: only http and https, few redirects, and, where
the settings name hosts, no others. What is fetched is judged by its own signature, so http without TLS is fine. Where
an address is shown, only scheme, host and port are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from ledger.errors import UnavailableError

logging.getLogger("httpx").setLevel(logging.WARNING)  # below that it writes whole addresses into logs
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Seconds and bytes; ``answer``: from the first to the last byte, redirects included."""

    connect: float = 3.0
    answer: float = 10.0
    size: int = 700_000  # a bundle of a megabyte holds no more, in base64
    redirects: int = 3


class Fetcher:
    """``hosts``: the only ones that may be asked; none: all. Safe to use from several threads."""

    def __init__(
        self,
        hosts: Collection[str] = (),
        limits: FetchLimits = FetchLimits(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._limits = limits
        self._clock = clock

    def get(self, url: str) -> bytes:
        """The answer's body.

        Raises:
            UnavailableError: FETCH_REFUSED (an address that may not be asked), FETCH_UNREACHABLE, FETCH_LATE,
                FETCH_BROKEN_OFF, FETCH_STATUS, FETCH_TOO_LARGE, FETCH_REDIRECTS.
        """
        return self._ask("GET", url, None, {})

    def post(self, url: str, body: bytes, content_type: str) -> bytes:
        """As ``get``; a redirect is not followed."""
        return self._ask("POST", url, body, {"Content-Type": content_type})

    def _ask(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        ends = self._clock() + self._limits.answer
        target = self._allowed(url)
        # identity: a compressed answer could grow without end; neither proxy nor netrc of the environment
        headers = {"Accept-Encoding": "identity", "User-Agent": "zhengyin"} | headers
        timeout = httpx.Timeout(self._limits.answer, connect=self._limits.connect)
        verify = target.scheme == "https"  # loading the public CAs takes a while
        for _ in range(self._limits.redirects + 1):
            with (
                self._translated(target),
                httpx.Client(headers=headers, timeout=timeout, verify=verify, trust_env=False) as client,
                client.stream(method, target, content=body) as response,
            ):
                if response.status_code == 200:
                    return self._read(target, response, ends)
                if response.status_code not in _MOVED or method != "GET":
                    raise UnavailableError("FETCH_STATUS", host=_shown(target), status=response.status_code)
                moved = response.headers.get("Location", "")
            target = self._allowed(moved, target)
            verify = target.scheme == "https"
        raise UnavailableError("FETCH_REDIRECTS", host=_shown(target), limit=self._limits.redirects)

    def _read(self, target: httpx.URL, response: httpx.Response, ends: float) -> bytes:
        received = bytearray()
        for piece in response.iter_raw():
            received += piece
            if len(received) > self._limits.size:
                raise UnavailableError("FETCH_TOO_LARGE", host=_shown(target), limit=self._limits.size)
            if self._clock() > ends:  # each piece in time, and never an end
                raise UnavailableError("FETCH_LATE", host=_shown(target), seconds=self._limits.answer)
        return bytes(received)

    def _allowed(self, url: str, base: httpx.URL | None = None) -> httpx.URL:
        try:
            target = httpx.URL(url) if base is None else base.join(url)
        except (httpx.InvalidURL, TypeError, ValueError) as error:
            raise UnavailableError("FETCH_REFUSED", host="–") from error
        if target.scheme not in ("http", "https") or not target.host or target.userinfo or len(url) > 2048:
            raise UnavailableError("FETCH_REFUSED", host=_shown(target))
        if self._hosts and target.host.lower() not in self._hosts:
            raise UnavailableError("FETCH_REFUSED", host=_shown(target))
        return target

    @contextmanager
    def _translated(self, target: httpx.URL) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            late = UnavailableError("FETCH_LATE", host=_shown(target), seconds=self._limits.answer)
            unreachable = UnavailableError("FETCH_UNREACHABLE", host=_shown(target))
            raise (unreachable if isinstance(error, httpx.ConnectTimeout) else late) from error
        except httpx.ConnectError as error:
            raise UnavailableError("FETCH_UNREACHABLE", host=_shown(target)) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, UnicodeError) as error:  # cut off, or not HTTP at all
            raise UnavailableError("FETCH_BROKEN_OFF", host=_shown(target)) from error


def _shown(target: httpx.URL) -> str:
    return f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}" if not target.userinfo else target.host
