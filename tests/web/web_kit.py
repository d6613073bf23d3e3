"""What the tests of the pages run on: the pages' modules under Node, a served ledger, Debian's Chromium."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import uvicorn
from ledger_world import World

from api.app import create_app
from scripts import fetch_web

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOSTILE = "</script><img src=x onerror=alert(1)><svg onload=alert(2)>{{7*7}}javascript:alert(3)"
ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "web"
"""axe-core for the tests; never part of the wheel."""


def missing(reason: str) -> NoReturn:
    """Skips, or fails under ZHENGYIN_NO_SKIP=1."""
    (pytest.fail if os.environ.get("ZHENGYIN_NO_SKIP") == "1" else pytest.skip)(reason)
    raise AssertionError


def require_vendored() -> None:
    """The pages' third-party scripts and axe-core, fetched by their lock where they are not here yet."""
    if fetch_web.is_current() and (TOOLS / "axe.min.js").is_file():
        return
    try:
        fetch_web.fetch(TOOLS)
    except fetch_web.FetchError as error:
        missing(f"the pages' scripts cannot be fetched: {error}")


class Modules:
    """The pages' modules in a Node process of their own."""

    def __init__(self) -> None:
        node = shutil.which("node")
        if node is None:
            missing("node is not installed")
        self._process = subprocess.Popen(
            [node, str(Path(__file__).with_name("modules.mjs"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            bufsize=1,
        )

    def ask(self, act: str, given: dict[str, Any]) -> dict[str, Any]:
        """``{"gives": …}`` or ``{"refused": code}``; anything else is a fault of the modules and fails the test."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"act": act, "given": given}) + "\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "fault" not in found, found
        return found

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@dataclass
class Served:
    """A ledger behind a real server."""

    world: World
    address: str
    port: int

    def bundle(self, name: str, folder: Path, state: bool = True) -> Path:
        path = folder / f"{name}.zyb"
        made = self.world.app.bundling.bundle(self.world.row(self.world.ids[name]), None, state=state)
        path.write_bytes(made.to_bytes())
        return path

    def code(self, name: str) -> str:
        (found,) = self.world.app.codes.of([self.world.row(self.world.ids[name])])
        assert found is not None
        return found


@contextmanager
def serving(world: World) -> Iterator[Served]:
    """Serves on a free port of loopback, with a worker that imports uploaded tables."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(create_app(world.app), log_level="error", lifespan="on"))
        threads = [
            threading.Thread(target=server.run, kwargs={"sockets": [listener]}),
            threading.Thread(target=_import_uploads, args=(world, lambda: not server.should_exit)),
        ]
        for thread in threads:
            thread.start()
        try:
            _until(lambda: server.started)
            yield Served(world, f"http://127.0.0.1:{port}", port)
        finally:
            server.should_exit = True
            for thread in threads:
                thread.join(20)


def _import_uploads(world: World, going: Callable[[], bool]) -> None:
    while going():
        world.app.uploads.run_open()
        time.sleep(0.1)


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("the server did not start")


class Visit:
    """A page in a fresh context, with everything that it must not do written down: requests to other hosts, faults of
    scripts, breaches of the policy, dialogues."""

    def __init__(self, chromium: Any, **context: Any) -> None:
        self.context = chromium.new_context(**context)
        self.page = self.context.new_page()
        self.requests: list[Any] = []
        self.faults: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", self._dialog)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def require_quiet(self, address: str) -> None:
        """Nothing went to another host, and nothing was wrong."""
        outside = [r.url for r in self.requests if not r.url.startswith((address, "data:", "blob:"))]
        assert (outside, self.faults) == ([], [])

    def axe(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA and its own best practices."""
        self.page.evaluate((TOOLS / "axe.min.js").read_text("utf-8"))
        found = self.page.evaluate("async () => (await axe.run(document)).violations")
        return [f"{v['id']}: {[node['html'][:120] for node in v['nodes']]}" for v in found]

    def result(self) -> str:
        """Words of the result, once it is there."""
        self.page.wait_for_selector(".result")
        return str(self.page.inner_text(".result"))
