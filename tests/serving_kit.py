"""The application behind the real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from api.protocol import bounded


@contextmanager
def running(app: FastAPI, patience: float = 20.0) -> Iterator[tuple[str, int]]:
    """The application behind the real server, on a port of its own."""
    config = uvicorn.Config(
        app, loop="asyncio", http=bounded(patience), ws="none", log_config=None, access_log=False, lifespan="on"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()
