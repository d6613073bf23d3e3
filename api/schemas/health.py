"""How the service is."""

from __future__ import annotations

from typing import Any

from api.schemas.common import Shown


class Alive(Shown):
    status: str


class Ready(Shown):
    """``status``: ok or degraded; ``parts``: each with its own ``status`` and figures."""

    status: str
    parts: dict[str, dict[str, Any]]
