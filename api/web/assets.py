"""Files of the pages, read once into a table: what is not in it does not exist, whatever path is asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable

import orjson

from api.web.translations import LANGUAGES, WEB, finding_words

MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "wasm": "application/wasm",
}
VENDORED = ("sha256.umd.min.js", "sm3.umd.min.js", "keccak.umd.min.js", "secp256k1.js", "zxing.js", "zxing_reader.wasm")


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """Path below ``/static/<version>/`` → file."""
    found: dict[str, Asset] = {}
    for folder in ("css", "js", "vendor"):
        _collect(WEB.joinpath(folder), folder, found)
    for language in LANGUAGES:
        content = orjson.dumps(finding_words(language), option=orjson.OPT_SORT_KEYS)
        found[f"words-{language}.json"] = Asset(content, MEDIA_TYPES["json"])
    return found


@cache
def version() -> str:
    """Digest of all files: another version has other addresses, so each may be cached for ever."""
    digest = hashlib.sha256()
    for path, asset in sorted(assets().items()):
        digest.update(path.encode() + b"\0" + hashlib.sha256(asset.content).digest())
    return digest.hexdigest()[:16]


@cache
def has_vendored() -> bool:
    """Are the third-party scripts installed (``scripts/fetch_web.py``)? Without them no file is hashed in the page."""
    return all(f"vendor/{name}" in assets() for name in VENDORED)


def _collect(folder: Traversable, path: str, found: dict[str, Asset]) -> None:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        name = f"{path}/{entry.name}"
        if entry.is_dir():
            _collect(entry, name, found)
        elif (suffix := entry.name.rpartition(".")[2]) in MEDIA_TYPES:
            found[name] = Asset(entry.read_bytes(), MEDIA_TYPES[suffix])
