"""What may be fetched, from where, and how much of it."""

from __future__ import annotations

import threading

import pytest
from revocation_servers import serving

from ledger.errors import UnavailableError
from ledger.outside.fetching import Fetcher, FetchLimits


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.example/x", "http://", "http://u:p@h.example/", "nonsense"]
)
def test_only_plain_web_addresses_are_asked(url: str) -> None:
    with pytest.raises(UnavailableError, match="FETCH_REFUSED"):
        Fetcher().get(url)


def test_hosts_that_are_not_named_are_not_asked_nor_redirected_to() -> None:
    with serving(lambda method, path: (302, b"", {"Location": "http://elsewhere.example/"})) as server:
        with pytest.raises(UnavailableError, match="FETCH_REFUSED"):
            Fetcher(["crl.example"]).get(server.url)
        assert server.seen == []
        with pytest.raises(UnavailableError, match="FETCH_REFUSED"):
            Fetcher(["127.0.0.1"]).get(server.url)


def test_redirects_are_few_and_stay_on_the_web() -> None:
    def answer(method: str, path: str) -> tuple[int, bytes, dict[str, str]]:
        if path == "/file":
            return 302, b"", {"Location": "file:///etc/passwd"}
        return (200, b"found", {}) if path == "/3" else (302, b"", {"Location": str(int(path[1:] or 0) + 1)})

    with serving(answer) as server:
        assert Fetcher().get(server.url) == b"found"
        with pytest.raises(UnavailableError, match="FETCH_REDIRECTS"):
            Fetcher(limits=FetchLimits(redirects=2)).get(server.url)
        with pytest.raises(UnavailableError, match="FETCH_REFUSED"):
            Fetcher().get(server.url + "file")
        with pytest.raises(UnavailableError, match="FETCH_STATUS"):
            Fetcher().post(server.url, b"", "text/plain")


def test_long_slow_and_broken_answers() -> None:
    gate = threading.Event()

    def answer(method: str, path: str) -> tuple[int, bytes, dict[str, str]]:
        if path == "/slow":
            gate.wait(5)
        return 200, b"x" * 5000, {}

    with serving(answer) as server:
        with pytest.raises(UnavailableError, match="FETCH_TOO_LARGE"):
            Fetcher(limits=FetchLimits(size=4999)).get(server.url)
        with pytest.raises(UnavailableError, match="FETCH_LATE"):
            Fetcher(limits=FetchLimits(answer=0.05)).get(server.url + "slow")
        gate.set()
        ticks = iter(range(100))
        with pytest.raises(UnavailableError, match="FETCH_LATE"):  # each piece in time, and never an end
            Fetcher(limits=FetchLimits(answer=0.5), clock=lambda: next(ticks)).get(server.url)
    with pytest.raises(UnavailableError, match="FETCH_UNREACHABLE"):
        Fetcher().get(server.url)


def test_addresses_are_not_shown_whole() -> None:
    with serving() as server, pytest.raises(UnavailableError) as error:
        Fetcher().get(server.url + "secret?key=1")
    assert "secret" not in str(error.value)
