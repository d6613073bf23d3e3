"""One node's HTTP address: posting bytes, within limits of time and size, and what its faults mean.

Every fault is ``UnavailableError``: a node that is silent, slow or confused proves nothing against a record.
Where an address is shown, only scheme, host and port are: some carry a key in their path.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from ssl import SSLContext

import httpx

from ledger.errors import ConfigError, UnavailableError

logging.getLogger("httpx").setLevel(logging.WARNING)  # below that it writes whole addresses into logs
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_BUSY = (429, 503)
_LONGEST_REST = 60.0


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Seconds and bytes. ``answer``: one try, from sending to the last byte; ``patience``: all tries of one
    question; ``rest``: the first pause of an endpoint that failed, doubled each time, ``longest_rest`` at most."""

    connect: float = 3.0
    answer: float = 15.0
    patience: float = 10.0
    rest: float = 0.25
    longest_rest: float = 30.0
    body: int = 64 << 20
    batch: int = 100


@dataclass(frozen=True, slots=True)
class Credentials:
    """Value of the ``Authorization`` header, kept out of every representation."""

    header: str = field(repr=False)


class Endpoint:
    """A node by URL. ``admitted``: it has been shown to be on the right chain since it last failed.

    Raises (on construction):
        ConfigError: ENGINE_URL_REFUSED (another scheme, no host, or a password inside); ENGINE_CREDENTIALS_EXPOSED
            (credentials, and neither TLS nor loopback).
    """

    def __init__(
        self,
        url: str,
        limits: HttpLimits,
        credentials: Credentials | None = None,
        tls: SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._url = _parse_url(url)
        self.name = f"{self._url.scheme}://{self._url.netloc.decode('ascii')}"
        if credentials is not None and self._url.scheme != "https" and self._url.host not in LOOPBACK:
            raise ConfigError("ENGINE_CREDENTIALS_EXPOSED", endpoint=self.name)
        # identity: a compressed answer could grow without end; neither proxy nor netrc of the environment
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if credentials is not None:
            headers["Authorization"] = credentials.header
        timeout = httpx.Timeout(limits.answer, connect=limits.connect)
        # without TLS nothing is verified, and the public CAs take a while to load
        verify = self._url.scheme == "https" if tls is None else tls
        self._client = httpx.Client(headers=headers, timeout=timeout, verify=verify, trust_env=False)
        self._limits = limits
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self.rests_until = 0.0
        self.trouble: UnavailableError | None = None
        self.admitted = False

    def close(self) -> None:
        self._client.close()

    def post(self, body: bytes) -> bytes:
        """The answer's body.

        Raises:
            UnavailableError: ENGINE_UNREACHABLE, ENGINE_LATE, ENGINE_BROKEN_OFF, ENGINE_BUSY (with the ``seconds``
                asked for), ENGINE_HTTP_STATUS, ENGINE_ANSWER_TOO_LARGE.
        """
        ends = self._clock() + self._limits.answer
        with self._translated(), self._client.stream("POST", self._url, content=body) as response:
            if response.status_code in _BUSY:
                seconds = _retry_after(response.headers)
                raise UnavailableError("ENGINE_BUSY", endpoint=self.name, seconds=seconds)
            if response.status_code != 200:
                raise UnavailableError("ENGINE_HTTP_STATUS", endpoint=self.name, status=response.status_code)
            received = bytearray()
            for piece in response.iter_raw():
                received += piece
                if len(received) > self._limits.body:
                    raise UnavailableError("ENGINE_ANSWER_TOO_LARGE", endpoint=self.name, limit=self._limits.body)
                if self._clock() > ends:  # each piece in time, and never an end
                    raise UnavailableError("ENGINE_LATE", endpoint=self.name, seconds=self._limits.answer)
            return bytes(received)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectTimeout as error:
            raise UnavailableError("ENGINE_UNREACHABLE", endpoint=self.name) from error
        except httpx.TimeoutException as error:
            raise UnavailableError("ENGINE_LATE", endpoint=self.name, seconds=self._limits.answer) from error
        except httpx.ConnectError as error:
            raise UnavailableError("ENGINE_UNREACHABLE", endpoint=self.name) from error
        except httpx.HTTPError as error:  # cut off, or not HTTP at all
            raise UnavailableError("ENGINE_BROKEN_OFF", endpoint=self.name) from error

    def failed(self, error: UnavailableError) -> None:
        """Rest for a while: longer each time, or as long as the node asked."""
        self._failures += 1
        self.trouble = error
        asked = error.values.get("seconds") if error.code == "ENGINE_BUSY" else None
        doubled = self._limits.rest * 2 ** min(self._failures - 1, 20)
        pause = min(doubled, self._limits.longest_rest) * self._jitter()
        self.rests_until = self._clock() + max(pause, min(asked or 0, _LONGEST_REST))
        self.admitted = False  # what answers here next time may be another node

    def worked(self) -> None:
        self._failures, self.rests_until, self.trouble = 0, 0.0, None


def _parse_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise ConfigError("ENGINE_URL_REFUSED") from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo or parsed.fragment:
        raise ConfigError("ENGINE_URL_REFUSED")
    return parsed


def _retry_after(headers: Mapping[str, str]) -> int:
    """Seconds of ``Retry-After`` (RFC 9110, 10.2.3: a number or a date); 0 where it says nothing readable."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), int(_LONGEST_REST))
    try:
        until = parsedate_to_datetime(value).timestamp()
        now = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0
    return max(0, min(int(until - now), int(_LONGEST_REST)))
