"""``issue`` and ``deposit``: one record at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.outbox import settle
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.services.issuing import Accepted

ISSUE = about(
    "签发一条记录；数值的写法与表格单元格相同",
    "issue one record; values are written as in a table's cell",
    "zhengyin issue business-license --serial 0001 --set 名称=示范商贸有限公司 --set creditCode=91440100…",
)
DEPOSIT = about(
    "存证：以文件摘要登记电子证据",
    "deposit judicial evidence: one record over the digests of files",
    "zhengyin deposit contract.pdf chat.zip --source 当事人提交",
)
Wait = Annotated[bool, typer.Option("--wait", help="等待上链完成 · wait until anchored")]
FileArguments = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="文件 · files")]


def register(app: typer.Typer) -> None:
    app.command("issue", help=ISSUE)(issue)
    app.command("deposit", help=DEPOSIT)(deposit)


def issue(
    context: typer.Context,
    type_name: Annotated[str, typer.Argument(metavar="TYPE", help="类型名称或代码 · name or code of the type")],
    values: Annotated[list[str], typer.Option("--set", help="字段=值 · field=value, repeatable")],
    id_: Annotated[str | None, typer.Option("--id", help="完整的证照标识 · whole GB/T 36904 identifier")] = None,
    serial: Annotated[
        str | None, typer.Option(help="流水号，由此生成标识 · serial to make the identifier from")
    ] = None,
    files: Annotated[
        list[Path] | None, typer.Option("--file", exists=True, dir_okay=False, help="附件 · attached file")
    ] = None,
    supersedes: Annotated[str | None, typer.Option(help="被替换的证照标识 · id of the record it replaces")] = None,
    wait: Wait = False,
) -> int:
    session: Session = context.obj
    from ledger.crypto.digests import digest_path
    from ledger.services.forms import parse

    with session.app() as app:
        issuer, definition = session.acting(app), app.types.get(type_name)
        row = parse(definition, assigned(values), issuer, id_=id_, serial=serial, supersedes=supersedes)
        accepted = app.issuing.issue(
            issuer,
            definition,
            row.values,
            id_=row.identifier,
            valid=(row.valid_from, row.valid_until),
            files=[digest_path(f) for f in files or ()],
            supersedes=row.supersedes,
        )
        return say_accepted(session, app, accepted, wait)


def deposit(
    context: typer.Context,
    files: FileArguments,
    source: Annotated[str, typer.Option(help="来源 · where the files come from")],
    title: Annotated[str | None, typer.Option(help="证据名称，默认为文件名 · title; default: the files' names")] = None,
    submitter: Annotated[
        str | None, typer.Option(help="提交人，默认为本机构 · submitter; default: this office")
    ] = None,
    method: Annotated[str, typer.Option(help="取证方式 · method of collection")] = "直接提交",
    collected: Annotated[
        str | None, typer.Option(help="取证日期，默认今天 · date of collection; default: today")
    ] = None,
    wait: Wait = False,
) -> int:
    session: Session = context.obj
    from ledger.cli.values import today
    from ledger.core.registries import Kind
    from ledger.services.forms import parse

    with session.app() as app:
        depositor, definition = session.acting(app), app.types.of_kind(Kind.EVIDENCE)
        named = {
            "title": title or "、".join(f.name for f in files),
            "source": source,
            "submitter": submitter or depositor,
            "collectedAt": collected or today(app.clock()),
            "method": method,
        }
        row = parse(definition, named, depositor)
        return say_accepted(session, app, app.issuing.deposit(depositor, definition, files, row.values), wait)


def say_accepted(session: Session, app: App, accepted: Accepted, wait: bool) -> int:
    """Tell what was accepted, and with ``wait`` what became of it. Returns the exit code."""
    value: dict[str, Any] = {"id": accepted.id, "leaf": accepted.leaf.hex()}
    code = settle(session, app, wait)
    if wait:
        value["anchored"] = code == 0
    session.result(value, accepted.id)
    return code


def assigned(pairs: list[str]) -> dict[str, str]:
    """``name=value`` pairs. Raises InputError CLI_SET with the place, never with the value."""
    found: dict[str, str] = {}
    for number, pair in enumerate(pairs, 1):
        name, equals, value = pair.partition("=")
        if not equals or not name or name in found:
            raise InputError("CLI_SET", number=number)
        found[name] = value
    return found
