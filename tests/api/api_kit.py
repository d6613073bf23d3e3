"""The application over a ledger of the test's own, asked in process, with tokens of two offices."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from ledger_world import OFFICE_A, OFFICE_B, World
from serving_kit import running as running

from api.app import create_app
from ledger.services.access import ACTIONS

SEAL = {
    "issuer": OFFICE_A,
    "type": "seal",
    "values": {"name": "公章", "owner": OFFICE_A, "sealType": "业务专用章", "certificate": "ab12"},
}
LOCAL, ELSEWHERE = ("127.0.0.1", 4000), ("192.0.2.7", 4000)


@dataclass
class Office:
    """``token``: of office A with every action; ``foreign``: the same of office B."""

    world: World
    app: FastAPI
    token: str
    foreign: str
    client: tuple[str, int] = LOCAL

    def __call__(self, method: str, path: str, token: str | None = "", **named: Any) -> httpx.Response:
        """``token``: "" is the office's own, ``None`` none."""
        return asyncio.run(self.ask(method, path, token, **named))

    async def ask(self, method: str, path: str, token: str | None = "", **named: Any) -> httpx.Response:
        headers = dict(named.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token}"
        transport = httpx.ASGITransport(self.app, client=self.client)
        async with httpx.AsyncClient(transport=transport, base_url="http://office.example") as client:
            return await client.request(method, path, headers=headers, **named)

    def post(self, path: str, body: Any, key: str, token: str | None = "") -> httpx.Response:
        return self("POST", path, token, json=body, headers={"Idempotency-Key": key})

    def issue(self, key: str = "k", **changed: Any) -> httpx.Response:
        return self.post("/v1/records", SEAL | changed, key)

    def log(self) -> list[Any]:
        """The operations log, decoded."""
        from ledger.core import canonical

        with self.world.app.store.read() as unit:
            return [canonical.decode(entry) for _, entry, _ in unit.access.all_operations()]


def open_office(world: World) -> Office:
    access = world.app.access
    _, token = access.add("一号窗口", [OFFICE_A], ACTIONS, 86_400)
    _, foreign = access.add("别处", [OFFICE_B], ACTIONS, 86_400)
    return Office(world, create_app(world.app), token, foreign)
