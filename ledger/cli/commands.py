"""The tree of commands. Only the module of the command that was asked for is loaded, and what does the work only when
it runs, so that ``verify`` pays neither for the other commands nor for the chain and the database."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger import __version__
from ledger.cli.session import Session
from ledger.cli.texts import about

HELP = about(
    "电子证照、电子印章与司法存证的联盟链账本",
    "a permissioned-chain ledger of licenses, e-seals and evidence",
    "zhengyin --home ./demo init --demo",
    "全局选项可写在任何位置。Global options may stand anywhere.",
)

MODULES = {
    "init": "founding",
    "issue": "issuing",
    "deposit": "issuing",
    "seal": "seals",
    "import": "importing",
    "revoke": "statuses",
    "suspend": "statuses",
    "reinstate": "statuses",
    "supersede": "statuses",
    "freeze": "court",
    "unfreeze": "court",
    "annul": "court",
    "disown": "court",
    "relate": "relating",
    "erase": "erasing",
    "anchor": "outbox",
    "jobs": "outbox",
    "show": "showing",
    "bundle": "showing",
    "verify": "verifying",
    "trust": "trust",
    "ca": "authorities",
    "type": "types",
    "org": "organisations",
    "key": "keys",
    "sign": "signing",
    "signature": "signatures",
    "signer": "signer",
    "login": "login",
    "logout": "login",
    "council": "council",
    "db": "db",
    "backup": "backups",
    "restore": "backups",
    "audit": "auditing",
    "doctor": "upkeep",
    "rebuild": "upkeep",
    "serve": "serving",
    "worker": "serving",
    "token": "tokens",
    "timestamp": "timestamps",
}
"""Command → module of this package whose ``register`` adds it."""


def _options(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="数据文件夹（或 ZHENGYIN_HOME） · data folder")] = None,
    org: Annotated[str | None, typer.Option(help="以哪个机构的名义 · for whom one acts: its credit code")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · results as JSON")] = False,
    lang: Annotated[str | None, typer.Option(help="zh 或 en · language of words: zh or en")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="不显示进度与提示 · no progress and no notes")] = False,
    version: Annotated[bool, typer.Option("--version", help="版本 · version")] = False,
) -> None:
    session: Session = context.obj
    if lang not in (None, "zh", "en"):
        raise typer.BadParameter("zh | en", param_hint="--lang")
    session.fill(home, org, as_json, lang, quiet)
    if version:
        session.result({"version": __version__}, f"zhengyin {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")
        raise typer.Exit(2)


def root(wanted: str | None) -> Any:
    """The tree as one command object: whole, or with no more than the module of the command ``wanted``."""
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=HELP, invoke_without_command=True)(_options)
    alone = MODULES.get(wanted or "")
    for name in dict.fromkeys(MODULES.values()) if alone is None else [alone]:
        import_module(f"ledger.cli.{name}").register(app)
    return typer.main.get_command(app)
