"""Asking time-stamp authorities over HTTP: those that answer as they should, and all the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from timestamp_kit import Server, Tsa, granted, make_tsa, rejected

from ledger.crypto import der
from ledger.crypto.timestamps import TimestampToken, over, verify_token
from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.outside.fetching import Fetcher, FetchLimits
from ledger.outside.timestamp_client import LIMITS, TimestampClient

NOW = 1_790_000_000
DATA = b"the octets of a signature"
Answer = Callable[[bytes], bytes]


TSA = make_tsa(NOW)[0]
FORGER = Tsa(None, TSA.certificate, {"sign": lambda data: make_tsa(NOW)[0].key.sign(data, ec.ECDSA(SHA256()))})


def honest(request: bytes) -> bytes:
    return TSA.answer(request, NOW)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(honest)
    yield made
    made.stop()


@pytest.fixture
def other() -> Iterator[Server]:
    made = Server(honest)
    yield made
    made.stop()


def client(*servers: Server, fetcher: Fetcher | None = None, **options: object) -> TimestampClient:
    return TimestampClient([s.url for s in servers], lambda: NOW, fetcher, **options)  # type: ignore[arg-type]


def reasons(asked: TimestampClient) -> str:
    with pytest.raises(UnavailableError) as caught:
        asked.stamp(DATA)
    assert caught.value.code == "TIMESTAMP_UNAVAILABLE"
    assert "secret" not in str(caught.value) and "{" not in caught.value.text("zh")
    return str(caught.value.values["reasons"])


def test_a_token_is_asked_for_as_rfc_3161_says(server: Server) -> None:
    token = verify_token(client(server, policy="1.3.6.1.4.1.99999.1").stamp(DATA), over(DATA))
    assert (token.time, token.certificate) == (NOW, TSA.certificate)
    ((type_, body),) = server.seen
    fields = der.read(body, der.SEQUENCE).children()
    assert type_ == "application/timestamp-query"
    assert [f.tag for f in fields] == [2, 0x30, 6, 2, 1] and fields[-1].content == b"\xff"


@pytest.mark.parametrize("digest", ["sha384", "sm3"])
def test_another_digest(server: Server, digest: str) -> None:
    assert verify_token(client(server).stamp(DATA, digest), over(DATA)).info.digest == digest


def test_no_nonce_is_used_twice(server: Server) -> None:
    asked = client(server)
    for _ in range(2):
        asked.stamp(DATA)
    assert server.seen[0][1] != server.seen[1][1]


FAULTS: dict[str, tuple[Answer, str]] = {
    "refused": (lambda r: rejected(0, 25), "TIMESTAMP_REFUSED"),
    "waiting": (lambda r: granted(b"", 3), "TIMESTAMP_REFUSED"),
    "a page": (lambda r: b"<html>Willkommen</html>", "TIMESTAMP_RESPONSE"),
    "nothing": (lambda r: b"", "TIMESTAMP_RESPONSE"),
    "granted, and no token": (lambda r: granted(b""), "TIMESTAMP_RESPONSE"),
    "a status of no table": (lambda r: granted(b"", 9), "TIMESTAMP_RESPONSE"),
    "another nonce": (lambda r: TSA.answer(r, NOW, nonce=5), "TIMESTAMP_NONCE"),
    "no nonce": (lambda r: TSA.answer(r, NOW, nonce=None), "TIMESTAMP_NONCE"),
    "another imprint": (lambda r: TSA.answer(r, NOW, imprint=bytes(32)), "TIMESTAMP_IMPRINT"),
    "another digest": (lambda r: granted(TSA.stamp(DATA, NOW, "sha512")), "TIMESTAMP_IMPRINT"),
    "another policy": (lambda r: TSA.answer(r, NOW, policy="1.2.3.4"), "TIMESTAMP_POLICY"),
    "a clock that is slow": (lambda r: TSA.answer(r, NOW - 130), "TIMESTAMP_CLOCK"),
    "a clock that is fast": (lambda r: TSA.answer(r, NOW + 130), "TIMESTAMP_CLOCK"),
    "somebody else's signature": (lambda r: FORGER.answer(r, NOW), "CMS_SIGNATURE"),
    "too long": (lambda r: bytes(LIMITS.size + 1), "FETCH_TOO_LARGE"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_answers_that_will_not_do(server: Server, fault: str) -> None:
    server.answer, code = FAULTS[fault]
    assert reasons(client(server, policy="1.3.6.1.4.1.99999.1")) == f"{server.host}: {code}"


def test_an_error_of_the_server_and_a_broken_connection(server: Server) -> None:
    server.status = 503
    assert reasons(client(server)).endswith(": FETCH_STATUS")
    server.answer = _broken
    assert reasons(client(server)).endswith(": FETCH_BROKEN_OFF")


def _broken(request: bytes) -> bytes:
    raise ConnectionError


def test_silence_is_late_and_a_closed_port_unreachable(server: Server) -> None:
    server.answer = _slow
    impatient = Fetcher(limits=FetchLimits(answer=0.2))
    assert reasons(client(server, fetcher=impatient)).endswith(": FETCH_LATE")
    gone = Server(honest)
    gone.stop()
    assert reasons(client(gone)).endswith(": FETCH_UNREACHABLE")


def _slow(request: bytes) -> bytes:
    time.sleep(0.5)
    return b""


def test_the_next_authority_is_asked_where_one_fails(server: Server, other: Server) -> None:
    server.answer = FAULTS["a page"][0]
    assert verify_token(client(server, other).stamp(DATA), over(DATA)).time == NOW
    assert len(server.seen) == len(other.seen) == 1
    other.answer = FAULTS["refused"][0]
    assert reasons(client(server, other)) == f"{server.host}: TIMESTAMP_RESPONSE; {other.host}: TIMESTAMP_REFUSED"


def test_an_authority_that_will_not_do_here_is_passed_over(server: Server, other: Server) -> None:
    """Where policy wants one that is independent of the issuer."""
    other_key = make_tsa(NOW)[0]
    other.answer = lambda request: other_key.answer(request, NOW)

    def independent(token: TimestampToken) -> None:
        if token.certificate == TSA.certificate:
            raise InputError("TIMESTAMP_NOT_INDEPENDENT")

    found = client(server, other, accept=independent).stamp(DATA)
    assert verify_token(found, over(DATA)).certificate == other_key.certificate
    assert reasons(client(server, accept=independent)).endswith(": TIMESTAMP_NOT_INDEPENDENT")


def test_a_fraction_of_accuracy_widens_what_a_clock_may_differ(server: Server) -> None:
    def vague(request: bytes) -> bytes:
        return TSA.answer(request, NOW + 125, accuracy=der.write(der.SEQUENCE, b"\x02\x01\x0a"))

    server.answer = vague
    assert verify_token(client(server).stamp(DATA), over(DATA)).info.accuracy == 10


@pytest.mark.parametrize("urls", [["ftp://a"], ["http://"], ["http://u:p@a/"], ["a"], ["http://[x/"]])
def test_addresses_that_are_none(urls: list[str]) -> None:
    with pytest.raises(ConfigError, match="TIMESTAMP_URL"):
        TimestampClient(urls, lambda: NOW)


def test_no_address() -> None:
    with pytest.raises(ConfigError, match="TIMESTAMP_NO_AUTHORITY"):
        TimestampClient([], lambda: NOW)
