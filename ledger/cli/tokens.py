"""``token``: who may use the service, for whom, to do what, until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about, table

if TYPE_CHECKING:
    from ledger.ports.access import TokenRow

GROUP = about("服务令牌", "tokens of the service", "zhengyin token list")
ADD = about(
    "生成令牌；只显示这一次",
    "make a token; it is shown this once",
    "zhengyin token add --label 一号窗口 --action issue --action read --valid 90d",
    "权限 actions: issue 签发与导入, status 状态变更, read 查询, deposit 存证, audit 审计, login 证书登录, "
    "crypto 密码服务, operate 运维",
)
REVOKE = about("撤销令牌，立即生效", "revoke a token at once", "zhengyin token revoke 0a1b2c3d4e5f")
LIST = about("列出令牌（不含密钥）", "list tokens, without their secrets", "zhengyin token list --json")


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="token", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("add", help=ADD)(add)
    app.command("revoke", help=REVOKE)(revoke)
    app.command("list", help=LIST)(list_)
    root.add_typer(app)


def add(
    context: typer.Context,
    actions: Annotated[list[str], typer.Option("--action", help="权限，可重复 · action, repeatable")],
    organisations: Annotated[
        list[str] | None, typer.Option("--for", help="机构代码，可重复，默认本机构 · organisation, repeatable")
    ] = None,
    label: Annotated[str, typer.Option(help="说明，勿填个人信息 · what it is for; nothing personal")] = "",
    valid: Annotated[str, typer.Option(help="有效期，如 90d、12h · how long")] = "90d",
) -> int:
    session: Session = context.obj
    from ledger.cli.values import duration

    seconds = duration(valid)
    with session.app() as app:
        row, token = app.access.add(label, organisations or [session.acting(app)], actions, seconds)
    session.note("CLI_TOKEN_ONCE")
    session.result(_shown(row) | {"token": token}, token)
    return 0


def revoke(
    context: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID", help="令牌编号 · id of the token")]
) -> int:
    session: Session = context.obj
    with session.app() as app:
        app.access.revoke(id_)
    session.result({"id": id_, "revoked": True}, session.words("CLI_TOKEN_REVOKED", id=id_))
    return 0


def list_(context: typer.Context) -> int:
    session: Session = context.obj
    from ledger.verification.words import instant

    with session.app() as app:
        rows, now = app.access.tokens(), app.clock()
    values = [_shown(row) | {"current": row.revoked is None and now < row.until} for row in rows]
    shown = [
        [v["id"], v["label"] or "–", " ".join(v["organisations"]), " ".join(v["actions"]), instant(v["until"]),
         "✓" if v["current"] else "✗"]
        for v in values
    ]  # fmt: skip
    session.results(values, table([["id", "label", "organisations", "actions", "until", "–"], *shown]))
    return 0


def _shown(row: TokenRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "label": row.label,
        "organisations": list(row.organisations),
        "actions": list(row.actions),
        "created": row.created,
        "until": row.until,
        "revoked": row.revoked,
    }
