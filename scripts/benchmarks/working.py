"""A worker that begins when it is told to: ``working HOME``; says that it is ready, and works from the first line on
stdin until stdin ends."""

from __future__ import annotations

import sys
from pathlib import Path

from ledger.assembly.app import App
from ledger.assembly.worker import Worker
from ledger.settings import load_settings


def main(home: Path) -> None:
    with App(load_settings(home)) as app:
        app.outbox.drain(60)  # everything that is opened once is open
        _ = app.uploads, app.vault
        worker = Worker(app)
        print("ready", flush=True)
        sys.stdin.readline()
        worker.start()
        try:
            sys.stdin.read()
        finally:
            worker.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
