"""``trust``, recognitions: the council says who writes a jurisdiction's, who then recognises for it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.cli.trust_asking import Service, ask_and_follow, digest_of, follow, one_of

APPOINT = about(
    "指定为管辖地写入互认的机构：向理事会提案",
    "appoint who writes a jurisdiction's recognitions: a proposal to the council",
    "zhengyin trust appoint CN-440100 114401000700040158",
)
RECOGNISE = about(
    "由承认方管辖地写入互认",
    "recognise a service, by the recognising jurisdiction's own account",
    "zhengyin trust recognise ca.pem --jurisdiction CN-440100 --purpose license --level 3 --reference 互认〔2026〕1号",
)
UNRECOGNISE = about(
    "由承认方管辖地终止互认",
    "end a recognition, by the jurisdiction that gave it",
    "zhengyin trust unrecognise ca.pem --jurisdiction CN-440100 --purpose license --level 3 --reference 1号",
)

Jurisdiction = Annotated[str, typer.Option(help="承认方管辖地 · recognising jurisdiction")]
Purposes = Annotated[
    list[str], typer.Option("--purpose", help="用途：记录种类或 identity · purpose: a kind of record, or identity")
]
Level = Annotated[int, typer.Option(min=1, max=4, help="保障级别 1–4 · level of assurance")]
Reference = Annotated[str, typer.Option(help="协议或决定文号 · reference of the agreement or decision")]


def add_commands(app: typer.Typer) -> None:
    app.command("appoint", help=APPOINT)(appoint)
    app.command("recognise", help=RECOGNISE)(recognise)
    app.command("unrecognise", help=UNRECOGNISE)(unrecognise)


def appoint(
    context: typer.Context,
    jurisdiction: Annotated[str, typer.Argument(metavar="JURISDICTION", help="管辖地 · jurisdiction")],
    organisation: Annotated[str, typer.Argument(metavar="ORGANISATION", help="机构 · organisation")],
) -> int:
    from ledger.assembly.trust_work import appoint
    from ledger.core.identifiers import organisation_id

    who = organisation_id(organisation)
    return ask_and_follow(context.obj, lambda app: [appoint(app, jurisdiction, who)])


def recognise(
    context: typer.Context,
    certificate: Service,
    jurisdiction: Jurisdiction,
    purposes: Purposes,
    level: Level,
    reference: Reference,
    since: Annotated[str | None, typer.Option("--from", help="起始时间，默认写入时 · from; default: now")] = None,
    until: Annotated[str | None, typer.Option(help="截止时间 · until when")] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly import trust_work
    from ledger.chain.calls import OPEN_END
    from ledger.cli.values import instant
    from ledger.core.trust_documents import Agreement

    window = instant(since) if since else 0, instant(until) if until else OPEN_END
    _require_known(purposes)
    with session.app() as app:
        digest = digest_of(app, certificate)
        agreement = Agreement.from_json(Agreement(jurisdiction, reference).to_json())
        trust_work.recognise(app, agreement, digest, purposes, level, window)
        follow(session, app)
    return _recognised(session, "CLI_TRUST_RECOGNISED", digest, jurisdiction, purposes, level)


def unrecognise(
    context: typer.Context,
    certificate: Service,
    jurisdiction: Jurisdiction,
    purposes: Purposes,
    level: Level,
    reference: Reference,
    until: Annotated[str | None, typer.Option(help="截止时间，默认写入时 · until when; default: now")] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly import trust_work
    from ledger.cli.values import instant
    from ledger.core.trust_documents import Agreement

    end = instant(until) if until else 0
    _require_known(purposes)
    with session.app() as app:
        digest = digest_of(app, certificate)
        trust_work.end_recognition(app, Agreement(jurisdiction, reference), digest, purposes, level, end)
        follow(session, app)
    return _recognised(session, "CLI_TRUST_UNRECOGNISED", digest, jurisdiction, purposes, level)


def _require_known(purposes: list[str]) -> None:
    from ledger.core.registries import Kind
    from ledger.core.trust_services import OTHER_PURPOSES

    known = dict.fromkeys((*(kind.word for kind in Kind), *OTHER_PURPOSES))
    for purpose in purposes:
        one_of(purpose, "--purpose", known)


def _recognised(
    session: Session, code: str, certificate: bytes, jurisdiction: str, purposes: list[str], level: int
) -> int:
    value: dict[str, Any] = {
        "certificate": certificate.hex(),
        "jurisdiction": jurisdiction,
        "purposes": purposes,
        "level": level,
    }
    session.result(value, session.words(code, jurisdiction=jurisdiction, purposes="、".join(purposes), level=level))
    return 0
