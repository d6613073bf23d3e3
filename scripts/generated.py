"""Files that are made from others and committed: one way to write them, and to check that they are fresh."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def write_or_check(description: str, texts: Iterable[tuple[Path, str]], arguments: list[str] | None = None) -> int:
    """Write what differs, or with ``--check`` only name it. Returns the exit code: 1 if a check found a difference."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="compare with what is committed; write nothing")
    check: bool = parser.parse_args(arguments).check
    differing = False
    for file, text in texts:
        if file.is_file() and file.read_text("utf-8") == text:
            continue
        differing = True
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        print(f"{'differs' if check else 'written'}: {file.relative_to(ROOT).as_posix()}")
    return 1 if check and differing else 0
