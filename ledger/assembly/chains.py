"""Which engine a data folder uses: the embedded chain, or a network's nodes by HTTP; and whom its trust file pins."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.chain.embedded import EmbeddedEngine
from ledger.chain.endpoint import Credentials, HttpLimits
from ledger.chain.http_engine import ChainName, HttpEngine
from ledger.core.trusted_chains import Validator
from ledger.errors import ConfigError, NotFoundError
from ledger.outside.keystore import KeyStore
from ledger.outside.private_files import read_private
from ledger.proofs.commit_seals import finality, listed_validators
from ledger.proofs.headers import UNSEALED, parse_header
from ledger.settings import Settings

if TYPE_CHECKING:
    from ledger.assembly.adapters import Adapters
    from ledger.chain.embedded.rpc_server import RpcServer

NODE_KEY = "main"
_LINE = re.compile(r"(?P<bearer>Bearer [!-~]{1,4096})|(?P<basic>[^:\n]{1,255}:[^\n]{0,1024})")


def open_engine(app: Adapters) -> EmbeddedEngine | HttpEngine:
    """The engine that the settings name. Raises ConfigError ENGINE_…; IntegrityError ENGINE_BLOCK_DAMAGED."""
    identity = app.chain_file.identity
    if app.settings.engine:
        return http_engine(app.settings, ChainName(identity.id, identity.genesis))
    try:
        node_key: bytes | None = app.keys.node(app.chain_file.operator, NODE_KEY).reveal()
    except NotFoundError:
        node_key = None  # a reader beside the sealing node
    return EmbeddedEngine.open(app.home.chain, node_key=node_key, clock=app.clock)


def found_engine(
    settings: Settings, path: Path, keys: KeyStore, operator: str, clock: Callable[[], float]
) -> EmbeddedEngine | HttpEngine:
    """The engine that a new ledger begins on: a network that is there already, or a chain of its own at ``path``."""
    if settings.engine:
        return http_engine(settings, None)
    keys.create(operator, NODE_KEY, "node")
    node_key = keys.node(operator, NODE_KEY).reveal()
    return EmbeddedEngine.create(path, node_key=node_key, clock=clock, operator=operator)


def http_engine(settings: Settings, name: ChainName | None) -> HttpEngine:
    """Raises ConfigError ENGINE_URL_REFUSED, ENGINE_CREDENTIALS_…, ENGINE_CA_REFUSED, KEYS_PERMISSIONS."""
    return HttpEngine(
        settings.engine,
        name,
        HttpLimits(patience=settings.engine_patience, answer=min(HttpLimits().answer, settings.engine_patience)),
        _credentials(settings.home / settings.engine_credentials) if settings.engine_credentials else None,
        _tls(settings.home / settings.engine_ca) if settings.engine_ca else None,
    )


def pinned_validators(app: Adapters) -> tuple[Validator, ...]:
    """Whose commit seals the first trust file accepts.

    On a network: the set that the newest block lists and is sealed by, all under the operator until the council
    has written down who runs which node, so that nothing passes for Byzantine agreement before.

    Raises:
        InputError: COMMIT_SEAL_… where that block is not sealed by the set it lists.
    """
    file, engine = app.chain_file, app.engine
    if isinstance(engine, EmbeddedEngine):
        return (Validator(engine.sealer, file.operator, 1, None),)
    if file.consensus == UNSEALED:
        return ()
    header = parse_header(app.chain.state_header(None))
    listed = listed_validators(header)
    finality(header, file.consensus, listed)
    return tuple(Validator(address, file.operator, header.number, None) for address in listed)


def rpc_server(app: Adapters) -> RpcServer | None:
    """The read-only port of the embedded chain, not started yet; ``None`` where the settings name none.

    Raises:
        ConfigError: RPC_SERVER_NETWORK where the chain is a network's; RPC_SERVER_PORT; as ``open_engine``.
    """
    if app.settings.rpc_port is None:
        return None
    from ledger.chain.embedded.rpc_server import RpcServer

    if app.settings.engine:
        raise ConfigError("RPC_SERVER_NETWORK")
    return RpcServer(app.engine, app.settings.rpc_port)


def _credentials(path: Path) -> Credentials:
    try:
        found = _LINE.fullmatch(read_private(path).decode().rstrip("\r\n"))
    except (OSError, NotFoundError, UnicodeDecodeError) as error:
        raise ConfigError("ENGINE_CREDENTIALS_REFUSED", file=str(path)) from error
    if found is None:
        raise ConfigError("ENGINE_CREDENTIALS_REFUSED", file=str(path))
    if found["bearer"]:
        return Credentials(found["bearer"])
    return Credentials("Basic " + base64.b64encode(found["basic"].encode()).decode("ascii"))


def _tls(path: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("ENGINE_CA_REFUSED", file=str(path)) from error
