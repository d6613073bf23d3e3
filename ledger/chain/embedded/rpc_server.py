"""Read-only JSON-RPC 2.0 of an engine by HTTP on loopback, for auditors' tools and people's own scripts.

    with RpcServer(engine, 8546) as server:
        …  # server.url answers POST until the block ends

Only methods that read are answered. The port is loopback's, and still a web page in a browser of the same machine
could reach it: a request must name loopback as its host (no rebound name does), come without ``Origin`` and as
``application/json`` (no plain form does).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any

import orjson

from ledger.chain.embedded.methods import READS
from ledger.chain.rpc import error_object
from ledger.errors import ConfigError, InputError, ZhengyinError
from ledger.ports import Engine

METHODS = frozenset(READS) | {"eth_chainId", "net_version", "web3_clientVersion", "eth_gasPrice"}
MOST_BYTES = 1 << 20
MOST_QUESTIONS = 100
MOST_ANSWER_BYTES = 64 << 20
MOST_CONNECTIONS = 32
PATIENCE_SECONDS = 10.0
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_PARSE, _INVALID, _PARAMETERS, _LIMIT = -32700, -32600, -32602, -32005  # JSON-RPC 2.0 section 5.1, EIP-1474


def answer(engine: Engine, body: bytes) -> bytes | None:
    """Body of the answer to a request or a batch; None where it holds notifications only (section 4.1)."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return orjson.dumps(_refusal(None, _PARSE, "not JSON"))
    if not isinstance(asked, list):
        return _dump(_one(engine, asked))
    if not asked:
        return orjson.dumps(_refusal(None, _INVALID, "empty batch"))
    if len(asked) > MOST_QUESTIONS:
        return orjson.dumps(_refusal(None, _LIMIT, f"more than {MOST_QUESTIONS} requests in a batch"))
    answers = [found for found in (_one(engine, each) for each in asked) if found is not None]
    return _dump(answers) if answers else None


def _one(engine: Engine, asked: Any) -> dict[str, Any] | None:
    if not isinstance(asked, Mapping) or asked.get("jsonrpc") != "2.0" or not isinstance(asked.get("method"), str):
        return _refusal(None, _INVALID, "not a JSON-RPC 2.0 request")
    id_, method, params = asked.get("id"), asked["method"], asked.get("params", [])
    if not isinstance(id_, str | int | None):
        return _refusal(None, _INVALID, "id is neither text nor a whole number")
    if "id" not in asked:
        return None
    if not isinstance(params, list):
        return _refusal(id_, _PARAMETERS, "parameters are an array")
    try:
        if method not in METHODS:
            raise InputError("ENGINE_METHOD_UNKNOWN", method=method[:80])
        return {"jsonrpc": "2.0", "id": id_, "result": engine.request(method, params)}
    except ZhengyinError as error:
        return {"jsonrpc": "2.0", "id": id_, "error": error_object(error)}


def _refusal(id_: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}}


def _dump(value: Any) -> bytes | None:
    if value is None:
        return None
    found = orjson.dumps(value)
    return found if len(found) <= MOST_ANSWER_BYTES else orjson.dumps(_refusal(None, _LIMIT, "answer too large"))


class RpcServer:
    """Answers from threads of its own between ``start`` and ``close``. ``port`` 0 takes any that is free.

    Raises (on construction):
        ConfigError: RPC_SERVER_PORT, where the port is taken or may not be used.
    """

    def __init__(self, engine: Engine, port: int = 0) -> None:
        try:
            self._server = _Server(engine, port)
        except OSError as error:
            raise ConfigError("RPC_SERVER_PORT", port=port) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="rpc", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> RpcServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, engine: Engine, port: int) -> None:
        self.engine = engine
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """A client that went away is no event; anything else is a fault of the program and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "zhengyin"
    sys_version = ""
    timeout = PATIENCE_SECONDS
    disable_nagle_algorithm = True  # a body follows its head at once, not 40 ms later when that is acknowledged
    server: _Server

    def do_POST(self) -> None:
        refused = self._refusal()
        if refused is not None:
            self._send(refused, b"")
            return
        found = answer(self.server.engine, self.rfile.read(int(self.headers["Content-Length"])))
        self._send(204 if found is None else 200, found or b"")

    def _refusal(self) -> int | None:
        """Status of a request that is not answered; its body is not read, so the connection ends with it."""
        self.close_connection = True
        host = (self.headers["Host"] or "").removesuffix(f":{self.server.server_address[1]}")
        length = self.headers["Content-Length"] or ""
        if host not in _HOSTS or self.headers["Origin"] is not None:
            return 403
        if self.path != "/":
            return 404
        if self.headers.get_content_type() != "application/json":
            return 415
        if self.headers["Transfer-Encoding"] or not (length.isascii() and length.isdigit()):
            return 411
        if len(length) > 9 or int(length) > MOST_BYTES:
            return 413
        asked = (self.headers["Connection"] or "").lower()
        self.close_connection = asked == "close" or self.request_version != "HTTP/1.1"
        return None

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if body:
            self.send_header("Content-Type", "application/json")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _only_post(self) -> None:
        self.close_connection = True
        self._send(405, b"")

    do_GET = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = _only_post

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: who asked what is nobody's business, and stderr is the command's."""
