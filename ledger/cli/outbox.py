"""``anchor`` and ``jobs``: driving what is accepted to its receipt, and seeing where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session, described
from ledger.cli.texts import about, table
from ledger.errors import UnavailableError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.services.outbox import Pass

ANCHOR = about(
    "签名并上链所有已受理的记录与状态变更",
    "sign and anchor everything accepted, and send changes of status",
    "zhengyin anchor --wait",
)
JOBS = about("导入任务、批次与待办", "imports, batches and what is still open", "zhengyin jobs --json")
ONE_LOOK = 1.0
"""Seconds that ``anchor`` works without ``--wait``."""


def register(app: typer.Typer) -> None:
    app.command("anchor", help=ANCHOR)(anchor)
    app.command("jobs", help=JOBS)(jobs)


def anchor(
    context: typer.Context,
    wait: Annotated[bool, typer.Option("--wait", help="等待全部完成 · wait until all is done")] = False,
    retry: Annotated[
        bool,
        typer.Option("--retry", help="原因排除后，重试被合约拒绝的批次 · try refused batches again, the cause mended"),
    ] = False,
) -> int:
    session: Session = context.obj
    with session.app() as app:
        before = _receipted(app)
        if retry:
            app.outbox.retry_refused()
        code, done = drive(session, app, wait)
        count = _receipted(app) - before
    left = done.open if done else None
    problems = [described(p) for p in done.problems] if done else []
    refused = [described(p) for p in done.refused] if done else []
    text = session.words("CLI_ANCHORED", batches=count)
    if left or left is None:
        text += "\n" + session.words("CLI_ANCHOR_OPEN", open="?" if left is None else left)
    session.result({"receipted": count, "open": left, "problems": problems, "refused": refused}, text)
    return code


def settle(session: Session, app: App, wait: bool) -> int:
    """After a command that accepted something: wait for everything, or say that it waits. Returns the exit code."""
    if wait:
        return drive(session, app, wait=True)[0]
    session.note("CLI_ACCEPTED_WAITS")
    return 0


def say_each(session: Session, results: Sequence[dict[str, Any]], code: int) -> int:
    """Tell of a list, whose lines were accepted together, which were refused: they have an ``error``. ``code``: of what
    came after. Returns the exit code."""
    refused = [result for result in results if "error" in result]
    lines = [session.words("CLI_STATUS_MANY", done=len(results) - len(refused), refused=len(refused))]
    lines += [session.words("CLI_IMPORT_ROW", line=r["line"], reason=r["error"][session.language]) for r in refused]
    session.results(list(results), "\n".join(lines))
    return 5 if refused else code


def drive(session: Session, app: App, wait: bool) -> tuple[int, Pass | None]:
    """Run the outbox: until nothing is on its way, or as far as one look gets. What the contract refused is said and
    not waited for.

    Raises:
        UnavailableError: OUTBOX_LEASE_HELD; OUTBOX_TIMEOUT only where all was to be waited for.
    """
    from ledger.cli.progress import progress

    with progress(session, "CLI_STEPS") as advance:
        try:
            seconds = app.settings.anchor_timeout if wait else ONE_LOOK
            done = app.outbox.drain(seconds, lambda found: advance(found.moved), idle=wait)
        except UnavailableError as e:
            if wait or e.code != "OUTBOX_TIMEOUT":
                raise
            return 0, None
    for problem in done.problems:
        session.note("CLI_HELD_BACK", reason=problem.text(session.language), code=problem.code)
    for refusal in done.refused:
        session.note("CLI_REFUSED", reason=refusal.text(session.language), code=refusal.code)
    return (5 if done.problems or done.refused else 0), done


def _receipted(app: App) -> int:
    with app.store.read() as unit:
        return len(unit.batches.in_states(("receipted",)))


def jobs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="最多显示的行数 · rows shown at most")] = 20,
) -> int:
    session: Session = context.obj
    with session.app() as app, app.store.read() as unit:
        imports = [
            {
                "job": j.row, "state": j.state, "source": j.source_name, "type": j.type, "issuer": j.issuer,
                "rows": j.rows_done, "new": j.new, "existing": j.existing, "refused": j.refused,
            }
            for j in unit.jobs.newest(limit)
        ]  # fmt: skip
        batches = [
            {
                "batch": b.row, "state": b.state, "kind": b.kind.word, "issuer": b.issuer, "size": b.size,
                "root": b.root.hex(), "sequence": b.sequence, "block": b.block, "problem": b.problem,
            }
            for b in unit.batches.newest(limit)
        ]  # fmt: skip
        waiting = [{"issuer": i, "kind": k.word, "records": n} for i, k, n in unit.records.waiting()]
        tables = (unit.intents, unit.acts)
        changes = sum(len(table.in_states(("accepted", "ready", "sent"))) for table in tables)
        refused = sum(len(table.in_states(("refused",))) for table in tables)
    value: dict[str, Any] = {
        "imports": imports, "batches": batches, "waiting": waiting,
        "statusChanges": {"open": changes, "refused": refused},
    }  # fmt: skip
    session.result(value, _jobs_text(session, value))
    return 0


def _jobs_text(session: Session, value: dict[str, Any]) -> str:
    parts = []
    if value["imports"]:
        shown = ("job", "state", "source", "new", "existing", "refused")
        parts.append(table([shown, *[[j[k] for k in shown] for j in value["imports"]]]))
    if value["batches"]:
        shown = ("batch", "state", "kind", "issuer", "size", "block")
        parts.append(table([shown, *[["–" if b[k] is None else b[k] for k in shown] for b in value["batches"]]]))
        parts += [f"{b['batch']}: {b['problem']}" for b in value["batches"] if b["problem"]]
    waiting, changes = sum(w["records"] for w in value["waiting"]), value["statusChanges"]
    parts.append(session.words("CLI_JOBS_OPEN", records=waiting, changes=changes["open"], refused=changes["refused"]))
    return "\n\n".join(parts)
