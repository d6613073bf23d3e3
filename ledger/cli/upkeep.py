"""``doctor`` and ``rebuild``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about

DOCTOR = about("检查安装与数据文件夹，并给出处理办法", "check this installation and data folder", "zhengyin doctor")
REBUILD = about("由链与存储段重建索引", "rebuild the rows from chain and segments", "zhengyin rebuild")
_MARKS = {"ok": "✓", "warning": "!", "failed": "✗"}


def register(app: typer.Typer) -> None:
    app.command("doctor", help=DOCTOR)(doctor)
    app.command("rebuild", help=REBUILD)(rebuild)


def doctor(context: typer.Context) -> int:
    session: Session = context.obj
    from ledger.assembly.doctor import examine

    checks = examine(session.home)
    values: list[dict[str, Any]] = [
        {"check": c.name, "outcome": c.outcome, "code": c.code, "zh": c.text("zh"), "en": c.text("en")} for c in checks
    ]
    session.results(values, "\n".join(f"{_MARKS[v['outcome']]} {v['check']}: {v[session.language]}" for v in values))
    return 4 if any(c.outcome == "failed" for c in checks) else 0


def rebuild(
    context: typer.Context,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="只补写索引缺少的批次（恢复旧备份后） · write only the batches that rows lack"),
    ] = False,
    erased: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, metavar="FILE",
            help="恢复旧备份后：备份之后删除的记录，每行一个叶子 · leaves erased after the backup, one a line",
        ),
    ] = None,
) -> int:  # fmt: skip
    session: Session = context.obj
    from ledger.assembly.erased_again import erase_again, read_leaves

    named = () if erased is None else read_leaves(erased)
    with session.app() as app:
        made = app.rebuild(missing or erased is not None)
        again = erase_again(app, named)
    value: dict[str, Any] = {
        "batches": made.batches, "records": made.records, "erased": made.erased,
        "missing": [root.hex() for root in made.missing],
    }  # fmt: skip
    lines = [
        session.words(
            "CLI_REBUILT", batches=made.batches, records=made.records, erased=made.erased, missing=len(made.missing)
        )
    ]
    if again is not None:
        closed = [{"root": root.hex(), "tombstones": count} for root, count in again.closed]
        value |= {"erasedAgain": again.erased, "named": again.named, "closed": closed}
        lines.append(session.words("CLI_ERASED_RESTORED", named=again.named, erased=again.erased))
        lines += [session.words("CLI_ERASED_CLOSED", root=c["root"], count=c["tombstones"]) for c in closed]
    session.result(value, "\n".join(lines))
    return 5 if made.missing else 0
