"""``relate``: an organisation says in public that it countersigns a record, takes custody of it or decides on it."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.cli import subjects
from ledger.cli.court import Id
from ledger.cli.issuing import Wait
from ledger.cli.outbox import settle
from ledger.cli.session import Session
from ledger.cli.statuses import Decision
from ledger.cli.subjects import Issuer, Leaf
from ledger.cli.texts import about
from ledger.errors import InputError

RELATE = about(
    "关联记录：会签、接收保管或作出裁判决定；先签发并上链一条说明，再在链上指明它",
    "relate to a record: countersign it, take custody of it, decide on it; a signed record says so, the chain names it",
    "zhengyin --org 1144010007000201X4 relate urn:zhengyin:… --as decidesOn --decision 示范〔2026〕民初1号 --wait",
    "ID: 所关联的记录；--as: countersigns、takesCustodyOf、decidesOn",
)
As = Annotated[
    str,
    typer.Option("--as", metavar="RELATION", help="关联：countersigns、takesCustodyOf、decidesOn · which relation"),
]
Text = Annotated[str | None, typer.Option("--text", help="会签意见、接收说明或决定内容 · what is said, in words")]


def register(app: typer.Typer) -> None:
    app.command("relate", help=RELATE)(relate)


def relate(
    context: typer.Context, as_: As, id_: Id = None, leaf: Leaf = None, issuer: Issuer = None,
    decision: Decision = None, text: Text = None, wait: Wait = False,
) -> int:  # fmt: skip
    from ledger.services.acting import RELATING
    from ledger.services.acts import ActRequest

    session: Session = context.obj
    act = next((a for a in RELATING if a.value == as_), None)
    if act is None:
        raise InputError("CLI_RELATION_UNKNOWN", relation=as_, known=", ".join(a.value for a in RELATING))
    whose = subjects.organisation(issuer)
    with session.app() as app:
        app.indexing.run()
        actor = session.acting(app)
        target = subjects.leaf_of(app, id_, leaf, whose)
        (done,) = app.acts.request(actor, [ActRequest(act, *target, decision, content=text)])
        code = settle(session, app, wait)
        value = {
            "act": act.value, "issuer": target[0], "leaf": target[1].hex(), "statement": done.statement.hex(),
        }  # fmt: skip
        relation = session.words(f"WORD_RELATION_{act.value.upper()}")
        name = id_ or leaf
        session.result(
            value | {"id": id_},
            session.words("CLI_RELATE", id=name, actor=actor, relation=relation, statement=value["statement"]),
        )
        return code
