"""``key rotate`` and ``key retire``: versions of the keys that encrypt for other systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from ledger.assembly.app import App

ROTATE = about(
    "为 data 密钥生成新版本；旧版本的密文仍可解密",
    "make a new version of a data key; what is under old ones can still be decrypted",
    "zhengyin --org 114401000700000148 key rotate filing",
)
RETIRE = about(
    "停用 data 密钥：此后只能解密",
    "retire a data key: from then on it only decrypts",
    "zhengyin --org 114401000700000148 key retire filing",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="密钥名称 · name of the key")]


def register(group: typer.Typer) -> None:
    group.command("rotate", help=ROTATE)(rotate)
    group.command("retire", help=RETIRE)(retire)


def rotate(context: typer.Context, name: Name) -> int:
    session: Session = context.obj
    from ledger.assembly.file_acts import keys_logged

    with session.app() as app, keys_logged(app, "key.rotate", organisation := session.acting(app)):
        version = app.keys.data.rotate(organisation, name)
    value = {"organisation": organisation, "name": name, "purpose": "data", "version": version}
    session.result(value, f"{organisation}  {name}  {version}")
    return 0


def retire(context: typer.Context, name: Name) -> int:
    session: Session = context.obj
    from ledger.assembly.file_acts import keys_logged

    with session.app() as app, keys_logged(app, "key.retire", organisation := session.acting(app)):
        app.keys.data.retire(organisation, name)
    value = {"organisation": organisation, "name": name, "purpose": "data", "retired": True}
    session.result(value, f"{organisation}  {name}  –")
    return 0


def create(app: App, organisation: str, name: str, algorithm: str | None) -> str:
    """Make a data key, by the profile's algorithm where none is said; returns the algorithm."""
    chosen = algorithm or ("sm4-gcm" if app.suite.has_sm3 else "aes-256-gcm")
    app.keys.data.create(organisation, name, chosen)
    return chosen


def put_certificate(app: App, organisation: str, name: str, certificate: bytes) -> None:
    """To the key that it was issued for: one that signs batches, or one of that name for the crypto service.

    Raises:
        ConfigError: KEYS_CERTIFICATE; NotFoundError: KEYS_UNKNOWN.
    """
    if name in app.keys.names(organisation, "service"):
        try:
            return app.keys.put_certificate(organisation, name, certificate, "service")
        except ConfigError as error:
            if error.code != "KEYS_CERTIFICATE" or name not in app.keys.names(organisation, "signing"):
                raise
    return app.keys.put_certificate(organisation, name, certificate)


def shown(purpose: str, version: int, retired: bool) -> str:
    """The newest version as a list shows it, an old key's in brackets."""
    if purpose != "data":
        return "–"
    return f"({version})" if retired else str(version)
