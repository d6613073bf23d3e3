"""Processes of their own on a data folder, forked from one server a test worker that has everything imported: importing
takes a second of the processor each time, and the suite kills a hundred of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, get_context
from pathlib import Path
from types import TracebackType

import ledger_worker

TESTS = Path(__file__).resolve().parent


class LedgerProcess:
    """As ``subprocess.Popen`` with both outputs piped, as far as tests use it."""

    def __init__(self, home: Path, now: str, action: tuple[str, ...], fault: str | None) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._outputs = [Path(self._folder.name) / name for name in ("stdout", "stderr")]
        context = get_context("forkserver")
        context.set_forkserver_preload(["ledger_worker"])
        with _environment():
            forkserver.ensure_running()
        words = [str(home), now, *action]
        self._process = context.Process(target=ledger_worker.run, args=(words, fault or "", *map(str, self._outputs)))
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """Negative: ended by that signal; ``None``: still at work."""
        return self._process.exitcode

    poll = returncode.fget  # type: ignore[attr-defined]

    def wait(self, timeout: float | None = None) -> int:
        """Raises TimeoutError."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError(f"still at work after {timeout} seconds")
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote to stdout and stderr, once it has ended."""
        self.wait(timeout)
        out, errors = (path.read_text("utf-8") if path.exists() else "" for path in self._outputs)
        return out, errors

    def kill(self) -> None:
        self._process.kill()

    def __enter__(self) -> LedgerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        self._process.join()
        self._folder.cleanup()


@contextmanager
def _environment() -> Iterator[None]:
    """Of the server, when it begins: where to find what it imports, and nothing that concerns one ledger."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("ZHENGYIN_")]:
        del os.environ[name]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
