"""Nodes on loopback that answer from a real engine, and misbehave in a named way when they are told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from ledger.chain.endpoint import HttpLimits
from ledger.chain.rpc import error_object
from ledger.errors import ZhengyinError

PATIENT = HttpLimits(connect=20.0, answer=20.0, patience=20.0, rest=0.02, longest_rest=0.05, body=1 << 20)
"""Long enough for any machine; what is not about time must not depend on it."""
Way = Callable[["_Handler", bytes], None]


class Node:
    """``ways``: how the next requests are answered, one each, before the node behaves; ``always``: all of them.
    ``received``: the bodies that came in. Unlike the ledger's own port it writes, too."""

    def __init__(self, engine: Any, port: int = 0) -> None:
        self.engine = engine
        self.ways: list[Way] = []
        self.always: Way | None = None
        self.received: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.node = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def methods(self) -> list[str]:
        asked = [orjson.loads(body) for body in self.received]
        return [each["method"] for one in asked for each in (one if isinstance(one, list) else [one])]

    def sent(self) -> list[str]:
        """The raw transactions that came in, in hex."""
        asked = [orjson.loads(body) for body in self.received]
        return [each["params"][0] for each in asked if isinstance(each, dict) and "sendRaw" in each["method"]]

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body is written after its head; otherwise it waits for the acknowledgement

    def do_POST(self) -> None:
        node: Node = self.server.node  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        node.received.append(body)
        way = node.ways.pop(0) if node.ways else node.always or honest
        way(self, body)

    def real(self, body: bytes) -> Any:
        asked = orjson.loads(body)
        if isinstance(asked, list):
            return [self.one(each) for each in asked]
        return self.one(asked)

    def one(self, asked: Any) -> dict[str, Any]:
        node: Node = self.server.node  # type: ignore[attr-defined]
        envelope = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            return envelope | {"result": node.engine.request(asked["method"], asked["params"])}
        except ZhengyinError as error:
            return envelope | {"error": error_object(error)}

    def send(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


def honest(handler: _Handler, body: bytes) -> None:
    handler.send(200, orjson.dumps(handler.real(body)))


# ---- ways to misbehave; each has done the work before it spoils the answer, as a node does that fails late ----


def raw(content: bytes, status: int = 200, **headers: str) -> Way:
    def way(handler: _Handler, body: bytes) -> None:
        handler.real(body)
        handler.send(status, content, **headers)

    return way


def bent(change: Callable[[Any], Any]) -> Way:
    def way(handler: _Handler, body: bytes) -> None:
        handler.send(200, orjson.dumps(change(handler.real(body))))

    return way


def late(seconds: float) -> Way:
    def way(handler: _Handler, body: bytes) -> None:
        answer = orjson.dumps(handler.real(body))
        time.sleep(seconds)
        _quietly(lambda: handler.send(200, answer))

    return way


def trickling(handler: _Handler, body: bytes) -> None:
    """A byte now and then: each in time, and never an end."""
    handler.real(body)
    handler.send(200, b"", length=1 << 20)

    def trickle() -> None:
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    _quietly(trickle)
    handler.close_connection = True


def truncated(handler: _Handler, body: bytes) -> None:
    answer = orjson.dumps(handler.real(body))
    handler.send(200, answer[: len(answer) // 2], length=len(answer))
    handler.close_connection = True


def hung_up(handler: _Handler, body: bytes) -> None:
    handler.real(body)
    handler.close_connection = True
    handler.connection.close()


def _quietly(act: Callable[[], None]) -> None:
    try:
        act()
    except OSError:
        return
