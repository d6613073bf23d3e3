"""API, pages and worker in one process, until it is told to stop."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import uvicorn

from api.app import create_app
from api.protocol import bounded
from ledger.assembly.app import App
from ledger.assembly.chains import rpc_server
from ledger.assembly.worker import Worker
from ledger.errors import ConfigError
from ledger.settings import Settings

GRACE = 10
"""Seconds that answers under way have when the server is told to stop."""
KEEP_ALIVE = 15
BACKLOG = 256


@dataclass(frozen=True, slots=True)
class Serving:
    """Where: ``address`` of pages and API; ``rpc`` of the embedded chain's read-only JSON-RPC, if there is one."""

    address: str
    rpc: str | None


def serve(settings: Settings, started: Callable[[Serving], None], work: bool = True) -> None:
    """Serve until SIGTERM or SIGINT. ``started`` is called once requests are taken; ``work``: with a worker.

    Raises:
        ConfigError: SERVE_EXPOSED, SERVE_TLS, SERVE_PROXY, SERVE_BIND; RPC_SERVER_…; SETTINGS_…, STORE_SCHEMA.
    """
    with App(settings) as app, ExitStack() as ports:
        require_safe(settings, app.access.usable)
        tls = tls_files(settings)
        reading = rpc_server(app)
        if reading is not None:
            ports.enter_context(reading)
        with listening(settings) as listener:
            worker = Worker(app) if work else None
            api = create_app(app, worker.wake if worker else lambda: None)
            config = uvicorn.Config(
                api,
                loop="uvloop" if sys.platform != "win32" else "asyncio",
                http=bounded(settings.patience),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=GRACE,
                limit_concurrency=settings.connections,
                backlog=BACKLOG,
                ssl_certfile=tls[0] if tls else None,
                ssl_keyfile=tls[1] if tls else None,
            )
            host, port = listener.getsockname()[:2]
            address = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}/"
            serving = Serving(address, reading.url if reading else None)
            if worker:
                worker.start()
            try:
                _Server(config, lambda: started(serving)).run(sockets=[listener])
            finally:
                if worker:
                    worker.stop()


class _Server(uvicorn.Server):
    """Ends with the process's own exit code: a signal to stop is an order, not a fault."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            gc.collect()
            gc.freeze()  # what lasts as long as the process: looking it through again stops every answer for 0.1 s
            self._begun()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with stopping_on_signals(self.handle_exit):
            yield


@contextmanager
def stopping_on_signals(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def require_safe(settings: Settings, has_token: Callable[[], bool]) -> None:
    """Nobody beyond this machine may reach a service that knows no callers, or over a wire that anybody can read.

    Raises:
        ConfigError: SERVE_EXPOSED, SERVE_PROXY.
    """
    if settings.trusted_proxy is not None:
        try:
            ip_address(settings.trusted_proxy)
        except ValueError as e:
            raise ConfigError("SERVE_PROXY") from e
    if is_loopback(settings.bind):
        return
    if not ((settings.tls_certificate or settings.trusted_proxy) and has_token()):
        raise ConfigError("SERVE_EXPOSED", bind=settings.bind)


def is_loopback(bind: str) -> bool:
    if bind == "localhost":
        return True
    try:
        return ip_address(bind).is_loopback
    except ValueError:
        return False  # a name may lead anywhere


def tls_files(settings: Settings) -> tuple[Path, Path] | None:
    """Raises ConfigError SERVE_TLS."""
    if settings.tls_certificate is None and settings.tls_key is None:
        return None
    if settings.tls_certificate is None or settings.tls_key is None:
        raise ConfigError("SERVE_TLS")
    found = settings.home / settings.tls_certificate, settings.home / settings.tls_key
    if not all(path.is_file() for path in found):
        raise ConfigError("SERVE_TLS")
    return found


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """Raises ConfigError SERVE_BIND."""
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    try:
        listener = socket.create_server((settings.bind, settings.port), family=family, backlog=BACKLOG)
    except OSError as e:
        raise ConfigError(
            "SERVE_BIND", bind=settings.bind, port=settings.port, reason=e.strerror or type(e).__name__
        ) from e
    with listener:
        yield listener


def log_to_stderr() -> None:
    """Codes and kinds of trouble, one line each; never what a request held."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
