"""A road past the framework for the route that is asked most.

Its way to a function (every route's pattern tried in turn, dependencies, two stacks of contexts) costs more than an
answer that lies ready. The framework still documents the route, and serves it wherever its address says more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send


class Express(BaseRoute):
    """To be the first of the application's routes. Same path, same method, no query: the function is called with the
    request, after the dependencies of the route, which take nothing else."""

    def __init__(self, router: APIRouter, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        (self._route,) = (r for r in router.routes if isinstance(r, APIRoute) and r.endpoint is endpoint)
        self._endpoint = endpoint
        self._methods = frozenset(self._route.methods or ())
        self._before = [d.dependency for d in self._route.dependencies if d.dependency is not None]
        self._found = {"route": self._route, "endpoint": endpoint, "path_params": {}}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        asked = scope["type"] == "http" and scope["path"] == self._route.path and not scope["query_string"]
        return (Match.FULL, self._found) if asked and scope["method"] in self._methods else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        for dependency in self._before:
            await dependency(request)
        response = await self._endpoint(request)
        await response(scope, receive, send)
