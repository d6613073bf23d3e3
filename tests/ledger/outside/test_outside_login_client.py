"""A server that is away, lies, or is no such server: the client says so, and signs nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ledger.core.login import Audience, Challenge
from ledger.errors import InputError, UnavailableError, ZhengyinError
from ledger.outside.login_client import MOST, fetch_challenge, hand_in, log_out

NOW = 1_790_000_000
Answer = tuple[int, bytes]


@contextmanager
def answering(make: Callable[[Challenge], Answer]) -> Iterator[Challenge]:
    """A server on this machine, and the challenge that an honest one would have there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = make(challenge)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    challenge = Challenge(
        *(f"http://127.0.0.1:{server.server_port}", Audience("114401000700000148", "hall"), "CN-440100", 2),
        *("person", 3600, NOW, NOW + 180, b"n" * 32),
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield challenge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def problem(status: int, code: str) -> Answer:
    return status, json.dumps({"code": code, "detail": "不\x1b[31m行", "title": "no"}).encode()


FETCHED: dict[str, tuple[Callable[[Challenge], Answer], str]] = {
    "another nonce": (lambda c: (200, replace(c, nonce=b"m" * 32).to_bytes()), "LOGIN_SERVER"),
    "another server's": (lambda c: (200, replace(c, server="https://real.example").to_bytes()), "LOGIN_SERVER"),
    "of yesterday": (lambda c: (200, replace(c, issued=1, expires=2).to_bytes()), "LOGIN_STALE"),
    "of tomorrow": (lambda c: (200, replace(c, issued=NOW + 9999, expires=NOW + 10_000).to_bytes()), "LOGIN_STALE"),
    "not canonical": (lambda c: (200, c.to_bytes() + b" "), "CANONICAL_"),
    "something else to be signed": (lambda c: (200, b'{"tag":"zhengyin/manifest/1"}'), "SHAPE_TAG"),
    "no JSON": (lambda c: (200, b"<html>"), "CANONICAL_"),
    "too large": (lambda c: (200, bytes(MOST + 1)), "LOGIN_ANSWER"),
    "nested without end": (lambda c: (400, b"[" * MOST), "LOGIN_ANSWER"),
    "a redirect": (lambda c: (302, b""), "LOGIN_ANSWER"),
    "a page of errors": (lambda c: (500, b"<html>"), "LOGIN_ANSWER"),
    "a code that is none": (lambda c: problem(400, "<script>"), "LOGIN_ANSWER"),
    "a refusal nested deeply": (lambda c: (400, b'{"code":' + b"[" * 60_000), "LOGIN_ANSWER"),
    "a refusal whose code is an array": (lambda c: (400, b'{"code":["A_B"],"detail":"a","title":"b"}'), "LOGIN_ANSWER"),
    "a refusal": (lambda c: problem(404, "LOGIN_CHALLENGE_UNKNOWN"), "LOGIN_REFUSED"),
}


@pytest.mark.parametrize("name", FETCHED)
def test_what_is_not_the_challenge_is_not_signed(name: str) -> None:
    make, code = FETCHED[name]
    with answering(make) as challenge, pytest.raises(ZhengyinError, match=code) as caught:
        fetch_challenge(challenge.address, NOW, None)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (problem(503, "LOGIN_UNDECIDED"), UnavailableError, "LOGIN_REFUSED"),
        (problem(429, "API_RATE"), UnavailableError, "LOGIN_REFUSED"),
        (problem(400, "LOGIN_REVOKED"), InputError, "LOGIN_REFUSED"),
        ((201, b"[]"), UnavailableError, "LOGIN_ANSWER"),
        ((201, b'{"token": 1, "until": 2}'), UnavailableError, "LOGIN_ANSWER"),
    ],
)
def test_answers_to_a_response(answer: Answer, kind: type[Exception], code: str) -> None:
    with answering(lambda _: answer) as challenge, pytest.raises(kind, match=code):
        hand_in(challenge, b"cms")


def test_a_server_that_is_away() -> None:
    with answering(lambda _: (200, b"")) as challenge:
        pass
    with pytest.raises(UnavailableError, match="LOGIN_UNREACHABLE"):
        fetch_challenge(challenge.address, NOW, None)


@pytest.mark.parametrize(
    "server",
    ["http://ledger.example", "http://127.0.0.1.example", "http://127.0.0.1:1@evil.example", "ftp://localhost"],
)
def test_nothing_is_sent_in_the_clear_to_another_machine(server: str) -> None:
    with pytest.raises(InputError, match="LOGIN_URL"):
        fetch_challenge(f"{server}/v1/login/challenges/{'0' * 64}", NOW, None)
    with pytest.raises(InputError, match="LOGIN_URL"):
        log_out(server, "zl_…")
