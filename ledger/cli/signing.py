"""``sign``: a detached signature over a file, by a signing key of this data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError

SIGN = about(
    "用签名密钥对文件签名，生成分离式 CMS（CAdES）",
    "sign a file with a signing key: a detached CMS (CAdES)",
    "zhengyin --org 114401000700000148 sign notice.pdf --key y2027 --level lt --out notice.pdf.p7s",
    "级别 b：仅签名；t：加时间戳；lt：再附证书与吊销信息，可长期离线核验（signature verify）。Level b: the signature; "
    "t: with a time-stamp; lt: with certificates and revocation data as well, to be verified offline for years.",
)
MAX_BYTES = 256 << 20
"""A CMS is made over the content as a whole, in memory."""


def register(root: typer.Typer) -> None:
    root.command("sign", help=SIGN)(sign)


def sign(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="待签文件 · what to sign")],
    key: Annotated[str, typer.Option(help="签名密钥名称 · name of the signing key")] = "main",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", dir_okay=False, metavar="FILE.p7s", help="签名文件 · the signature; FILE.p7s"),
    ] = None,
    level: Annotated[Literal["b", "t", "lt"], typer.Option(help="CAdES 级别 · B-B, B-T or B-LT")] = "b",
    authorities: Annotated[
        list[str] | None,
        typer.Option("--authority", metavar="URL", help="时间戳服务，默认见设置 · time-stamp authority; the settings'"),
    ] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly.file_signing import sign_file
    from ledger.cli.files import require_new, write_new
    from ledger.crypto.certificates import fingerprint
    from ledger.verification.words import instant

    if file.stat().st_size > MAX_BYTES:
        raise InputError("CLI_SIGN_LARGE", limit=MAX_BYTES)
    content, target = file.read_bytes(), out or file.with_name(f"{file.name}.p7s")
    require_new(target)
    with session.app() as app:
        made = sign_file(app, session.acting(app), key, content, level, authorities or ())
    write_new(target, made.cms)
    found = made.found
    value = {
        "file": str(file),
        "signature": str(target),
        "certificate": fingerprint(found.certificate).hex(),
        "organization": found.organization,
        "algorithm": found.algorithm,
        "signingTime": found.signing_time,
        "level": level,
        "time": made.time,
    }
    shown = f"{target}  {found.algorithm}  {found.organization or '–'}  CAdES-B-{level.upper()}"
    session.result(value, shown if made.time is None else f"{shown}  {instant(made.time)}")
    return 0
