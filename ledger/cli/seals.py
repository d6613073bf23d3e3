"""``seal``: e-seals are registered as records; seals and seal signatures made anywhere are verified, offline."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.issuing import Wait, say_accepted
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.crypto.ses.judging import Judges
    from ledger.crypto.ses.reports import SealReport

SEAL = about("电子印章", "e-seals", "zhengyin seal verify Seal.esl")
REGISTER = about(
    "登记电子印章",
    "register an e-seal",
    "zhengyin seal register --name 登记专用章 --owner 114401000700000148 --image seal.png",
)
VERIFY = about(
    "核验电子印章（.esl）或电子签章（SignedValue.dat）",
    "verify an e-seal (.esl) or a seal signature (SignedValue.dat)",
    "zhengyin seal verify Seal.esl --root ca.pem --crl ca.crl --at 2026-05-01",
    "不给 --root 则证书路径与吊销不作判断，结论至多为“尚不能判定”。Without --root paths and revocation are not "
    "judged, and the answer is at best undetermined.",
)
MOST = 4 << 20
"""Bytes read of a file: beyond every limit of the format, so that a longer one is refused by its own rule."""


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="seal", help=SEAL, rich_markup_mode=None, no_args_is_help=True)
    app.command("register", help=REGISTER)(register_seal)
    app.command("verify", help=VERIFY)(verify_seal)
    root.add_typer(app)


def register_seal(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="印章名称 · name of the seal")],
    owner: Annotated[str, typer.Option(help="所属主体代码 · credit code of its owner")],
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
    from ledger.cli.certificates import read_certificate_file
    from ledger.core.registries import Kind
    from ledger.crypto.certificates import fingerprint
    from ledger.crypto.digests import digest_path
    from ledger.services.forms import parse

    with session.app() as app:
        registrar, definition = session.acting(app), app.types.of_kind(Kind.SEAL)
        der = read_certificate_file(certificate) if certificate else app.signer(registrar).certificate
        named = {"name": name, "owner": owner, "sealType": seal_type, "certificate": fingerprint(der).hex()}
        row = parse(definition, named, registrar)
        digests = [digest_path(f) for f in images or ()]
        return say_accepted(session, app, app.issuing.issue(registrar, definition, row.values, files=digests), wait)


def verify_seal(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="印章或签章文件 · seal or seal signature")],
    roots: Annotated[list[Path] | None, typer.Option("--root", help="认可的根证书 · recognised authority")] = None,
    certificates: Annotated[
        list[Path] | None, typer.Option("--certificate", help="中间证书 · certificate between")
    ] = None,
    crls: Annotated[list[Path] | None, typer.Option("--crl", help="吊销列表 · revocation list")] = None,
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

    data, moment = _bytes(file), instant(at) if at else int(time.time())
    judges = _judges(roots or [], certificates or [], crls or [])
    report: SealReport
    if is_signature(data):
        digest = digest_path(document).sm3 if document else None
        beside = Expected(digest, path, _bytes(seal) if seal else None)
        report = verifying.verify_signature(data, moment, beside, judges)
    elif document or seal or path:
        raise InputError("CLI_SEAL_ALONE")
    else:
        report = verifying.verify_seal(data, moment, judges)
    session.result({"file": str(file), **report.to_json()}, report.text(session.language))
    return report.exit_code


def _judges(roots: list[Path], certificates: list[Path], crls: list[Path]) -> Judges | None:
    from ledger.cli.certificates import read_certificate_file
    from ledger.crypto.ses.judging import Judges
    from ledger.crypto.ses.paths import path_judge

    if not roots:
        if certificates or crls:
            raise InputError("CLI_SEAL_NO_ROOT")
        return None
    judge = path_judge(
        [read_certificate_file(f) for f in roots],
        [read_certificate_file(f) for f in certificates],
        [_crl(f) for f in crls],
    )
    return Judges(judge, judge)


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
