"""``org``: who takes part, with which rights. Everything here is a proposal of the council."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.council import ask
from ledger.cli.session import Session
from ledger.cli.texts import about, table
from ledger.errors import InputError, ZhengyinError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.chain.calls import CouncilCall
    from ledger.chain.governance import Proposal
    from ledger.core.registries import Kind

GROUP = about("参与机构", "organisations", "zhengyin org list")
ADD = about(
    "加入机构：生成密钥与证书，并向理事会提案",
    "add an organisation: keys, certificate, and a proposal to the council",
    "zhengyin org add 12440100070003012L --name 示范公证处 --jurisdiction CN-440100 --kind evidence",
)
ACCREDIT = about(
    "授予资质",
    "accredit an organisation for a kind of record",
    "zhengyin org accredit 12440100070003012L --kind evidence --jurisdiction CN-440100 --reference 示范〔2026〕1号",
)
END = about("终止资质", "end an accreditation", "zhengyin org end 12440100070003012L --kind evidence")
LIST = about("列出机构", "list the organisations", "zhengyin org list --json")

SUCCEED = about(
    "机构承继：向理事会提案，由承继机构代行原机构的权责",
    "one organisation succeeds another: a proposal to the council",
    "zhengyin org succeed 114401000700000148 11320100070001017R",
)
SUPERIOR = about(
    "指定上级机构，或以 --none 取消",
    "name an organisation's superior, or none",
    "zhengyin org superior 114401000700000148 114401000700040158",
)

Organisation = Annotated[
    str, typer.Argument(metavar="ORGANISATION", help="统一社会信用代码 · unified social credit code")
]
Jurisdiction = Annotated[str, typer.Option(help="管辖地 · jurisdiction")]


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="org", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("add", help=ADD)(add)
    app.command("accredit", help=ACCREDIT)(accredit)
    app.command("end", help=END)(end)
    app.command("succeed", help=SUCCEED)(succeed)
    app.command("superior", help=SUPERIOR)(superior)
    app.command("list", help=LIST)(list_)
    root.add_typer(app)


def add(
    context: typer.Context,
    organisation: Organisation,
    name: Annotated[str, typer.Option(help="机构名称 · name")],
    jurisdiction: Jurisdiction,
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="可签发的记录种类 · kind it may anchor")] = None,
    authority: Annotated[str | None, typer.Option(help="测试 CA 文件夹名 · test authority of this folder")] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="已由 CA 签发的证书 · certificate a CA issued for its key here"),
    ] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly import council_work
    from ledger.cli.certificates import read_certificate_file
    from ledger.core.identifiers import organisation_id

    newcomer = council_work.Newcomer(
        organisation_id(organisation),
        name,
        _jurisdiction(jurisdiction),
        tuple(_kind(k) for k in kinds or ()),
        authority,
        read_certificate_file(certificate) if certificate else None,
    )

    def after(app: App, _: Proposal) -> None:
        if certificate is None:
            session.note("CLI_ORG_TEST_CERTIFICATE")
        _renew(session, app, jurisdiction)

    return ask(session, lambda app: council_work.add_organisation(app, newcomer), after)


def accredit(
    context: typer.Context,
    organisation: Organisation,
    kind: Annotated[str, typer.Option(help="记录种类 · kind of record")],
    jurisdiction: Jurisdiction,
    types: Annotated[str, typer.Option(help="类型代码，逗号分隔；* 为全部 · type codes a,b; * for all")] = "*",
    reference: Annotated[str, typer.Option(help="授权文号 · reference of the decision")] = "council",
    until: Annotated[str | None, typer.Option(help="截止时间 · until when")] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly import council_work
    from ledger.cli.values import instant
    from ledger.core.accreditations import Accreditation
    from ledger.core.identifiers import organisation_id

    def calls(app: App) -> list[CouncilCall]:
        codes = ("*",) if types == "*" else tuple(sorted({app.types.get(t).code for t in types.split(",")}))
        document = Accreditation(
            organisation_id(organisation), _kind(kind), _jurisdiction(jurisdiction), codes, reference
        )
        return council_work.accredit(app, document, instant(until) if until else None)

    return ask(session, calls, lambda app, _: _renew(session, app, jurisdiction))


def end(
    context: typer.Context,
    organisation: Organisation,
    kind: Annotated[str, typer.Option(help="记录种类 · kind of record")],
) -> int:
    from ledger.assembly.council_work import current_accreditations
    from ledger.core.identifiers import organisation_id

    def calls(app: App) -> list[CouncilCall]:
        rows = current_accreditations(app, organisation_id(organisation), _kind(kind))
        return [app.consortium.end_accreditation(r.id) for r in rows]

    return ask(context.obj, calls)


def succeed(
    context: typer.Context,
    organisation: Organisation,
    successor: Annotated[str, typer.Argument(metavar="SUCCESSOR", help="承继机构 · who succeeds it")],
    since: Annotated[str | None, typer.Option(help="起始时间，默认执行时 · since when; default: execution")] = None,
) -> int:
    return _propose(context.obj, "succeed", organisation, successor, since)


def superior(
    context: typer.Context,
    organisation: Organisation,
    above: Annotated[str | None, typer.Argument(metavar="SUPERIOR", help="上级机构 · its superior")] = None,
    none: Annotated[bool, typer.Option("--none", help="不再有上级机构 · no superior any more")] = False,
) -> int:
    if (above is None) != none:
        raise InputError("CLI_SUPERIOR_OR_NONE")
    return _propose(context.obj, "superior", organisation, above, None)


def _propose(session: Session, action: str, organisation: str, to: str | None, since: str | None) -> int:
    from ledger.cli.council_calls import Asked, make_call

    return ask(session, lambda app: [make_call(app, Asked(action, organisation, to=to, since=since))])


def list_(context: typer.Context) -> int:
    session: Session = context.obj
    with session.app() as app:
        app.indexing.run()
        values = _organisations(app)
    rows = [
        [
            v["organisation"],
            v["name"] or "–",
            " ".join(sorted({a["kind"] for a in v["accreditations"] if a["current"]})) or "–",
            "✗" if v["barred"] else "✓",
        ]
        for v in values
    ]
    session.results(values, table([["organisation", "name", "kinds", "–"], *rows]))
    return 0


def _organisations(app: App) -> list[dict[str, Any]]:
    from ledger.services import acting

    now = int(app.clock())
    with app.store.read() as unit:
        return [
            {
                "organisation": organisation,
                "name": name_of(app, organisation),
                "since": since,
                "barred": barred,
                "successor": acting.successor(unit, organisation),
                "superior": acting.superior(unit, organisation),
                "accounts": ["0x" + a.account.hex() for a in unit.chain.accounts(organisation)],
                "signers": [
                    {"certificate": s.certificate.hex(), "from": s.since, "until": s.until}
                    for s in unit.chain.signers(organisation)
                ],
                "accreditations": [
                    {
                        "id": a.id.hex(), "kind": a.kind.word, "jurisdiction": a.jurisdiction,
                        "from": a.since, "until": a.until, "current": a.since <= now < a.until,
                    }
                    for a in unit.chain.accreditations(organisation)
                ],
            }
            for organisation, since, barred in unit.chain.organisations()
        ]  # fmt: skip


def name_of(app: App, organisation: str) -> str | None:
    """The organizationName of a certificate that lies here."""
    from ledger.crypto.certificates import read_certificate

    for name in app.keys.names(organisation, "signing"):
        try:
            return read_certificate(app.keys.signing(organisation, name).certificate).organization
        except ZhengyinError:
            continue
    return None


def _renew(session: Session, app: App, jurisdiction: str) -> None:
    from ledger.assembly.council_work import renew_trust

    if jurisdiction not in {p.jurisdiction for p in app.trust.content().policies}:
        session.note("CLI_TRUST_RENEWED" if renew_trust(app, [jurisdiction]) else "CLI_TRUST_OTHERS")


def _kind(word: str) -> Kind:
    from ledger.core.registries import Kind

    return Kind.of_word(word, "--kind")


def _jurisdiction(text: str) -> str:
    from ledger.core.accreditations import JURISDICTION

    if not JURISDICTION.fullmatch(text):
        raise InputError("SHAPE_TEXT", path="--jurisdiction", pattern=JURISDICTION.pattern)
    return text
