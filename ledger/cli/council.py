"""``council``: proposals of the organisations that govern the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.assembly.app import App
    from ledger.chain.calls import CouncilCall
    from ledger.chain.governance import Proposal

GROUP = about("理事会提案", "proposals of the council", "zhengyin council list")
PROPOSE = about(
    "提出议案并以本成员名义同意",
    "propose and approve as one member",
    "zhengyin --org 114401000700040158 council propose bar 114401000700000148",
    "ACTION: bar | unbar | bind-signer | end-signer | set-account | end-account | succeed | superior | annul | disown "
    "| retire",
)
APPROVE = about("同意议案", "approve a proposal", "zhengyin --org 11320100070005018R council approve 2")
VETO = about("否决议案", "veto a proposal", "zhengyin --org 114401000700060107 council veto 2")
EXECUTE = about("执行已通过的议案", "execute a proposal that passed", "zhengyin council execute 2")
LIST = about("列出议案", "list the proposals", "zhengyin council list --json")
Number = Annotated[int, typer.Argument(min=1, metavar="NUMBER", help="议案编号 · number of the proposal")]


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="council", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("propose", help=PROPOSE)(propose)
    app.command("approve", help=APPROVE)(approve)
    app.command("veto", help=VETO)(veto)
    app.command("execute", help=EXECUTE)(execute)
    app.command("list", help=LIST)(list_)
    root.add_typer(app)


def ask(
    session: Session,
    make: Callable[[App], Sequence[CouncilCall]],
    after: Callable[[App, Proposal], None] = lambda app, proposal: None,
) -> int:
    """The frame of every command that asks the council: propose the calls, approve and execute as far as the keys that
    lie here reach, do what follows, and say where the proposal stands."""
    from ledger.assembly.council_work import decide

    with session.app() as app:
        proposal = decide(app, make(app), session.organisation)
        after(app, proposal)
        return decided(session, app, proposal)


def propose(
    context: typer.Context,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="动作 · one of the actions above")],
    organisation: Annotated[
        str | None, typer.Argument(metavar="ORGANISATION", help="所涉机构 · whom it concerns")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="签名证书 · signing certificate")
    ] = None,
    account: Annotated[str | None, typer.Option(help="链上账户 0x… · chain account")] = None,
    to: Annotated[str | None, typer.Option(help="承继机构或上级机构 · successor or superior")] = None,
    since: Annotated[str | None, typer.Option(help="承继起始时间，默认执行时 · since when; default: execution")] = None,
    leaf: Annotated[str | None, typer.Option(help="记录的叶子 · leaf of the record")] = None,
    batch: Annotated[str | None, typer.Option(help="批次的根 · root of the batch")] = None,
    statement: Annotated[str | None, typer.Option(help="首个机构的决定书（叶子） · statement of the first one")] = None,
    chain: Annotated[str | None, typer.Option(help="接续的账本 链号:创世哈希:合约 · id:genesis:records")] = None,
) -> int:
    session: Session = context.obj
    from ledger.cli.council_calls import Asked, make_call

    asked = Asked(action, organisation, certificate, account, to, since, leaf, batch, statement, chain)
    return ask(session, lambda app: [make_call(app, asked)])


def approve(context: typer.Context, number: Number) -> int:
    return _speak(context.obj, number, veto=False)


def veto(context: typer.Context, number: Number) -> int:
    return _speak(context.obj, number, veto=True)


def _speak(session: Session, number: int, veto: bool) -> int:
    from ledger.assembly.council_work import speak

    with session.app() as app:
        return decided(session, app, speak(app, session.organisation, number, veto))


def execute(context: typer.Context, number: Number) -> int:
    session: Session = context.obj
    from ledger.assembly import council_work

    with session.app() as app:
        proposal = council_work.execute(app, session.organisation, number)
        _follow(session, app, proposal)
        return decided(session, app, proposal)


def _follow(session: Session, app: App, proposal: Proposal) -> None:
    """What changed the trust list is taken over into the trust file, as where all keys lie in one place."""
    from ledger.assembly.trust_upkeep import is_ahead
    from ledger.cli.trust_asking import follow

    listed = app.chain_file.contracts.trust_list
    if any(call.target == listed for call in proposal.calls) and is_ahead(app):
        follow(session, app)


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


def decided(session: Session, app: App, proposal: Proposal, **more: Any) -> int:
    """Say where the proposal stands and what comes next; ``more``: what else belongs to the result."""
    value = described(app, proposal) | more
    state = session.words(f"CLI_PROPOSAL_{proposal.state.name}")
    session.result(value, session.words("CLI_PROPOSAL", id=proposal.id, state=state, approvals=proposal.approvals))
    if proposal.state.name == "OPEN":
        session.note("CLI_PROPOSAL_NEXT_APPROVE", id=proposal.id, threshold=app.council.rules()["threshold"])
    if proposal.state.name in ("WAITING", "READY"):
        session.note("CLI_PROPOSAL_NEXT_EXECUTE", id=proposal.id)
    return 0


def described(app: App, proposal: Proposal) -> dict[str, Any]:
    from ledger.assembly.council_work import call_names
    from ledger.chain.calls import describe

    values = [_plain(describe(call, app.chain_file.contracts).values) for call in proposal.calls]
    calls = [{"call": n, "values": v} for n, v in zip(call_names(app, proposal), values, strict=True)]
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
