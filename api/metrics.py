"""Figures for Prometheus: by route template, never by path, so that no leaf and no file name becomes a label."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ledger.ports.access import Lag

UNMATCHED = "unmatched"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """A registry of its own: several applications in one process do not meet."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        names = ("method", "route", "status")
        self._requests = Counter("zhengyin_requests", "Answered requests", names, registry=self._registry)
        self._seconds = Histogram(
            "zhengyin_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._open = Gauge("zhengyin_open", "What is on its way to the chain", ("what",), registry=self._registry)
        self._lag = Gauge("zhengyin_lag_seconds", "Age of the oldest of it", registry=self._registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, lag: Lag, waiting: int, now: float) -> bytes:
        """The exposition format, with the outbox as it is now; ``waiting``: accepted records without a batch."""
        for what, number in (
            ("records", waiting),
            ("batches", lag.batches),
            ("changes", lag.changes),
            ("uploads", lag.uploads),
        ):
            self._open.labels(what).set(number)
        self._lag.set(0 if lag.since is None else max(0.0, now - lag.since))
        return generate_latest(self._registry)
