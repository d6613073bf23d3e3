"""``signature verify``: detached signatures (CMS) over files, whoever made them; offline."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.core.trust import Trust
    from ledger.crypto.foreign_cms import ForeignSignature

SIGNATURE = about(
    "文件的分离式签名（CAdES）",
    "detached signatures over files (CAdES)",
    "zhengyin signature verify notice.pdf.p7s --data notice.pdf",
)
VERIFY = about(
    "核验文件的分离式签名",
    "verify a detached signature over a file",
    "zhengyin signature verify notice.pdf.p7s --data notice.pdf --root ca.pem --crl ca.crl",
    "按 --root 所给机构，或按信任文件（默认为数据文件夹的）判断；签名所附的证书与吊销信息一并使用，不联网。Judged by "
    "the authorities given, or by a trust file (the data folder's); what is enclosed is used, nothing is fetched.",
)
MOST = (1 << 20) + 1
"""Bytes read of a signature or a list: beyond the limits of theirs, so that a longer one is refused by its own rule."""
MOST_SIGNED = 256 << 20
"""Bytes of a file that is signed as it is, and not by its digest."""


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="signature", help=SIGNATURE, rich_markup_mode=None, no_args_is_help=True)
    app.callback()(lambda: None)  # a group although it has one command
    app.command("verify", help=VERIFY)(verify)
    root.add_typer(app)


def verify(
    context: typer.Context,
    signature: Annotated[
        Path, typer.Argument(metavar="SIG", exists=True, dir_okay=False, help="签名文件 · signature (.p7s)")
    ],
    data: Annotated[Path, typer.Option("--data", exists=True, dir_okay=False, help="被签文件 · what was signed")],
    roots: Annotated[list[Path] | None, typer.Option("--root", help="认可的根证书 · recognised authority")] = None,
    trust: Annotated[Path | None, typer.Option(help="信任文件 · trust file; default: that of the data folder")] = None,
    certificates: Annotated[
        list[Path] | None, typer.Option("--certificate", help="中间证书 · certificate between")
    ] = None,
    crls: Annotated[list[Path] | None, typer.Option("--crl", help="吊销列表 · revocation list")] = None,
    ocsps: Annotated[list[Path] | None, typer.Option("--ocsp", help="OCSP 响应 · OCSP response")] = None,
    at: Annotated[str | None, typer.Option(help="核验时间，默认现在 · instant; default: now")] = None,
) -> int:
    session: Session = context.obj
    from ledger.cli.files import read_all
    from ledger.cli.values import instant
    from ledger.core.bundles import ValidationData
    from ledger.crypto.certificate_files import read_certificates, read_lists, read_responses
    from ledger.services.crypto_reports import Judge

    if roots and trust:
        raise InputError("CLI_SIGNATURE_ONE_TRUST")
    moment = instant(at) if at else int(time.time())
    brought = ValidationData(
        read_all(certificates, read_certificates, MOST),
        read_all(crls, read_lists, MOST),
        read_all(ocsps, read_responses, MOST),
    )
    judge = Judge(_trust(session, read_all(roots, read_certificates, MOST), trust, moment), (), moment)
    report = judge.signature(_reading(_signature(signature), data), brought)
    session.result({"file": str(data), "signature": str(signature), **report.to_json()}, report.text(session.language))
    return report.exit_code


def _trust(session: Session, roots: tuple[bytes, ...], file: Path | None, moment: int) -> Trust:
    """Raises NotFoundError TRUST_FILE_MISSING. InputError: TRUST_…, SHAPE_…."""
    from ledger.assembly.trust_files import read_trust_file
    from ledger.services.crypto_reports import trust_under

    if file is None and (roots or not session.founded):
        return trust_under(roots, moment)
    return read_trust_file(file or session.home / "trust.json").content


def _reading(cms: bytes, file: Path) -> Callable[[Sequence[bytes]], ForeignSignature]:
    """By the file's digest, so that it may have any size; where no attributes are signed the file itself is."""
    from ledger.crypto.foreign_cms import verify_digest, verify_foreign
    from ledger.crypto.tst_info import over_file

    def read(certificates: Sequence[bytes]) -> ForeignSignature:
        try:
            return verify_digest(cms, over_file(file), certificates)
        except NotFoundError:
            if file.stat().st_size > MOST_SIGNED:
                raise
            return verify_foreign(cms, file.read_bytes(), certificates)

    return read


def _signature(path: Path) -> bytes:
    """DER of the CMS, which may come as PEM. Raises InputError CLI_FILE_MISSING, PEM_BASE64."""
    from ledger.cli.files import naming, read_file
    from ledger.crypto import pem

    data = read_file(path, MOST)
    with naming(path):
        blocks = [der for label, der in pem.read(data) if label in ("CMS", "PKCS7")] if pem.is_pem(data) else []
    return blocks[0] if len(blocks) == 1 else data
