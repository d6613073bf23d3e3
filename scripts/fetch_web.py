"""Bring the pages' third-party scripts from npm, as locked with their integrity hashes, into ``api/web/vendor``.

They are never committed; the wheel takes them along. Without npm the pages work with number, code and bundle, and say
that files cannot be checked. npm itself refuses what does not have the digest of ``package-lock.json``.

    python scripts/fetch_web.py              fails where npm is missing or the registry does not answer
    python scripts/fetch_web.py --optional   says so and goes on; a wrong digest fails all the same
    python scripts/fetch_web.py --tests DIR  also axe-core, for the tests of the pages, into DIR
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: the package `scripts` lies beside it

from scripts.npm import ci  # noqa: E402

WEB = ROOT / "api" / "web"
VENDOR = WEB / "vendor"
STAMP = VENDOR / "vendor.json"

FILES = {
    "sha256.umd.min.js": "hash-wasm/dist/sha256.umd.min.js",
    "sm3.umd.min.js": "hash-wasm/dist/sm3.umd.min.js",
    "keccak.umd.min.js": "hash-wasm/dist/keccak.umd.min.js",
    "secp256k1.js": "@noble/secp256k1/index.js",
    "zxing.js": "zxing-wasm/dist/iife/reader/index.js",
    "zxing_reader.wasm": "zxing-wasm/dist/reader/zxing_reader.wasm",
    "LICENSE.hash-wasm": "hash-wasm/LICENSE",
    "LICENSE.secp256k1": "@noble/secp256k1/LICENSE",
    "LICENSE.zxing-wasm": "zxing-wasm/LICENSE",
}
TEST_FILES = {"axe.min.js": "axe-core/axe.min.js"}


class FetchError(Exception):
    """``fatal``: what came is not what was locked; everything else may be tried again later."""

    def __init__(self, reason: str, *, fatal: bool) -> None:
        super().__init__(reason)
        self.fatal = fatal


def is_current() -> bool:
    """Are the files those of the lock, unchanged since they were put here?"""
    try:
        known = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    files = {name: _digest(VENDOR / name) for name in FILES if (VENDOR / name).is_file()}
    return bool(known == {"lock": _digest(WEB / "package-lock.json"), "files": files} and files.keys() == FILES.keys())


def fetch(tests: Path | None = None) -> None:
    """Install by the lock in a temporary folder and keep the files that are served.

    Raises:
        FetchError: npm is missing or failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        modules = _install(Path(folder), with_tests=tests is not None)
        _place(modules, FILES, VENDOR)
        if tests is not None:
            _place(modules, TEST_FILES, tests)
    stamp = {"lock": _digest(WEB / "package-lock.json"), "files": {name: _digest(VENDOR / name) for name in FILES}}
    # last: a crash before this line leaves files without a stamp, which are fetched again
    STAMP.write_text(json.dumps(stamp, indent=2) + "\n", "utf-8")


def _install(folder: Path, *, with_tests: bool) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(WEB / name, folder / name)
    try:
        ci(folder, *([] if with_tests else ["--omit=dev"]))
    except FileNotFoundError as error:
        raise FetchError("npm is not installed", fatal=False) from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip() or error.stdout.strip()
        raise FetchError(said, fatal="EINTEGRITY" in error.stderr) from error
    return folder / "node_modules"


def _place(modules: Path, files: dict[str, str], target: Path) -> None:
    """Each file by renaming: another process that fetches or reads the same one meets a whole file."""
    target.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        fresh = target / f".{name}.{os.getpid()}"
        shutil.copy(modules / source, fresh)
        fresh.replace(target / name)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optional", action="store_true")
    parser.add_argument("--tests", type=Path)
    options = parser.parse_args()
    if options.tests is None and is_current():
        return 0
    try:
        fetch(options.tests)
    except FetchError as error:
        print(f"scripts of the pages not fetched: {error}", file=sys.stderr)
        print("页面的文件核验功能未安装（需要 npm）；编号、核验码和证明包核验不受影响", file=sys.stderr)
        return 0 if options.optional and not error.fatal else 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
