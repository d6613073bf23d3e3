"""``revoke``, ``suspend``, ``reinstate``, ``supersede``: changes of status, one at a time or from a CSV of ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.issuing import Wait
from ledger.cli.outbox import say_each, settle
from ledger.cli.session import Session, described
from ledger.cli.subjects import DIGEST, Issuer, organisation
from ledger.cli.texts import about
from ledger.errors import InputError, NotFoundError, ZhengyinError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.services.statuses import ChangeRequest

ID_COLUMNS = ("id", "标识", "证照标识", "电子证照标识")
BY_COLUMNS = ("by", "新标识", "新证照标识")

Id = Annotated[str | None, typer.Argument(metavar="ID", help="记录标识 · id of the record")]
Reason_ = Annotated[str | None, typer.Option("--reason", help="原因代码 · word of the reason registry, e.g. cancelled")]
Effective = Annotated[
    str | None, typer.Option("--effective", help="生效时间，默认现在 · effective instant; default: now")
]
Decision = Annotated[str | None, typer.Option("--decision", help="决定文号 · reference of the decision")]
From = Annotated[
    Path | None, typer.Option("--from", exists=True, dir_okay=False, help="标识清单（CSV） · CSV with a column of ids")
]
By = Annotated[str | None, typer.Option("--by", help="新证照的标识 · id of the new record")]


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked: the state's word, and the rest as typed."""

    state: str
    reason: str
    effective: str | None
    decision: str | None
    wait: bool
    issuer: str | None


def register(app: typer.Typer) -> None:
    for name, function, zh, en, default in (
        ("revoke", revoke, "撤销、注销或吊销：不可恢复", "revoke: it ends for good", "--reason cancelled"),
        (
            "suspend",
            suspend,
            "暂停：可以恢复",
            "suspend: can be reinstated",
            "--reason detained --decision 示范〔2026〕1号",
        ),
        ("reinstate", reinstate, "恢复已暂停的记录", "reinstate a suspended record", "--reason returned"),
        ("supersede", supersede, "由新证照替换", "superseded by a newer record", "--by 1.2.156.3005.2.….002.X"),
    ):
        app.command(name, help=about(zh, en, f"zhengyin {name} 1.2.156.3005.2.….001.X {default}"))(function)


def revoke(
    context: typer.Context, id_: Id = None, reason: Reason_ = None, effective: Effective = None,
    decision: Decision = None, source: From = None, issuer: Issuer = None, wait: Wait = False,
) -> int:  # fmt: skip
    return _change(
        context.obj, _Order("revoked", reason or "unspecified", effective, decision, wait, issuer), id_, None, source
    )


def suspend(
    context: typer.Context, id_: Id = None, reason: Reason_ = None, effective: Effective = None,
    decision: Decision = None, source: From = None, issuer: Issuer = None, wait: Wait = False,
) -> int:  # fmt: skip
    return _change(
        context.obj, _Order("suspended", reason or "unspecified", effective, decision, wait, issuer), id_, None, source
    )


def reinstate(
    context: typer.Context, id_: Id = None, reason: Reason_ = None, effective: Effective = None,
    decision: Decision = None, source: From = None, issuer: Issuer = None, wait: Wait = False,
) -> int:  # fmt: skip
    return _change(
        context.obj, _Order("active", reason or "unspecified", effective, decision, wait, issuer), id_, None, source
    )


def supersede(
    context: typer.Context, id_: Id = None, by: By = None, reason: Reason_ = None, effective: Effective = None,
    decision: Decision = None, source: From = None, issuer: Issuer = None, wait: Wait = False,
) -> int:  # fmt: skip
    return _change(
        context.obj, _Order("superseded", reason or "renewed", effective, decision, wait, issuer), id_, by, source
    )


def _change(session: Session, order: _Order, id_: str | None, by: str | None, source: Path | None) -> int:
    if (id_ is None) == (source is None) or (by is not None and source is not None):
        raise InputError("CLI_ID_OR_FROM")
    with session.app() as app:
        actor = session.acting(app)
        if order.issuer is not None:
            app.indexing.run()  # who succeeds whom stands on the chain
        if source is None:
            return _one(session, app, actor, order, id_ or "", by)
        return _many(session, app, actor, order, source)


def _one(session: Session, app: App, actor: str, order: _Order, id_: str, by: str | None) -> int:
    issuer = organisation(order.issuer) or actor
    leaves = leaves_of(app, issuer, [id_, *([by] if by else [])])
    (statement,) = app.statuses.request(actor, [_orders(app, issuer, order, leaves)(id_, by)])
    code = settle(session, app, order.wait)
    session.result(
        {"id": id_, "state": order.state, "statement": statement.hex()},
        session.words("CLI_STATUS_ACCEPTED", id=id_, state=session.words(f"WORD_STATE_{order.state.upper()}")),
    )
    return code


def _many(session: Session, app: App, actor: str, order: _Order, source: Path) -> int:
    """Each line is checked by itself; those that hold are accepted together, the others are said."""
    lines = listed(source, order.state == "superseded")
    results: list[dict[str, Any]] = [{"line": line, "id": id_} for line, id_, _ in lines]
    requests = _sound(app, organisation(order.issuer) or actor, order, lines, results)
    if requests:
        app.statuses.request(actor, requests)
    code = settle(session, app, order.wait) if requests else 0
    return say_each(session, results, code)


def _sound(
    app: App, issuer: str, order: _Order, lines: list[tuple[int, str, str | None]], results: list[dict[str, Any]]
) -> list[ChangeRequest]:
    """Those that hold; ``results`` gets the state of each, or why it is refused."""
    leaves = leaves_of(app, issuer, [name for _, id_, by in lines for name in (id_, by) if name])
    ask = _orders(app, issuer, order, leaves)
    asked: list[tuple[dict[str, Any], ChangeRequest]] = []
    for result, (_, id_, by) in zip(results, lines, strict=True):
        try:
            asked.append((result, ask(id_, by)))
        except ZhengyinError as e:
            result["error"] = described(e)
    found: dict[bytes, ChangeRequest] = {}
    for (result, request), refusal in zip(asked, app.statuses.check_each([r for _, r in asked]), strict=True):
        problem = refusal or (InputError("CLI_ID_TWICE") if request.leaf in found else None)
        if problem is not None:
            result["error"] = described(problem)
            continue
        found[request.leaf] = request
        result["state"] = order.state
    return list(found.values())


def _orders(
    app: App, issuer: str, order: _Order, leaves: Mapping[str, bytes]
) -> Callable[[str, str | None], ChangeRequest]:
    """What makes a request of an id and its successor's; ``leaves``: of ids. One order takes effect at one instant.

    Raises:
        InputError: CLI_INSTANT. What is returned raises NotFoundError RECORD_UNKNOWN; InputError REGISTRY_UNKNOWN,
            CLI_REASON_RESERVED.
    """
    from ledger.cli.values import instant
    from ledger.core.registries import Reason, State
    from ledger.services.statuses import ChangeRequest

    effective = instant(order.effective) if order.effective else int(app.clock())

    def leaf(id_: str) -> bytes:
        if id_ not in leaves:
            raise NotFoundError("RECORD_UNKNOWN")
        return leaves[id_]

    def ask(id_: str, by: str | None) -> ChangeRequest:
        reason, state = Reason.of_word(order.reason, "--reason"), State.of_word(order.state, "state")
        if reason is Reason.SET_ASIDE:  # the contract would refuse it, after the statement was signed
            raise InputError("CLI_REASON_RESERVED", reason=reason.word)
        successor = leaf(by) if by else None
        return ChangeRequest(issuer, leaf(id_), state, effective, reason, order.decision, successor)

    return ask


def leaves_of(app: App, issuer: str, ids: Sequence[str]) -> dict[str, bytes]:
    """Of each id, or leaf in digits, the leaf of the issuer's newest record; without those that are unknown."""
    names = {app.index_key.id(id_): id_ for id_ in ids if not DIGEST.fullmatch(id_)}
    with app.store.read() as unit:
        found = {names[key]: leaf for key, leaf in unit.records.newest_leaves(issuer, list(names)).items()}
        for id_ in filter(DIGEST.fullmatch, ids):
            row = unit.records.by_leaf(bytes.fromhex(id_))
            if row is not None and row.issuer == issuer:
                found[id_] = row.leaf
    return found


def listed(source: Path, with_successor: bool) -> list[tuple[int, str, str | None]]:
    """(line, id, successor's id) of a CSV. Raises InputError CSV_…, CLI_ID_COLUMN."""
    from ledger.core.cells import narrowed, trimmed
    from ledger.core.spreadsheet import open_csv

    with source.open("rb") as stream:
        lines = open_csv(stream)
        _, header = next(lines)
        names = [trimmed(name) for name in header]
        at = next((i for i, n in enumerate(names) if n in ID_COLUMNS), None)
        new = next((i for i, n in enumerate(names) if n in BY_COLUMNS), None) if with_successor else None
        if at is None or (with_successor and new is None):
            raise InputError("CLI_ID_COLUMN", columns=" / ".join(BY_COLUMNS if at is not None else ID_COLUMNS))

        def cell(row: list[str], place: int | None) -> str:
            return narrowed(trimmed(row[place])) if place is not None and place < len(row) else ""

        return [(line, cell(row, at), cell(row, new) or None) for line, row in lines]
