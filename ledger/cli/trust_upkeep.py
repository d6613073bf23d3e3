"""``trust``, what keeps the list: providers' qualifications, its publication, and a list for a ledger without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.council import ask, decided
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.cli.trust_asking import QUALIFICATION, Provider, ask_and_follow, follow, one_of, qualification

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.chain.governance import Proposal

QUALIFY = about(
    "写入提供者的资质：向理事会提案",
    "write down a provider's qualification: a proposal to the council",
    "zhengyin trust qualify 914401010008001124 --qualification certification:ECP44010215003:2026-01-01:2031-01-01",
)
UNQUALIFY = about(
    "终止提供者的资质：向理事会提案",
    "end a provider's qualification: a proposal to the council",
    "zhengyin trust unqualify 914401010008001124 --number ECP44010215003",
)
PUBLISH = about(
    "在链上公布现行信任文件的指纹：向理事会提案",
    "publish the fingerprint of the trust file in force on chain: a proposal to the council",
    "zhengyin trust publish",
)
DEPLOY = about(
    "为尚无信任列表的账本部署信任列表，并写入信任文件；中断后重复同一命令即可继续",
    "give a ledger that has none a trust list, which the trust file then names; once interrupted, repeat it",
    "zhengyin --org 114401000700040158 trust deploy",
)


def add_commands(app: typer.Typer) -> None:
    app.command("qualify", help=QUALIFY)(qualify)
    app.command("unqualify", help=UNQUALIFY)(unqualify)
    app.command("publish", help=PUBLISH)(publish)
    app.command("deploy", help=DEPLOY)(deploy)


def qualify(
    context: typer.Context,
    provider: Provider,
    text: Annotated[str, typer.Option("--qualification", help=QUALIFICATION)],
) -> int:
    from ledger.assembly.trust_upkeep import qualify
    from ledger.core.identifiers import organisation_id

    document = qualification(organisation_id(provider), text)
    return ask_and_follow(context.obj, lambda app: [qualify(app, document)])


def unqualify(
    context: typer.Context,
    provider: Provider,
    number: Annotated[str, typer.Option(help="编号 · number as printed")],
    type_: Annotated[str | None, typer.Option("--type", help="只限此种类 · of this type only")] = None,
    until: Annotated[str | None, typer.Option(help="截止时间，默认执行时 · until when; default: execution")] = None,
) -> int:
    from ledger.assembly.trust_upkeep import end_qualification
    from ledger.cli.values import instant
    from ledger.core.identifiers import organisation_id
    from ledger.core.trust_services import QualificationType

    who, end = organisation_id(provider), instant(until) if until else 0
    kind = one_of(type_, "--type", {q.word: q for q in QualificationType}) if type_ else None
    return ask_and_follow(context.obj, lambda app: end_qualification(app, who, number, kind, end))


def publish(context: typer.Context) -> int:
    from ledger.assembly.trust_upkeep import publish

    return ask(context.obj, lambda app: [publish(app)])  # the file in force stays the one that was published


def deploy(
    context: typer.Context,
    address: Annotated[
        str | None, typer.Option(help="已由其他成员部署的地址 · where another member deployed it already")
    ] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly import trust_upkeep
    from ledger.cli.council_calls import parse_address

    wanted = None if address is None else parse_address(address)
    with session.app() as app:
        found = trust_upkeep.deploy(app, session.organisation, wanted)
    session.note("CLI_TRUST_DEPLOYED", address="0x" + found.hex())
    with session.app() as app:  # opened anew, with the list
        return _listed(session, app, found)


def _listed(session: Session, app: App, address: bytes) -> int:
    """Have what the trust file trusts listed, and the file name the list."""
    from ledger.assembly.council_work import decide
    from ledger.assembly.trust_upkeep import is_ahead, missing, pending

    calls, left = missing(app)
    proposal: Proposal | None = None
    if calls:
        proposal = pending(app, calls) or decide(app, calls, session.organisation)
    if is_ahead(app):
        follow(session, app)
    for name in left:
        session.note("CLI_TRUST_PROVIDER_UNKNOWN", name=name)
    value = {"trustList": "0x" + address.hex(), "withoutProvider": left}
    if proposal is not None:
        return decided(session, app, proposal, **value)
    session.result(value | {"proposal": None}, "0x" + address.hex())
    return 0
