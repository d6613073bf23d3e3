"""``seal``: e-seals are registered as records, made, used and verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli import seal_log, seal_making, seal_verifying
from ledger.cli.files import read_file
from ledger.cli.issuing import Wait, say_accepted
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.services.issuing import Accepted

SEAL = about("电子印章", "e-seals", "zhengyin seal verify Seal.esl")
REGISTER = about(
    "登记电子印章：由印章文件（.esl），或由名称与印模",
    "register an e-seal: from its file (.esl), or from name and picture",
    "zhengyin seal register Seal.esl --owner 114401000700000148",
    "印章文件自带名称、编码、有效期、制章人与印模；制章人须在信任文件之列。A seal file brings name, identifier, "
    "validity, maker and picture; its maker has to be one of the trust file's.",
)


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="seal", help=SEAL, rich_markup_mode=None, no_args_is_help=True)
    app.command("register", help=REGISTER)(register_seal)
    seal_verifying.register(app)
    seal_making.register(app)
    seal_log.register(app)
    root.add_typer(app)


def register_seal(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="SEAL", exists=True, dir_okay=False, help="印章文件 · seal file (.esl)"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="印章名称 · name of the seal")] = None,
    owner: Annotated[
        str | None, typer.Option(help="所属主体（持有人）代码，默认见印章所列证书 · credit code of its owner (holder)")
    ] = None,
    seal_type: Annotated[str, typer.Option("--type", help="印章类型 · type of seal")] = "业务专用章",
    certificate: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="签章证书，默认为本机构所用 · signing certificate; default: one's own"
        ),
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option("--image", exists=True, dir_okay=False, help="印模或印章文件 · image or seal file"),
    ] = None,
    wait: Wait = False,
) -> int:
    session: Session = context.obj
    if file is not None and (name or images or certificate):
        raise InputError("CLI_SEAL_FILE_ALONE")
    with session.app() as app:
        registrar = session.acting(app)
        if file is not None:
            accepted = _register_file(session, app, registrar, file, owner, seal_type)
        else:
            told = {"name": name, "owner": owner, "sealType": seal_type}
            named = {field: text for field, text in told.items() if text is not None}
            accepted = _register_picture(app, registrar, named, certificate, images or [])
        return say_accepted(session, app, accepted, wait)


def _register_file(
    session: Session, app: App, registrar: str, file: Path, owner: str | None, seal_type: str
) -> Accepted:
    from ledger.assembly.seal_judging import read_for_register
    from ledger.cli.seal_verifying import MOST
    from ledger.core.registries import Kind
    from ledger.crypto.digests import digest_path
    from ledger.services.forms import parse
    from ledger.services.seal_files import claims_of

    definition, digest = app.types.of_kind(Kind.SEAL), digest_path(file)
    app.seals.require_new(digest.sha256)
    found = read_for_register(app, registrar, read_file(file, MOST))
    seal_making.say_doubts(session, found.doubts)
    row = parse(definition, claims_of(found, owner, seal_type), registrar)
    return app.issuing.issue(registrar, definition, row.values, valid=(row.valid_from, row.valid_until), files=[digest])


def _register_picture(
    app: App, registrar: str, named: dict[str, str], certificate: Path | None, images: list[Path]
) -> Accepted:
    from ledger.cli.certificates import read_certificate_file
    from ledger.core.registries import Kind
    from ledger.crypto.certificates import fingerprint
    from ledger.crypto.digests import digest_path
    from ledger.services.forms import parse

    definition = app.types.of_kind(Kind.SEAL)
    der = read_certificate_file(certificate) if certificate else app.signer(registrar).certificate
    files = [digest_path(image) for image in images]
    named |= {"certificate": fingerprint(der).hex()} | ({"picture": files[0].sm3.hex()} if files else {})
    row = parse(definition, named, registrar)
    return app.issuing.issue(registrar, definition, row.values, files=files)
