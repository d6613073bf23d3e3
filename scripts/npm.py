"""Installing what a committed lock of npm names, once, into the ignored ``node_modules`` beside it."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path


def install(folder: Path, package: str) -> Path:
    """The folder of ``package`` below ``folder``, installed where it is missing. No package's own scripts are run.

    Several processes may ask at once. Raises as `ci`.
    """
    found = folder / "node_modules" / package
    if not found.is_dir():
        with (folder / "package-lock.json").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not found.is_dir():
                ci(folder)
    return found


def ci(folder: Path, *options: str) -> None:
    """Install into ``folder`` what its lock names; npm refuses what has another digest. No package's own scripts run.

    Raises:
        FileNotFoundError: where npm is missing; CalledProcessError: where it fails, with what it said in ``stderr``.
    """
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *options]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise
