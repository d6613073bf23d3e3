"""``erase``: one person's record, for good."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ledger.cli.outbox import settle
from ledger.cli.session import Session
from ledger.cli.showing import find
from ledger.cli.texts import about
from ledger.errors import InputError

ERASE = about(
    "依法删除一条记录的内容：密钥销毁，不可恢复；以删除凭证上链存证",
    "erase the content of a record for good: its key is destroyed, a tombstone is anchored",
    "zhengyin erase 1.2.156.3005.2.….001.X --reason consentWithdrawn --decision 粤登删〔2027〕1号",
    "原因 Reasons: purposeEnded 目的已实现或不再必要 · retentionEnded 保存期满 · consentWithdrawn 撤回同意 · "
    "unlawful 违法处理 · ordered 依裁判或决定。"
    "持有人手中的证明包仍可核验。A bundle that the holder keeps can still be verified.",
)
TAIL = 4
"""Last characters of what is erased, that a person types to confirm."""


def register(app: typer.Typer) -> None:
    app.command("erase", help=ERASE)(erase)


def erase(
    context: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="记录标识或叶子 · id of the record, or its leaf in hex")],
    reason: Annotated[str, typer.Option(help="原因代码，写入删除凭证 · reason, as above")],
    decision: Annotated[
        str | None, typer.Option(help="决定文号，公开，不得含个人信息 · number of the decision: public, names nobody")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="不再询问 · do not ask")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="等待上链完成 · wait until anchored")] = False,
) -> int:
    session: Session = context.obj
    from ledger.core.tombstones import ErasureReason

    cause = ErasureReason.of_word(reason, "--reason")
    if decision is not None and not 0 < len(decision) <= 128:
        raise InputError("CLI_ERASE_DECISION", length=len(decision))
    with session.app() as app:
        issuer = session.acting(app)
        row = find(app, id_, issuer)
        if not yes:
            _confirm(session, id_)
        done = app.erasing.erase(issuer, row.leaf, cause, decision)
        code = settle(session, app, wait)
    session.note("CLI_ERASED_BACKUPS")
    value = {
        "leaf": done.leaf.hex(), "tombstone": done.tombstone, "statements": done.statements, "again": done.again,
    }  # fmt: skip
    session.result(value, session.words("CLI_ERASED_AGAIN" if done.again else "CLI_ERASED", **value))
    return code


def _confirm(session: Session, id_: str) -> None:
    """Raises InputError CLI_ERASE_UNCONFIRMED: nobody there to ask, or something else was typed."""
    if sys.stdin.isatty():
        sys.stderr.write(session.words("CLI_ERASE_CONFIRM", tail=id_[-TAIL:]) + "\n")
        if sys.stdin.readline().strip() == id_[-TAIL:]:
            return
    raise InputError("CLI_ERASE_UNCONFIRMED")
