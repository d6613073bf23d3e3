"""How often one address may ask without a token, and whose address that is."""

from __future__ import annotations

import math
import time
from ipaddress import IPv6Address, ip_address

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import HTTPConnection

from ledger.errors import InputError

UNKNOWN = "unknown"
_FORWARDED = ("x-forwarded-for", "forwarded")


def client_address(connection: HTTPConnection, trusted_proxy: str | None) -> str:
    """The caller's address; what a proxy says counts only if the proxy is the one of the settings, and only its own
    last entry: the others are the caller's."""
    direct = connection.client.host if connection.client else UNKNOWN
    if trusted_proxy is None or direct != trusted_proxy:
        return direct
    last = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(last))
    except ValueError:
        return direct


def is_local(connection: HTTPConnection) -> bool:
    """A client on this machine that no proxy stands before."""
    try:
        local = ip_address(connection.client.host if connection.client else "").is_loopback
    except ValueError:
        return False
    return local and not any(name in connection.headers for name in _FORWARDED)


class PublicLimit:
    """Counts in this process; several processes each count for themselves."""

    def __init__(self, per_minute: int, trusted_proxy: str | None) -> None:
        self._item = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._trusted_proxy = trusted_proxy

    def check(self, connection: HTTPConnection) -> None:
        """Raises InputError API_RATE with the seconds to wait."""
        if self._item is not None:
            self.take(_network(client_address(connection, self._trusted_proxy)))

    def take(self, key: str) -> None:
        """As ``check``, for whom ``key`` names."""
        if self._item is not None and not self._limiter.hit(self._item, key):
            reset, _ = self._limiter.get_window_stats(self._item, key)
            raise InputError("API_RATE", seconds=max(1, math.ceil(reset - time.time())))


def _network(address: str) -> str:
    """IPv6 callers have 2^64 addresses each: they count together."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) else address
