"""web3.py over the engine seam, for deployment and people's own scripts; hot paths use ``request`` raw.

Importing web3 takes more than a second, so it happens inside the functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ledger.chain.rpc import data, error_object
from ledger.errors import ZhengyinError


class Requests(Protocol):
    """The seam: one method of Ethereum JSON-RPC, see ``ledger.ports``."""

    def request(self, method: str, params: Sequence[Any] = ()) -> Any: ...


def web3_provider(engine: Requests) -> Any:
    """A web3 ``BaseProvider`` whose requests go to ``engine``; errors become JSON-RPC error objects."""
    from web3.providers.base import BaseProvider

    class EngineProvider(BaseProvider):
        def make_request(self, method: Any, params: Any) -> Any:
            envelope: dict[str, Any] = {"jsonrpc": "2.0", "id": 1}
            try:
                return envelope | {"result": engine.request(str(method), _plain(params))}
            except ZhengyinError as error:
                return envelope | {"error": error_object(error)}

        def is_connected(self, show_traceback: bool = False) -> bool:
            try:
                engine.request("eth_chainId", [])
            except ZhengyinError:
                if show_traceback:
                    raise
                return False
            return True

    return EngineProvider()


def make_web3(engine: Requests) -> Any:
    """A ``web3.Web3`` on ``engine`` that accepts extraData longer than 32 bytes (sealed headers).

    The middleware renames that field: headers read through web3 show ``proofOfAuthorityData``. Gas costs
    nothing on a permissioned chain, and with a price of 0 as its strategy web3 builds legacy transactions.
    """
    from web3 import Web3
    from web3.middleware import ExtraDataToPOAMiddleware
    from web3.types import Wei

    web3 = Web3(web3_provider(engine))
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    web3.eth.set_gas_price_strategy(lambda _web3, _transaction: Wei(0))
    return web3


def _plain(value: Any) -> Any:
    """What a JSON encoder would have made of web3's bytes and attribute dictionaries."""
    if isinstance(value, bytes):
        return data(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
