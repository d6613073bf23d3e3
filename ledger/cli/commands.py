"""The tree of commands. Each group's module holds signatures and words; what does the work is imported when it is asked
for, so ``verify`` never pays for the chain or the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli import (
    council,
    founding,
    importing,
    issuing,
    keys,
    organisations,
    outbox,
    showing,
    statuses,
    trust,
    types,
    upkeep,
    verifying,
)
from ledger.cli.session import Session
from ledger.cli.texts import about

HELP = about(
    "电子证照、电子印章与司法存证的联盟链账本",
    "a permissioned-chain ledger of licenses, e-seals and evidence",
    "zhengyin --home ./demo init --demo",
    "全局选项可写在任何位置。Global options may stand anywhere.",
)


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
        from importlib import metadata

        number = metadata.version("zhengyin")
        session.result({"version": number}, f"zhengyin {number}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")
        raise typer.Exit(2)


def root() -> Any:
    """The whole tree as one command object."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=True)
    app.callback(help=HELP, invoke_without_command=True)(_options)
    for module in (founding, issuing, importing, statuses, outbox, showing, verifying, upkeep):
        module.register(app)
    for module in (council, organisations, keys, types, trust):
        app.add_typer(module.group())
    return typer.main.get_command(app)
