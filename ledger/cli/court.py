"""``freeze`` and ``unfreeze`` by a court; ``annul`` and ``disown`` by two organisations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli import subjects
from ledger.cli.issuing import Wait
from ledger.cli.outbox import say_each, settle
from ledger.cli.session import Session, described
from ledger.cli.statuses import Decision, From, listed
from ledger.cli.subjects import Issuer, Leaf
from ledger.cli.texts import about
from ledger.errors import InputError, ZhengyinError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.services.acting import RecordsAct
    from ledger.services.acts import ActRequest, Requested

FREEZE = about(
    "法院冻结记录：冻结期间不作有效与否的结论，状态不能变更",
    "a court freezes records: meanwhile nothing is decided about them and their status cannot change",
    "zhengyin freeze 1.2.156.3005.2.….001.X --issuer 114401000700000148 --decision 示范〔2026〕执1号",
)
UNFREEZE = about(
    "法院解除冻结",
    "a court lifts its freeze",
    "zhengyin unfreeze 1.2.156.3005.2.….001.X --issuer 114401000700000148 --decision 示范〔2026〕执2号",
)
ANNUL = about(
    "撤销终止决定，恢复记录：须两个机构先后以同样的参数提出",
    "annul the ending of a record: takes effect when a second organisation asks for the same",
    "zhengyin annul 1.2.156.3005.2.….001.X --decision 示范〔2026〕3号",
)
DISOWN = about(
    "否认整个批次（如密钥被盗）：须两个机构先后以同样的参数提出",
    "disown a whole batch, for instance after the theft of a key: takes two organisations",
    "zhengyin disown 1.2.156.3005.2.….001.X --decision 示范〔2026〕4号",
    "ID: 批次的根，或批次中任一记录的标识 · root of the batch, or id of any record in it",
)
Id = Annotated[str | None, typer.Argument(metavar="ID", help="记录标识或叶子 · id of the record, or its leaf in hex")]
Statement = Annotated[
    str | None, typer.Option("--statement", help="要确认的提议的决定书（叶子） · statement of the proposal to confirm")
]


def register(app: typer.Typer) -> None:
    app.command("freeze", help=FREEZE)(freeze)
    app.command("unfreeze", help=UNFREEZE)(unfreeze)
    app.command("annul", help=ANNUL)(annul)
    app.command("disown", help=DISOWN)(disown)


def freeze(
    context: typer.Context, id_: Id = None, leaf: Leaf = None, issuer: Issuer = None, decision: Decision = None,
    source: From = None, wait: Wait = False,
) -> int:  # fmt: skip
    return _court(context.obj, "freeze", id_, leaf, issuer, decision, source, wait)


def unfreeze(
    context: typer.Context, id_: Id = None, leaf: Leaf = None, issuer: Issuer = None, decision: Decision = None,
    source: From = None, wait: Wait = False,
) -> int:  # fmt: skip
    return _court(context.obj, "unfreeze", id_, leaf, issuer, decision, source, wait)


def annul(
    context: typer.Context, id_: Id = None, leaf: Leaf = None, issuer: Issuer = None, decision: Decision = None,
    statement: Statement = None, wait: Wait = False,
) -> int:  # fmt: skip
    session: Session = context.obj
    with session.app() as app:
        app.indexing.run()
        whose, subject = subjects.leaf_of(app, id_, leaf, subjects.organisation(issuer))
        return _pair(session, app, "annul", whose, subject, decision, statement, wait)


def disown(
    context: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="批次的根或其中记录的标识 · root, or id of a record in it")],
    issuer: Issuer = None,
    decision: Decision = None,
    statement: Statement = None,
    wait: Wait = False,
) -> int:
    session: Session = context.obj
    with session.app() as app:
        app.indexing.run()
        whose, root = subjects.batch_of(app, id_, subjects.organisation(issuer))
        return _pair(session, app, "disown", whose, root, decision, statement, wait)


# ---- by a court -----------------------------------------------------------------------------------------------------


def _court(
    session: Session, word: str, id_: str | None, leaf: str | None, issuer: str | None, decision: str | None,
    source: Path | None, wait: bool,
) -> int:  # fmt: skip
    from ledger.services.acting import RecordsAct
    from ledger.services.acts import ActRequest

    if source is not None and (id_ is not None or leaf is not None):
        raise InputError("CLI_ID_OR_FROM")
    act, whose = RecordsAct(word), subjects.organisation(issuer)
    with session.app() as app:
        app.indexing.run()
        actor = session.acting(app)
        if source is not None:
            return _many(session, app, actor, act, source, whose, decision, wait)
        request = ActRequest(act, *subjects.leaf_of(app, id_, leaf, whose), decision)
        (done,) = app.acts.request(actor, [request])
        code = settle(session, app, wait)
        value = _value(done) | {"id": id_}
        session.result(value, session.words(f"CLI_ACT_{word.upper()}", id=id_ or leaf, actor=actor))
        return code


def _many(
    session: Session, app: App, actor: str, act: RecordsAct, source: Path, issuer: str | None, decision: str | None,
    wait: bool,
) -> int:  # fmt: skip
    """Each line is checked by itself; those that hold are accepted together, the others are said."""
    from ledger.services.acts import ActRequest

    requests: list[ActRequest] = []
    results: list[dict[str, Any]] = []
    for line, id_, _ in listed(source, False):
        result: dict[str, Any] = {"line": line, "id": id_}
        results.append(result)
        try:
            request = ActRequest(act, *subjects.leaf_of(app, id_, None, issuer), decision)
            app.acts.check(actor, request)
            if request in requests:
                raise InputError("CLI_ID_TWICE")
            requests.append(request)
            result["act"] = act.value
        except ZhengyinError as e:
            result["error"] = described(e)
    if requests:
        app.acts.request(actor, requests)
    code = settle(session, app, wait) if requests else 0
    return say_each(session, results, code)


# ---- by two organisations -------------------------------------------------------------------------------------------


def _pair(
    session: Session, app: App, word: str, issuer: str, subject: bytes, decision: str | None, statement: str | None,
    wait: bool,
) -> int:  # fmt: skip
    """Propose, or confirm what another organisation has proposed; then say who may be the second."""
    from ledger.services import acting
    from ledger.services.acts import ActRequest

    act, actor = acting.RecordsAct(word), session.acting(app)
    named = subjects.digest(statement, "--statement") if statement else None
    (done,) = app.acts.request(actor, [ActRequest(act, issuer, subject, decision, named)])
    code = settle(session, app, wait)
    with app.store.read() as unit:
        # a first organisation that has lost its right since leaves this one alone
        alone = any(
            (p.statement, p.actor) == (done.statement, actor) for p in acting.waiting(unit, act, issuer, subject)
        )
        waits = alone or done.confirms is None
        others = acting.seconds(unit, issuer, actor, int(app.clock())) if waits else []
    value = _value(done) | {
        "confirms": done.confirms.actor if done.confirms else None,
        "waits": waits,
        "mayConfirm": [{"organisation": o, "as": role} for o, role in others],
    }
    session.result(value, _pair_text(session, done, waits, others))
    return code


def _pair_text(session: Session, done: Requested, waits: bool, others: list[tuple[str, str]]) -> str:
    word, leaf = done.request.act.value.upper(), done.statement.hex()
    if done.confirms is not None and not waits:
        return session.words(f"CLI_ACT_{word}_CONFIRMED", first=done.confirms.actor, statement=leaf)
    roles = [f"{o}（{session.words(f'WORD_CAPACITY_{role.upper()}')}）" for o, role in others]
    lines = [session.words(f"CLI_ACT_{word}_WAITS", statement=leaf)]
    lines += [session.words("CLI_ACT_MAY_CONFIRM", organisations="、".join(roles) or "–")]
    return "\n".join(lines)


def _value(done: Requested) -> dict[str, Any]:
    r = done.request
    subject = "root" if r.act.value == "disown" else "leaf"
    return {"act": r.act.value, "issuer": r.issuer, subject: r.subject.hex(), "statement": done.statement.hex()}
