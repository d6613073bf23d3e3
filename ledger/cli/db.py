"""``db``: which version the tables of the rows have, and bringing them to this program's."""

from __future__ import annotations

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about

GROUP = about("数据库", "database", "zhengyin db version")
UPGRADE = about(
    "建立数据库的表，或升级到本程序的版本；请先停止服务并备份",
    "create the tables, or bring them to this program's version; stop the services and make a backup first",
    "zhengyin db upgrade",
)
VERSION = about(
    "数据库的版本，以及本程序需要的版本", "versions: found, and needed by this program", "zhengyin db version"
)


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="db", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("upgrade", help=UPGRADE)(upgrade)
    app.command("version", help=VERSION)(version)
    root.add_typer(app)


def upgrade(context: typer.Context) -> int:
    session: Session = context.obj
    from ledger.settings import load_settings
    from ledger.store import schema

    before, after = schema.upgrade(load_settings(session.home).database_url())
    session.result({"before": before, "after": after}, session.words("CLI_DB_UPGRADED", before=before, after=after))
    return 0


def version(context: typer.Context) -> int:
    session: Session = context.obj
    from ledger.settings import load_settings
    from ledger.store import schema

    found = schema.version(load_settings(session.home).database_url())
    values = {"found": found, "needed": schema.VERSION}
    session.result(values, session.words("CLI_DB_VERSION", **values))
    return 0 if found == schema.VERSION else 4
