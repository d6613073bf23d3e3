"""``init``: founding a ledger, plain or as a demonstration."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError


class Network(StrEnum):
    QBFT = "qbft"
    UNSEALED = "unsealed"


def register(app: typer.Typer) -> None:
    app.command("init", help=INIT)(init)


INIT = about(
    "建立账本：密钥、内置链、合约、理事会、信任文件",
    "found a ledger: keys, embedded chain, contracts, council, trust file",
    "zhengyin --home ./office init --org 114401000700000148 --name 甲市示范登记中心 --jurisdiction CN-440100",
)


def init(
    context: typer.Context,
    demo: Annotated[bool, typer.Option("--demo", help="演示联盟：两地登记、法院、公证处、三方理事会 · demo")] = False,
    pki: Annotated[
        bool,
        typer.Option(
            "--pki", help="演示联盟用十家测试 CA 与制章人（需 zhengyin[demo]） · demo with ten test CAs, a seal maker"
        ),
    ] = False,
    name: Annotated[str | None, typer.Option(help="机构名称 · name of the organisation")] = None,
    jurisdiction: Annotated[str, typer.Option(help="管辖地 · jurisdiction, ISO 3166-2 style")] = "CN",
    database: Annotated[
        str | None, typer.Option(help="行数据库：postgresql://…，默认为 SQLite 文件 · where the rows are")
    ] = None,
    engine: Annotated[list[str] | None, typer.Option(help="已有链的节点，可多次 · node of an existing chain")] = None,
    consensus: Annotated[
        Network, typer.Option(help="该链的共识；unsealed 仅供开发 · its consensus; unsealed: for development")
    ] = Network.QBFT,
) -> int:
    session: Session = context.obj
    from ledger.assembly import demo_pki_plan, demo_plan, founding_plans
    from ledger.assembly.founding import found

    if pki and not demo:
        raise InputError("CLI_INIT_PKI")
    if demo:
        if session.organisation or name:
            raise InputError("CLI_INIT_DEMO")
        plan = demo_pki_plan.pki_plan() if pki else demo_plan.demo_plan()
        plan = replace(plan, settings=plan.settings | {"language": session.language})
    else:
        if not session.organisation or not name:
            raise InputError("CLI_INIT_NEEDS")
        plan = founding_plans.plain(session.organisation, name, jurisdiction, session.language)
    if database:
        plan = replace(plan, settings=plan.settings | {"database": database})
    if engine:
        plan = replace(plan, consensus=consensus.value, settings=plan.settings | {"engine": tuple(engine)})
    found(session.home.absolute(), plan, say=lambda step: session.note(f"CLI_INIT_{step.upper()}"))
    # what this ledger is not must be said before anyone relies on it
    session.note("CLI_INIT_DEMO_MADE" if demo else "CLI_INIT_ALONE")
    if plan.consensus == Network.UNSEALED.value:
        session.note("CLI_INIT_UNSEALED")
    founders = [
        {
            "organisation": f.organisation,
            "name": f.name,
            "jurisdiction": f.jurisdiction,
            "kinds": [k.word for k in f.kinds],
        }
        for f in plan.founders
    ]
    lines = [session.words("CLI_INIT_DONE", home=session.home)]
    lines += [f"  {f.organisation}  {f.name}  {f.jurisdiction}" for f in plan.founders]
    session.result(
        {
            "home": str(session.home),
            "council": list(plan.council),
            "threshold": plan.threshold,
            "organisations": founders,
        },
        "\n".join(lines),
    )
    session.note("CLI_INIT_NEXT", home=session.home)
    return 0
