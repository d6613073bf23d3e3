"""``trust``, the list of trust services: the council lists and withdraws, each jurisdiction recognises for itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about, table
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.chain.calls import CouncilCall
    from ledger.core.trust_documents import QualificationDocument
    from ledger.core.trust_services import ServiceStatus

LIST = about(
    "列出信任服务：信任文件与链上各自所载", "list trust services, by file and chain", "zhengyin trust list --json"
)
ADD = about(
    "列入信任服务：向理事会提案",
    "list a trust service: a proposal to the council",
    "zhengyin trust add ca.pem --name 示范CA --provider 914401010008001124",
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
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")

Service = Annotated[
    str, typer.Argument(metavar="CERTIFICATE", help="证书文件，或其 SHA-256 · certificate, or its SHA-256")
]
Jurisdiction = Annotated[str, typer.Option(help="承认方管辖地 · recognising jurisdiction")]
Purposes = Annotated[
    list[str], typer.Option("--purpose", help="用途：记录种类或 identity · purpose: a kind of record, or identity")
]
Level = Annotated[int, typer.Option(min=1, max=4, help="保障级别 1–4 · level of assurance")]
Reference = Annotated[str, typer.Option(help="协议或决定文号 · reference of the agreement or decision")]


def add_commands(app: typer.Typer) -> None:
    app.command("list", help=LIST)(list_)
    app.command("add", help=ADD)(add)
    app.command("withdraw", help=WITHDRAW)(withdraw)
    app.command("suspend", help=SUSPEND)(suspend)
    app.command("reinstate", help=REINSTATE)(reinstate)
    app.command("compromise", help=COMPROMISE)(compromise)
    app.command("appoint", help=APPOINT)(appoint)
    app.command("recognise", help=RECOGNISE)(recognise)
    app.command("unrecognise", help=UNRECOGNISE)(unrecognise)


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
            v["file"]["state"] or "–" if v["file"] else "–",
            v["chain"]["state"] if v["chain"] else "–",
            " ".join(sorted({r["jurisdiction"] for r in v["recognised"]})) or "–",
        ]
        for v in values
    ]
    head = ["certificate", "service", "name", "provider", "file", "chain", "recognised"]
    session.results(values, table([head, *rows]))
    return 0


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
        typer.Option(
            "--qualification", help="资质 种类:编号:起[:止] · TYPE:NUMBER:FROM[:UNTIL], certification|government"
        ),
    ] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly import trust_work
    from ledger.assembly.founding_trust import described
    from ledger.cli.certificates import read_certificate_file
    from ledger.core.identifiers import organisation_id
    from ledger.core.trust_services import ServiceType

    who = organisation_id(provider)
    document = described(name, read_certificate_file(certificate), who, ServiceType.of_word(service, "--service"))
    held = [_qualification(who, text) for text in qualifications or ()]
    with session.app() as app:
        return _propose(session, app, trust_work.add(app, document, held))


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
    from ledger.assembly import trust_work

    digest = _digest(certificate)
    with session.app() as app:
        return _propose(session, app, [trust_work.set_status(app, digest, status)])


def compromise(
    context: typer.Context,
    certificate: Service,
    since: Annotated[str, typer.Option(help="自何时起，可为过去 · since when; may lie in the past")],
) -> int:
    session: Session = context.obj
    from ledger.assembly import trust_work
    from ledger.cli.values import instant

    digest, when = _digest(certificate), instant(since)
    with session.app() as app:
        return _propose(session, app, [trust_work.compromise(app, digest, when)])


def appoint(
    context: typer.Context,
    jurisdiction: Annotated[str, typer.Argument(metavar="JURISDICTION", help="管辖地 · jurisdiction")],
    organisation: Annotated[str, typer.Argument(metavar="ORGANISATION", help="机构 · organisation")],
) -> int:
    session: Session = context.obj
    from ledger.assembly import trust_work
    from ledger.core.identifiers import organisation_id

    with session.app() as app:
        return _propose(session, app, [trust_work.appoint(app, jurisdiction, organisation_id(organisation))])


def _propose(session: Session, app: App, calls: list[CouncilCall]) -> int:
    """Propose; what is carried is taken over into the trust file at once where its keys lie here."""
    from ledger.assembly.council_work import decide
    from ledger.cli.council import decided

    proposal = decide(app, calls, session.organisation)
    if proposal.state.name == "EXECUTED":
        _renew(session, app)
    return decided(session, app, proposal)


def _renew(session: Session, app: App) -> None:
    from ledger.assembly.council_work import renew_trust

    session.note("CLI_TRUST_FOLLOWS" if renew_trust(app, []) else "CLI_TRUST_OTHERS")


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
    digest = _digest(certificate)
    with session.app() as app:
        agreement = Agreement.from_json(Agreement(jurisdiction, reference).to_json())
        trust_work.recognise(app, agreement, digest, purposes, level, window)
        _renew(session, app)
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

    digest, end = _digest(certificate), instant(until) if until else 0
    with session.app() as app:
        trust_work.end_recognition(app, Agreement(jurisdiction, reference), digest, purposes, level, end)
        _renew(session, app)
    return _recognised(session, "CLI_TRUST_UNRECOGNISED", digest, jurisdiction, purposes, level)


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


def _digest(text: str) -> bytes:
    """SHA-256 of the certificate in this file, or as typed. Raises InputError CERTIFICATE_FILE."""
    from ledger.cli.certificates import read_certificate_file
    from ledger.crypto.certificates import fingerprint

    if _DIGEST.fullmatch(text) and not Path(text).exists():
        return bytes.fromhex(text)
    return fingerprint(read_certificate_file(Path(text)))


def _qualification(provider: str, text: str) -> QualificationDocument:
    """Raises InputError CLI_QUALIFICATION, REGISTRY_UNKNOWN, CLI_INSTANT, SHAPE_…."""
    from ledger.cli.values import instant
    from ledger.core.trust_documents import QualificationDocument
    from ledger.core.trust_services import QualificationType

    parts = text.split(":")
    if len(parts) not in (3, 4):
        raise InputError("CLI_QUALIFICATION")
    type_, number, since, until = parts if len(parts) == 4 else [*parts, ""]
    kind = QualificationType.of_word(type_, "--qualification")
    made = QualificationDocument(provider, kind, number, instant(since), instant(until) if until else None)
    return QualificationDocument.from_json(made.to_json())
