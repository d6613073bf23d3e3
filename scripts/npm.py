"""Installing what a committed lock of npm names, once, into the ignored ``node_modules`` beside it."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path


def install(folder: Path, package: str) -> Path:
    """The folder of ``package`` below ``folder``, installed where it is missing. No package's own scripts are run.

    Several processes may ask at once. Raises FileNotFoundError where npm is missing, CalledProcessError where it fails.
    """
    found = folder / "node_modules" / package
    if not found.is_dir():
        with (folder / "package-lock.json").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not found.is_dir():
                command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
                subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)
    return found
