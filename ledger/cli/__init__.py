"""The command line ``zhengyin``. ``main`` loads nothing until it is called, so that a cold start stays quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (FORMATS, "Exit codes")."""
    from ledger.cli.run import run

    return run(sys.argv[1:] if arguments is None else arguments)
