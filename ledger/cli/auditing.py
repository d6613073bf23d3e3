"""``audit``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.progress import progress
from ledger.cli.session import Session
from ledger.cli.texts import about

AUDIT = about(
    "由链、存储段与密钥重新证明每一批次、记录、状态、行与日志，逐项指出不符之处",
    "prove every batch, record, status, row and log entry again from chain, segments and keys; name what differs",
    "zhengyin audit --report audit.json",
    "退出码 Exit codes: 0 全部相符 clean · 1 有不符 something differs · 3 有内容未能判定 something could not be read",
)
SHOWN = 50
"""Findings shown to people; the report has the others."""


def register(app: typer.Typer) -> None:
    app.command("audit", help=AUDIT)(audit)


def audit(
    context: typer.Context,
    since: Annotated[
        int,
        typer.Option(min=0, metavar="BLOCK", help="只重证自该区块起的批次 · only batches anchored from this block on"),
    ] = 0,
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, metavar="FILE", help="完整报告（JSON） · whole report as JSON")
    ] = None,
    accept: Annotated[
        bool,
        typer.Option("--accept-losses", help="恢复后：确认密钥已丢失的记录，解除锁定 · unlock although keys are lost"),
    ] = False,
) -> int:
    session: Session = context.obj
    from ledger.assembly import auditing

    with session.app() as app, progress(session, "CLI_AUDIT_RECORDS") as advance:
        found, unlocked = auditing.audit(app, since, accept, advance)
    value, findings = found.figures() | {"unlocked": unlocked}, [f.to_json() for f in found.findings]
    if report is not None:
        report.write_text(json.dumps(value | {"findings": findings}, ensure_ascii=False, indent=1), "utf-8")
    lines = [session.words("CLI_AUDITED", **value)]
    lines += [f"✗ {f['where']}: {f[session.language]} [{f['code']}]" for f in findings[:SHOWN]]
    if found.differing + found.undetermined > SHOWN:
        lines.append(session.words("CLI_AUDIT_MORE", count=found.differing + found.undetermined - SHOWN))
    if since:
        lines.append(session.words("CLI_AUDIT_SINCE", block=since))
    if unlocked:
        lines.append(session.words("CLI_AUDIT_UNLOCKED"))
    outcome = {0: "CLI_AUDIT_CLEAN", 1: "CLI_AUDIT_DIFFERS", 3: "CLI_AUDIT_OPEN"}[found.exit_code]
    session.result(value | {"findings": findings[:SHOWN]}, "\n".join([*lines, session.words(outcome)]))
    return found.exit_code
