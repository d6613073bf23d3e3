"""``seal``: e-seals are registered as records; seals and seal signatures made anywhere are verified, offline."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli import seal_log, seal_making
from ledger.cli.issuing import Wait, say_accepted
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.crypto.ses.judging import Judges
    from ledger.crypto.ses.reports import SealReport
    from ledger.services.issuing import Accepted
    from ledger.verification.sealed import SealedReport

SEAL = about("电子印章", "e-seals", "zhengyin seal verify Seal.esl")
REGISTER = about(
    "登记电子印章：由印章文件（.esl），或由名称与印模",
    "register an e-seal: from its file (.esl), or from name and picture",
    "zhengyin seal register Seal.esl --owner 114401000700000148",
    "印章文件自带名称、编码、有效期、制章人与印模。A seal file brings name, identifier, validity, maker and picture.",
)
VERIFY = about(
    "核验盖章文件（OFD）、电子印章（.esl）或电子签章（SignedValue.dat）",
    "verify a sealed document (OFD), an e-seal (.esl) or a seal signature (SignedValue.dat)",
    "zhengyin seal verify license.ofd --root ca.pem --crl ca.crl --at 2026-05-01",
    "不给 --root 则证书路径与吊销不作判断，结论至多为“尚不能判定”。Without --root paths and revocation are not "
    "judged, and the answer is at best undetermined.",
)
MOST = (64 << 20) + 1
"""Bytes read of a file: beyond every limit of the formats, so that a longer one is refused by its own rule."""


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="seal", help=SEAL, rich_markup_mode=None, no_args_is_help=True)
    app.command("register", help=REGISTER)(register_seal)
    app.command("verify", help=VERIFY)(verify_seal)
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
            accepted = _register_file(app, registrar, file, owner, seal_type)
        else:
            told = {"name": name, "owner": owner, "sealType": seal_type}
            named = {field: text for field, text in told.items() if text is not None}
            accepted = _register_picture(app, registrar, named, certificate, images or [])
        return say_accepted(session, app, accepted, wait)


def _register_file(app: App, registrar: str, file: Path, owner: str | None, seal_type: str) -> Accepted:
    from ledger.core.registries import Kind
    from ledger.crypto.digests import digest_path
    from ledger.services.forms import parse
    from ledger.services.seal_files import claims_of, read_seal_file

    definition, digest = app.types.of_kind(Kind.SEAL), digest_path(file)
    app.seals.require_new(digest.sha256)
    claims = claims_of(read_seal_file(_bytes(file), int(app.clock())), owner, seal_type)
    row = parse(definition, claims, registrar)
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


def verify_seal(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="盖章文件、印章或签章 · document, seal or signature")],
    roots: Annotated[list[Path] | None, typer.Option("--root", help="认可的根证书 · recognised authority")] = None,
    certificates: Annotated[
        list[Path] | None, typer.Option("--certificate", help="中间证书 · certificate between")
    ] = None,
    crls: Annotated[list[Path] | None, typer.Option("--crl", help="吊销列表 · revocation list")] = None,
    ocsps: Annotated[list[Path] | None, typer.Option("--ocsp", help="OCSP 应答 · OCSP response (DER)")] = None,
    at: Annotated[str | None, typer.Option(help="核验时间，默认现在 · instant; default: now")] = None,
    document: Annotated[
        Path | None,
        typer.Option(help="被签章的原文 · what was sealed (Signature.xml of an OFD)"),
    ] = None,
    seal: Annotated[Path | None, typer.Option("--seal", help="旁附的 Seal.esl · the seal file beside it")] = None,
    path: Annotated[str | None, typer.Option("--path", help="原文在包内的路径 · path of what was sealed")] = None,
) -> int:
    session: Session = context.obj
    from ledger.cli.values import instant
    from ledger.crypto.digests import digest_path
    from ledger.crypto.ses import verifying
    from ledger.crypto.ses.judging import Expected
    from ledger.crypto.ses.parsing import is_signature
    from ledger.verification.sealed import format_of

    data, moment = _bytes(file), instant(at) if at else int(time.time())
    judges = _judges(roots or [], certificates or [], crls or [], ocsps or [], moment)
    report: SealReport | SealedReport
    if (sealed := format_of(data)) is not None:
        if document or seal or path:
            raise InputError("CLI_SEAL_ALONE")
        report = sealed.verify(data, moment, None, judges)
    elif is_signature(data):
        digest = digest_path(document).sm3 if document else None
        beside = Expected(digest, path, _bytes(seal) if seal else None)
        report = verifying.verify_signature(data, moment, beside, judges)
    elif document or seal or path:
        raise InputError("CLI_SEAL_ALONE")
    else:
        report = verifying.verify_seal(data, moment, judges)
    session.result({"file": str(file), **report.to_json()}, report.text(session.language))
    return report.exit_code


def _judges(
    roots: list[Path], certificates: list[Path], crls: list[Path], ocsps: list[Path], moment: int
) -> Judges | None:
    from ledger.cli.certificates import read_certificate_file
    from ledger.core.bundles import ValidationData
    from ledger.services.seal_judges import judges_under

    if not roots:
        if certificates or crls or ocsps:
            raise InputError("CLI_SEAL_NO_ROOT")
        return None
    data = ValidationData(
        tuple(read_certificate_file(f) for f in certificates),
        tuple(_crl(f) for f in crls),
        tuple(_bytes(f) for f in ocsps),
    )
    return judges_under([read_certificate_file(f) for f in roots], data, moment)


def _crl(path: Path) -> bytes:
    """DER of a CRL in a file, PEM or DER. Raises InputError REVOCATION_CRL_SYNTAX."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    data = _bytes(path)
    if not data.startswith(b"-----BEGIN"):
        return data
    try:
        return x509.load_pem_x509_crl(data).public_bytes(Encoding.DER)
    except ValueError as e:
        raise InputError("REVOCATION_CRL_SYNTAX") from e


def _bytes(path: Path) -> bytes:
    """Raises InputError CLI_FILE_MISSING."""
    try:
        with path.open("rb") as stream:
            return stream.read(MOST)
    except OSError as e:
        raise InputError("CLI_FILE_MISSING", file=str(path)) from e
