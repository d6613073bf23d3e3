"""OCSP, lists, certificates and time-stamps of the PKI over HTTP, on 127.0.0.1 alone.

The port stands in the certificates, so it is the same for ever; whoever needs the services starts them where nobody
serves them yet.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import randbelow
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from ledger.errors import ConfigError
from ledger.outside.demo_pki.pki import DemoPki, read_about

HOST = "127.0.0.1"
PORTS = range(20_000, 30_000)  # below those that the system hands out by itself
MAX_REQUEST = 65_536
CANNOT = "this authority cannot answer on this machine: its keys or their algorithm (SM2) cannot be used here"
PATIENCE = 5.0  # seconds for a request to arrive


def free_port() -> int:
    """A port of this machine that nothing listens on now.

    Raises:
        ConfigError: ``DEMO_PKI_PORT`` if a hundred are taken.
    """
    for _ in range(100):
        port = PORTS[randbelow(len(PORTS))]
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((HOST, port))
            except OSError:
                continue
            return port
    raise ConfigError("DEMO_PKI_PORT", port=PORTS.start)


def application(pki: DemoPki, clock: Callable[[], float]) -> Any:
    """The services as a WSGI application; ``clock``: seconds UTC."""
    from certomancer.integrations.animator import Animator, AnimatorArchStore
    from certomancer.registry.common import ArchLabel
    from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, ServiceUnavailable
    from werkzeug.wrappers import Response

    class Services(Animator):
        def at_time(self, request: Any) -> datetime:
            return datetime.fromtimestamp(int(clock()), UTC)

        def serve_crl(self, request: Any, *, label: Any, arch: str, crl_no: Any, use_pem: Any) -> Any:
            self.architectures[ArchLabel(arch)].service_registry.get_crl_repo_info(label)
            return Response(pki.crl(arch, str(label), int(clock())), mimetype="application/pkix-crl")

        def dispatch(self, request: Any) -> Any:
            if request.path == "/":
                return Response(pki.mark, mimetype="text/plain")
            if (request.content_length or 0) > MAX_REQUEST:
                return RequestEntityTooLarge()
            try:
                return super().dispatch(request)
            except (ValueError, TypeError, KeyError):
                return BadRequest()  # asn1crypto's words for a request that it cannot read
            except Exception:  # of ours or of certomancer's: an authority whose algorithm this machine has not
                return ServiceUnavailable(CANNOT)

    built = {ArchLabel(label): pki.architecture(label) for label in pki.labels}
    return Services(AnimatorArchStore(built), with_web_ui=False, allow_time_override=False)


class _Server(WSGIServer):
    request_queue_size = 64

    def server_bind(self) -> None:
        # without the look for the machine's name, which waits where there is no name service
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = HOST, self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """One who went away in the middle is no news."""


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the caller says what came of its request."""


class DemoServer:
    """The services in a thread of this process, until ``close``.

    Raises:
        ConfigError: ``DEMO_PKI_PORT`` if the port is taken.
    """

    def __init__(self, pki: DemoPki, clock: Callable[[], float]) -> None:
        try:
            self._server = _Server((HOST, pki.port), _Handler)
        except OSError as error:
            raise ConfigError("DEMO_PKI_PORT", port=pki.port) from error
        self._server.set_app(application(pki, clock))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def ensure_served(folder: Path, clock: Callable[[], float]) -> DemoServer | None:
    """Start the services of the PKI in ``folder`` in a thread, unless another process serves them already.

    Raises:
        ConfigError: ``DEMO_PKI_PORT`` if something else listens on their port; what ``DemoPki`` raises.
    """
    port, mark, _ = read_about(folder)
    if _served(port, mark):
        return None
    try:
        return DemoServer(DemoPki(folder), clock)
    except ConfigError:
        if _served(port, mark):  # another process was quicker
            return None
        raise


@contextmanager
def served(folder: Path, clock: Callable[[], float]) -> Iterator[None]:
    """``ensure_served`` for the length of a block."""
    server = ensure_served(folder, clock)
    try:
        yield
    finally:
        if server is not None:
            server.close()


def _served(port: int, mark: str) -> bool:
    """Does this very PKI answer on its port?"""
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}/", timeout=PATIENCE) as answer:
            return bool(answer.read(64) == mark.encode())
    except (URLError, OSError, ValueError):
        return False
