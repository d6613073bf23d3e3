"""RFC 9457 problem details."""

from __future__ import annotations

from api.schemas.common import Shown


class Fault(Shown):
    """``path``: where in the request; ``rule``: what does not hold there."""

    path: str
    rule: str


class Problem(Shown):
    """``title`` in English, ``detail`` in Chinese; ``code`` is stable."""

    type: str
    title: str
    detail: str
    status: int
    code: str
    retryAfter: int | None = None
    errors: list[Fault] | None = None
