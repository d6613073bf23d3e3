"""``council``: proposals of the organisations that govern the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about, table
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.chain.calls import CouncilCall
    from ledger.chain.governance import Proposal

GROUP = about("理事会提案", "proposals of the council", "zhengyin council list")
PROPOSE = about(
    "提出议案并以本成员名义同意",
    "propose and approve as one member",
    "zhengyin --org 114401000700040158 council propose bar 114401000700000148",
    "ACTION: bar | unbar | bind-signer | end-signer | set-account | end-account",
)
APPROVE = about("同意议案", "approve a proposal", "zhengyin --org 11320100070005018R council approve 2")
VETO = about("否决议案", "veto a proposal", "zhengyin --org 114401000700060107 council veto 2")
EXECUTE = about("执行已通过的议案", "execute a proposal that passed", "zhengyin council execute 2")
LIST = about("列出议案", "list the proposals", "zhengyin council list --json")
ACTIONS = ("bar", "unbar", "bind-signer", "end-signer", "set-account", "end-account")
Number = Annotated[int, typer.Argument(min=1, metavar="NUMBER", help="议案编号 · number of the proposal")]


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="council", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("propose", help=PROPOSE)(propose)
    app.command("approve", help=APPROVE)(approve)
    app.command("veto", help=VETO)(veto)
    app.command("execute", help=EXECUTE)(execute)
    app.command("list", help=LIST)(list_)
    root.add_typer(app)


def propose(
    context: typer.Context,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="动作 · one of the actions above")],
    organisation: Annotated[str, typer.Argument(metavar="ORGANISATION", help="所涉机构 · whom it concerns")],
    certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="签名证书 · signing certificate")
    ] = None,
    account: Annotated[str | None, typer.Option(help="链上账户 0x… · chain account")] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly.council_work import decide
    from ledger.core.identifiers import organisation_id

    if action not in ACTIONS:
        raise InputError("CLI_COUNCIL_ACTION", known=", ".join(ACTIONS))
    with session.app() as app:
        call = _call(app, action, organisation_id(organisation), certificate, account)
        return decided(session, app, decide(app, [call], session.organisation))


def _call(app: App, action: str, organisation: str, certificate: Path | None, account: str | None) -> CouncilCall:
    from ledger.cli.certificates import read_certificate_file
    from ledger.crypto.certificates import fingerprint

    consortium = app.consortium
    if action in ("bar", "unbar"):
        return consortium.bar(organisation) if action == "bar" else consortium.unbar(organisation)
    if action in ("bind-signer", "end-signer"):
        if certificate is None:
            raise InputError("CLI_COUNCIL_NEEDS", action=action, option="--certificate")
        mark = fingerprint(read_certificate_file(certificate))
        bind = action == "bind-signer"
        return consortium.bind_signer(organisation, mark) if bind else consortium.end_signer(organisation, mark)
    if account is None:
        raise InputError("CLI_COUNCIL_NEEDS", action=action, option="--account")
    address = _address(account)
    if action == "set-account":
        return consortium.account(address, organisation)
    return consortium.account(address, organisation, 0)


def _address(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != 20:
        raise InputError("CLI_ADDRESS")
    return found


def approve(context: typer.Context, number: Number) -> int:
    return _speak(context.obj, number, veto=False)


def veto(context: typer.Context, number: Number) -> int:
    return _speak(context.obj, number, veto=True)


def _speak(session: Session, number: int, veto: bool) -> int:
    from ledger.assembly.council_work import member

    with session.app() as app:
        app.council.proposal(number)  # an unknown number is said before anything is sent
        act = app.council.veto if veto else app.council.approve
        act(member(app, session.organisation), number)
        return decided(session, app, app.council.proposal(number))


def execute(context: typer.Context, number: Number) -> int:
    session: Session = context.obj
    from ledger.assembly import council_work

    with session.app() as app:
        app.council.proposal(number)
        here = council_work.members_here(app)
        one = next(iter(here), None) if session.organisation is None else session.organisation
        council_work.execute(app, council_work.member(app, one), number)
        return decided(session, app, app.council.proposal(number))


def list_(context: typer.Context) -> int:
    session: Session = context.obj
    with session.app() as app:
        rules = app.council.rules()
        values = [described(app, app.council.proposal(number)) for number in range(1, app.council.count() + 1)]
    rows = [
        [v["proposal"], v["state"], v["approvals"], v["vetoes"], " ".join(dict.fromkeys(c["call"] for c in v["calls"]))]
        for v in values
    ]
    words = session.words(
        "CLI_COUNCIL_RULES", threshold=rules["threshold"], of=rules["organisations"], delay=rules["delay"]
    )
    session.results(values, words + "\n" + table([["proposal", "state", "approvals", "vetoes", "calls"], *rows]))
    return 0


def decided(session: Session, app: App, proposal: Proposal) -> int:
    """Say where a proposal stands and what comes next."""
    value = described(app, proposal)
    state = session.words(f"CLI_PROPOSAL_{proposal.state.name}")
    session.result(value, session.words("CLI_PROPOSAL", id=proposal.id, state=state, approvals=proposal.approvals))
    if proposal.state.name == "OPEN":
        session.note("CLI_PROPOSAL_NEXT_APPROVE", id=proposal.id, threshold=app.council.rules()["threshold"])
    if proposal.state.name in ("WAITING", "READY"):
        session.note("CLI_PROPOSAL_NEXT_EXECUTE", id=proposal.id)
    return 0


def described(app: App, proposal: Proposal) -> dict[str, Any]:
    from ledger.chain.calls import describe

    calls = []
    for call in proposal.calls:
        found = describe(call, app.chain_file.contracts)
        calls.append({"call": f"{found.contract or '?'}.{found.function or '?'}", "values": _plain(found.values)})
    return {
        "proposal": proposal.id,
        "state": proposal.state.name.lower(),
        "approvals": proposal.approvals,
        "vetoes": proposal.vetoes,
        "made": proposal.made,
        "reached": proposal.reached,
        "calls": calls,
    }


def _plain(value: Any) -> Any:
    """Organisations and jurisdictions as text, digests and addresses in hexadecimal."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if not isinstance(value, bytes):
        return value
    text = value.rstrip(b"\0")
    return text.decode() if len(value) == 32 and text.isascii() and text.decode().isprintable() else "0x" + value.hex()
