"""``trust``, the services of the list: the council lists, describes, suspends and withdraws them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about, table
from ledger.cli.trust_asking import (
    QUALIFICATION,
    Service,
    ask_and_follow,
    certificate_named,
    digest_of,
    one_of,
    qualification,
)

if TYPE_CHECKING:
    from ledger.core.trust_services import ServiceStatus

LIST = about(
    "列出信任服务：信任文件与链上各自所载", "list trust services, by file and chain", "zhengyin trust list --json"
)
ADD = about(
    "列入信任服务：向理事会提案",
    "list a trust service: a proposal to the council",
    "zhengyin trust add ca.pem --name 示范CA --provider 914401010008001124",
)
DESCRIBE = about(
    "更改信任服务的名称：向理事会提案",
    "give a trust service another name: a proposal to the council",
    "zhengyin trust describe ca.pem --name 示范CA（新名）",
)
WITHDRAW = about(
    "撤出信任服务：向理事会提案",
    "withdraw a trust service: a proposal to the council",
    "zhengyin trust withdraw ca.pem",
)
SUSPEND = about(
    "暂停信任服务：紧急提案，不等待",
    "suspend a trust service: an urgent proposal, without delay",
    "zhengyin trust suspend ca.pem",
)
REINSTATE = about(
    "恢复信任服务：向理事会提案",
    "grant a trust service again: a proposal to the council",
    "zhengyin trust reinstate ca.pem",
)
COMPROMISE = about(
    "声明密钥自某时起失密：向理事会提案",
    "declare a service's key compromised since an instant: a proposal to the council",
    "zhengyin trust compromise ca.pem --since 2026-10-01",
)


FEW = 3
"""Purposes that a line of the list names."""


def add_commands(app: typer.Typer) -> None:
    app.command("list", help=LIST)(list_)
    app.command("add", help=ADD)(add)
    app.command("describe", help=DESCRIBE)(describe)
    app.command("withdraw", help=WITHDRAW)(withdraw)
    app.command("suspend", help=SUSPEND)(suspend)
    app.command("reinstate", help=REINSTATE)(reinstate)
    app.command("compromise", help=COMPROMISE)(compromise)


def list_(context: typer.Context) -> int:
    session: Session = context.obj
    from ledger.assembly.trust_work import described

    with session.app() as app:
        values = described(app)
    rows = [
        [
            v["certificate"][:16],
            (v["file"] or v["chain"])["service"],
            v["file"]["name"] if v["file"] else "–",
            (v["file"] or v["chain"])["provider"] or "–",
            _state(session, v["file"]),
            _state(session, v["chain"]),
            _recognised(v["recognised"]) or "–",
        ]
        for v in values
    ]
    head = ["certificate", "service", "name", "provider", "file", "chain", "recognised"]
    session.results(values, table([head, *rows]))
    return 0


def _state(session: Session, told: dict[str, Any] | None) -> str:
    """A stolen key is the most important thing that a list can say."""
    from ledger.verification.words import instant

    if told is None:
        return "–"
    since = told["compromisedSince"]
    stolen = "" if since is None else " " + session.words("CLI_TRUST_STOLEN", since=instant(since))
    return (told["state"] or "–") + stolen


def _recognised(recognitions: list[dict[str, Any]]) -> str:
    """By whom for what; for many purposes their number."""
    found: dict[str, list[str]] = {}
    for one in recognitions:
        found.setdefault(one["jurisdiction"], []).append(one["purpose"])
    return " ".join(
        f"{jurisdiction}({','.join(purposes) if len(purposes) <= FEW else len(purposes)})"
        for jurisdiction, purposes in found.items()
    )


def add(
    context: typer.Context,
    certificate: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, metavar="CERTIFICATE", help="证书文件 · certificate")
    ],
    name: Annotated[str, typer.Option(help="服务名称 · name of the service")],
    provider: Annotated[str, typer.Option(help="提供者统一社会信用代码 · id of the organisation that offers it")],
    service: Annotated[str, typer.Option(help="ca | ocsp | tsa | sealMaker")] = "ca",
    qualifications: Annotated[
        list[str] | None,
        typer.Option("--qualification", help=QUALIFICATION),
    ] = None,
) -> int:
    from ledger.assembly import trust_work
    from ledger.assembly.founding_trust import described
    from ledger.cli.certificates import read_certificate_file
    from ledger.core.identifiers import organisation_id
    from ledger.core.trust_services import ServiceType

    who = organisation_id(provider)
    type_ = one_of(service, "--service", {s.word: s for s in ServiceType})
    document = described(name, read_certificate_file(certificate), who, type_)
    held = [qualification(who, text) for text in qualifications or ()]
    return ask_and_follow(context.obj, lambda app: trust_work.add(app, document, held))


def describe(
    context: typer.Context,
    certificate: Service,
    name: Annotated[str, typer.Option(help="新名称 · the new name")],
) -> int:
    from ledger.assembly.trust_upkeep import describe

    return ask_and_follow(context.obj, lambda app: [describe(app, *certificate_named(app, certificate), name)])


def withdraw(context: typer.Context, certificate: Service) -> int:
    from ledger.core.trust_services import ServiceStatus

    return _status(context.obj, certificate, ServiceStatus.WITHDRAWN)


def suspend(context: typer.Context, certificate: Service) -> int:
    from ledger.core.trust_services import ServiceStatus

    return _status(context.obj, certificate, ServiceStatus.SUSPENDED)


def reinstate(context: typer.Context, certificate: Service) -> int:
    from ledger.core.trust_services import ServiceStatus

    return _status(context.obj, certificate, ServiceStatus.GRANTED)


def _status(session: Session, certificate: str, status: ServiceStatus) -> int:
    from ledger.assembly.trust_work import set_status

    return ask_and_follow(session, lambda app: [set_status(app, digest_of(app, certificate), status)])


def compromise(
    context: typer.Context,
    certificate: Service,
    since: Annotated[str, typer.Option(help="自何时起，可为过去 · since when; may lie in the past")],
) -> int:
    from ledger.assembly.trust_work import compromise
    from ledger.cli.values import instant

    when = instant(since)
    return ask_and_follow(context.obj, lambda app: [compromise(app, digest_of(app, certificate), when)])
