"""Named places where a crash is worth trying. Nothing happens here unless a test arms a point.

``ZHENGYIN_FAULTPOINT=name`` makes the process kill itself (SIGKILL) when it reaches that name; ``name:3``, when it
reaches it for the third time.
"""

from __future__ import annotations

import os
import signal


class _Armed:
    name = ""
    left = 0


def arm(point: str) -> None:
    """Kill this process at ``point``: a name, or a name and how often it is reached; empty disarms."""
    _Armed.name, _, count = point.partition(":")
    _Armed.left = int(count or 1)


def faultpoint(name: str) -> None:
    if name != _Armed.name:
        return
    _Armed.left -= 1
    if _Armed.left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("ZHENGYIN_FAULTPOINT", ""))
