"""What every target holds to: refusals are told in words, and what was read can be shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ledger.errors import ZhengyinError, messages


def require_told(error: ZhengyinError) -> None:
    if error.code not in messages():
        raise AssertionError(f"{error.code} has no words")
    for language in ("zh", "en"):
        error.text(language).encode()  # type: ignore[arg-type]


def shown(report: Any) -> None:
    json.dumps(report.to_json(), ensure_ascii=False).encode()
    for language in ("zh", "en"):
        str(report.text(language)).encode()


def each(data: bytes, *readers: Callable[[bytes], Any]) -> None:
    for read in readers:
        try:
            read(data)
        except ZhengyinError as error:
            require_told(error)
