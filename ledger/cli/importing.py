"""``import``: a CSV in bulk, with a report of one line a row."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.outbox import settle
from ledger.cli.session import Session, described
from ledger.cli.texts import about
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.services.import_rows import RowOutcome
    from ledger.services.importing import ImportResult

IMPORT = about(
    "从 CSV 批量导入；中断后再次运行即可继续，不会重复签发",
    "import a CSV in bulk; after an interruption run it again: no row is issued twice",
    "zhengyin import licenses.csv --type business-license --files ./pdf --report report.csv",
)
SHOWN = 10
"""Refused rows shown on the screen; the report has them all."""


def register(app: typer.Typer) -> None:
    app.command("import", help=IMPORT)(import_)


def import_(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="CSV")],
    type_name: Annotated[str, typer.Option("--type", help="类型名称或代码 · name or code of the type")],
    check: Annotated[bool, typer.Option("--check", help="只检查，不写入 · check only, write nothing")] = False,
    report: Annotated[Path | None, typer.Option(dir_okay=False, help="报告文件（CSV） · report file")] = None,
    codes: Annotated[
        bool, typer.Option("--codes", help="报告中加核验码，须保密 · verification codes in the report: keep it secret")
    ] = False,
    files: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="附件所在文件夹 · folder of attached files")
    ] = None,
    taken_over: Annotated[bool, typer.Option("--taken-over", help="存量证照接管 · from an older system")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="等待上链完成 · wait until anchored")] = False,
) -> int:
    session: Session = context.obj
    if report and report.exists() and report.samefile(source):
        raise InputError("CLI_REPORT_IS_SOURCE")  # it would be emptied before it is read
    if codes and not report:
        raise InputError("CLI_CODES_REPORT")
    from ledger.cli.progress import progress
    from ledger.services.import_reports import ReportFile, with_column
    from ledger.services.import_rows import REFUSED, ImportRequest

    with session.app() as app, ExitStack() as stack:
        request = ImportRequest(
            session.acting(app),
            app.types.get(type_name),
            source,
            files or source.parent,
            "takenOver" if taken_over else "issued",
            check,
        )
        told = partial(app.codes.of_ids, request.issuer, request.definition.kind) if codes else None
        written = stack.enter_context(ReportFile(report, told)) if report else None
        advance = stack.enter_context(progress(session, "CLI_ROWS"))
        problems: list[dict[str, Any]] = []

        def take(outcomes: Sequence[RowOutcome]) -> None:
            if written:
                written.write(outcomes)
            for o in outcomes:
                if o.outcome == REFUSED and o.problem and len(problems) < SHOWN:
                    words = {"zh": with_column(o.problem, "zh"), "en": with_column(o.problem, "en")}
                    problems.append({"line": o.line, **described(o.problem), **words})
            advance(len(outcomes))

        result = app.logged_importing.run(request, take)
        if result.unused:
            session.note("CLI_IMPORT_UNUSED", columns="、".join(result.unused))
        code = settle(session, app, wait) if wait and not check else 0
        if not wait and not check and result.counts["new"]:
            session.note("CLI_ACCEPTED_WAITS")
    _show(session, result, problems, check, report)
    return 5 if result.counts[REFUSED] else code


def _show(
    session: Session, result: ImportResult, problems: list[dict[str, Any]], check: bool, report: Path | None
) -> None:
    from ledger.services.import_rows import EXISTING, NEW, REFUSED

    counts = {name: result.counts[name] for name in (NEW, EXISTING, REFUSED)}
    lines = [session.words("CLI_IMPORT_CHECKED" if check else "CLI_IMPORT_DONE", **counts)]
    for problem in problems:
        lines.append(session.words("CLI_IMPORT_ROW", line=problem["line"], reason=problem[session.language]))
    if result.counts[REFUSED] > len(problems):
        lines.append(session.words("CLI_IMPORT_MORE", count=result.counts[REFUSED] - len(problems)))
    value = {"job": result.job, "check": check, **counts, "unused": list(result.unused), "problems": problems}
    session.result(value | {"report": str(report) if report else None}, "\n".join(lines))
