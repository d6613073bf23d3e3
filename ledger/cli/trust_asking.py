"""What the commands on the trust list share: their arguments, asking the council, the trust file that follows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ledger.cli.council import ask
from ledger.cli.session import Session
from ledger.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger.assembly.app import App
    from ledger.chain.calls import CouncilCall
    from ledger.chain.governance import Proposal
    from ledger.core.trust_documents import QualificationDocument

T = TypeVar("T")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")

Service = Annotated[
    str,
    typer.Argument(
        metavar="CERTIFICATE",
        help="证书文件，或所列服务的名称或 SHA-256（前 8 位起） · certificate, or name or SHA-256 of a listed one",
    ),
]
Provider = Annotated[
    str, typer.Argument(metavar="PROVIDER", help="提供者统一社会信用代码 · id of the organisation that offers it")
]
QUALIFICATION = "资质 种类:编号:起[:止] · TYPE:NUMBER:FROM[:UNTIL], certification|government"


def ask_and_follow(session: Session, make: Callable[[App], list[CouncilCall]]) -> int:
    """Propose; what is carried is taken over into the trust file at once where its keys lie here."""

    def after(app: App, proposal: Proposal) -> None:
        if proposal.state.name == "EXECUTED":
            follow(session, app)

    return ask(session, make, after)


def follow(session: Session, app: App) -> None:
    from ledger.assembly.council_work import renew_trust

    session.note("CLI_TRUST_FOLLOWS" if renew_trust(app, []) else "CLI_TRUST_OTHERS")


def certificate_named(app: App, text: str) -> tuple[bytes, bytes | None]:
    """(SHA-256, DER) of the certificate in this file; else (SHA-256, ``None``) as typed, or of the one listed service
    that is meant. Raises InputError CERTIFICATE_FILE; NotFoundError TRUST_LIST_SERVICE_UNNAMED."""
    from ledger.assembly.trust_work import found
    from ledger.cli.certificates import read_certificate_file
    from ledger.crypto.certificates import fingerprint

    if Path(text).is_file():
        der = read_certificate_file(Path(text))
        return fingerprint(der), der
    return bytes.fromhex(text) if _DIGEST.fullmatch(text) else found(app, text), None


def digest_of(app: App, text: str) -> bytes:
    return certificate_named(app, text)[0]


def one_of(text: str, option: str, known: Mapping[str, T]) -> T:
    """What the word stands for. Raises InputError CLI_TRUST_WORD with those that there are."""
    if text not in known:
        raise InputError("CLI_TRUST_WORD", option=option, known=", ".join(known))
    return known[text]


def qualification(provider: str, text: str) -> QualificationDocument:
    """Raises InputError CLI_QUALIFICATION, REGISTRY_UNKNOWN, CLI_INSTANT, SHAPE_…."""
    from ledger.cli.values import instant
    from ledger.core.trust_documents import QualificationDocument
    from ledger.core.trust_services import QualificationType

    parts = text.split(":")
    if len(parts) not in (3, 4):
        raise InputError("CLI_QUALIFICATION")
    type_, number, since, until = parts if len(parts) == 4 else [*parts, ""]
    kind = one_of(type_, "--qualification", {q.word: q for q in QualificationType})
    made = QualificationDocument(provider, kind, number, instant(since), instant(until) if until else None)
    return QualificationDocument.from_json(made.to_json())
