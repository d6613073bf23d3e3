"""The application, built by a function from settings or from an opened data folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from api.errors import install_errors, learn_names
from api.express import Express
from api.guard import Guard
from api.limits import PublicLimit
from api.metrics import Metrics
from api.routes import (
    audits,
    batches,
    crypto,
    health,
    imports,
    login,
    pages,
    records,
    relations,
    seals,
    statuses,
    trust,
    types,
    verifications,
)
from api.service import Service
from ledger import __version__
from ledger.assembly.app import App
from ledger.errors import UnavailableError
from ledger.settings import Settings

THREADS = 12
"""Requests worked on at once; the store has connections for as many, and two processors not even for these."""

ABOUT = """电子证照、电子印章与司法存证的联盟链账本。记录以叶子（64 位十六进制）寻址，网址中不出现个人信息。

A permissioned-chain ledger of licenses, e-seals and judicial evidence. Records are addressed by their leaf: nothing
personal is ever in a URL. Errors are RFC 9457 problems with a stable `code`."""


def create_app(source: Settings | App, wake: Callable[[], None] = lambda: None) -> FastAPI:
    """An ASGI application. From settings it opens a ledger of its own and closes it when the server stops; an open
    ``App`` is the caller's to close. ``wake``: called after something was accepted.

    Raises:
        ConfigError: SETTINGS_…, KEYS_…, STORE_SCHEMA. UnavailableError: STORE_….
    """
    ledger = App(source) if isinstance(source, Settings) else source
    try:
        _open(ledger)
    except BaseException:
        if ledger is not source:
            ledger.__exit__()
        raise

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        from anyio.to_thread import current_default_thread_limiter

        current_default_thread_limiter().total_tokens = THREADS
        yield
        if ledger is not source:
            ledger.__exit__()

    settings, metrics = ledger.settings, Metrics()
    app = FastAPI(
        title="证印 Zhengyin",
        version=__version__,
        summary="联盟链账本 · ledger",
        description=ABOUT,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    limit = PublicLimit(settings.public_rate, settings.trusted_proxy)
    app.state.service = Service(ledger, limit, metrics, wake, uses=PublicLimit(settings.crypto_rate, None))
    install_errors(app)
    for resource in (health, verifications, records, statuses, relations, imports, batches, types, trust, audits):
        app.include_router(resource.router)
    app.include_router(seals.router)
    app.include_router(login.router)
    app.include_router(crypto.router)
    app.include_router(pages.router, include_in_schema=False)
    app.router.routes.insert(0, Express(verifications.router, verifications.verify_number))
    learn_names(_names(app.openapi()))
    app.add_middleware(Guard, settings=settings, metrics=metrics)
    return app


def _open(ledger: App) -> None:
    """Open what threads will share before there are threads. A chain that is away is opened when it is back."""
    for name in ("store", "vault", "access", "uploads", "index_key", "login", "crypto"):
        getattr(ledger, name)
    with suppress(UnavailableError):
        for name in ("chain", "statuses", "issuing", "bundling", "verifying"):
            getattr(ledger, name)


def _names(document: dict[str, Any]) -> set[str]:
    """Names of our own fields and parameters."""
    found: set[str] = set()
    for path in document["paths"].values():
        for operation in path.values():
            found |= {p["name"] for p in operation.get("parameters", [])}
    for schema in document["components"]["schemas"].values():
        found |= set(schema.get("properties", {}))
    return found
