"""The application, built by a function from one opened data folder.

So far it answers one question, the citizen's: is this bundle good, as of now? Issuing, callers' rights and the pages
come with the service.
"""

from __future__ import annotations

from fastapi import FastAPI

from api.errors import install_errors
from api.routes import health, verifications
from ledger.assembly.app import App


def create_app(ledger: App) -> FastAPI:
    """An ASGI application over an open ``App``; the caller closes it after the server has stopped."""
    app = FastAPI(title="证印 Zhengyin", version="1", openapi_url="/openapi.json", docs_url=None, redoc_url=None)
    app.state.ledger = ledger
    install_errors(app)
    app.include_router(health.router)
    app.include_router(verifications.router)
    return app
