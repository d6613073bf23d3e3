"""Is the process alive, and can it answer?"""

from __future__ import annotations

from fastapi import APIRouter, Request

router = APIRouter()


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request) -> dict[str, int | str]:
    """The chain answers: number of its newest final block. 503 with a problem when it does not."""
    head, _ = request.app.state.ledger.chain.head()
    return {"status": "ok", "block": head.block}
