"""Named places where a crash is worth trying. Nothing happens here unless a test arms a point.

``ZHENGYIN_FAULTPOINT=name`` makes the process end at once, as ``kill -9`` would, when it reaches that name.
"""

from __future__ import annotations

import os

_armed = os.environ.get("ZHENGYIN_FAULTPOINT")


def faultpoint(name: str) -> None:
    if name == _armed:
        os._exit(137)
