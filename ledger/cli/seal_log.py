"""``seal log``: how often a seal was used, by day; and the uses of one day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.services.seals import RegisteredSeal

LOG = about(
    "用印记录：按日计数；--day 列出某日的每一次用印",
    "uses of a seal: counts by day; --day lists those of one day",
    "zhengyin seal log Seal.esl --day 2026-05-01",
    "SEAL：印章文件，或其登记记录的标识、叶子。A seal file, or id or leaf of its record.",
)


def register(app: typer.Typer) -> None:
    app.command("log", help=LOG)(log)


def log(
    context: typer.Context,
    seal: Annotated[str, typer.Argument(metavar="SEAL", help="印章文件、标识或叶子 · seal file, id or leaf")],
    day: Annotated[str | None, typer.Option(help="列出这一天的用印 · list the uses of this day")] = None,
    since: Annotated[str | None, typer.Option("--from", help="计数的第一天 · first day counted")] = None,
    until: Annotated[str | None, typer.Option("--until", help="计数的最后一天 · last day counted")] = None,
    after: Annotated[int, typer.Option(min=0, help="从上次列到的位置继续 · go on from there")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多列出 · most that are listed")] = 100,
) -> int:
    session: Session = context.obj
    from ledger.core.seal_uses import day_named

    if day is not None and (since or until):
        raise InputError("CLI_SEAL_LOG_DAYS")
    one, *days = [None if text is None else day_named(text) for text in (day, since, until)]
    with session.app() as app:
        found = find(app, seal)
        named = {"seal": found.leaf.hex(), "name": found.name, "holder": found.holder}
        if one is not None:
            return _list(session, app, named, found, one, after, limit)
        counts = app.seals.counts(found, *days)
    total = sum(count for _, count in counts)
    lines = [session.words("CLI_SEAL_LOG", name=found.name, count=total)]
    lines += [session.words("CLI_SEAL_LOG_DAY", day=name, count=count) for name, count in counts]
    value = named | {"uses": total, "days": [{"day": name, "uses": count} for name, count in counts]}
    session.result(value, "\n".join(lines))
    return 0


def find(app: App, seal: str) -> RegisteredSeal:
    """A seal by its file, or by id or leaf of its record. Raises NotFoundError SEAL_UNKNOWN; ConflictError
    SEAL_AMBIGUOUS."""
    from ledger.crypto.digests import digest_path

    path = Path(seal)
    if not path.is_file():
        return app.seals.find(seal)
    found = app.seals.of_file(digest_path(path).sha256)
    if not found:
        raise NotFoundError("SEAL_UNKNOWN")
    return found[-1]


def _list(
    session: Session, app: App, named: dict[str, Any], seal: RegisteredSeal, day: int, after: int, limit: int
) -> int:
    from ledger.core.seal_uses import name_of

    page = app.seals.uses(seal, day, after, limit)
    uses = [use.to_json() for use in page.uses]
    lines = [session.words("CLI_SEAL_LOG", name=seal.name, count=page.count)]
    lines += [_line(session, use) for use in uses]
    if page.next is not None:
        lines.append(session.words("CLI_SEAL_LOG_MORE", after=page.next))
    value = named | {"day": name_of(day), "uses": page.count, "list": uses, "next": page.next}
    session.result(value, "\n".join(lines))
    return 0


def _line(session: Session, use: dict[str, Any]) -> str:
    from ledger.verification.words import instant

    if use["usedAt"] is None:
        return session.words("CLI_SEAL_LOG_ERASED", leaf=use["leaf"])
    return f"{instant(use['usedAt'])}  {use['reason']}  {use['documentSha256'][:16]}…  {use['operator']}  {use['id']}"
