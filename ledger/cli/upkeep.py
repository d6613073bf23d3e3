"""``doctor`` and ``rebuild``."""

from __future__ import annotations

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
) -> int:
    session: Session = context.obj
    with session.app() as app:
        made = app.rebuild(missing)
    value = {
        "batches": made.batches, "records": made.records, "erased": made.erased,
        "missing": [root.hex() for root in made.missing],
    }  # fmt: skip
    session.result(
        value,
        session.words(
            "CLI_REBUILT", batches=made.batches, records=made.records, erased=made.erased, missing=len(made.missing)
        ),
    )
    return 5 if made.missing else 0
