"""``timestamp``: time-stamps of any file from any RFC 3161 authority, got and verified; ``verify`` is offline."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError

TIMESTAMP = about(
    "时间戳（RFC 3161、GM/T 0033）", "time-stamps", "zhengyin timestamp get contract.pdf --out contract.tst"
)
GET = about(
    "为文件取得时间戳",
    "get a time-stamp over a file",
    "zhengyin timestamp get contract.pdf --url http://tsa.example/tsr --out contract.tst",
    "可给多个 --url，依次询问；不给则用设置中的 timestamp_urls。Several --url are asked in turn; without, those of the "
    "settings are.",
)
VERIFY = about(
    "核验时间戳",
    "verify a time-stamp",
    "zhengyin timestamp verify contract.tst --data contract.pdf --root tsa-ca.pem --crl tsa-ca.crl",
    "不给 --root 则不判断时间戳服务是否可信，结论至多为“暂时无法判定”。Without --root the authority is not judged, and "
    "the answer is at best undetermined.",
)
MOST = 1 << 20
"""Bytes read of a token or a list: beyond every limit of theirs, so that a longer one is refused by its own rule."""
_OID = 0x06


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="timestamp", help=TIMESTAMP, rich_markup_mode=None, no_args_is_help=True)
    app.command("get", help=GET)(get)
    app.command("verify", help=VERIFY)(verify)
    root.add_typer(app)


def get(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="文件 · file")],
    out: Annotated[Path, typer.Option("--out", help="时间戳写到哪里 · where the time-stamp goes")],
    urls: Annotated[
        list[str] | None, typer.Option("--url", "--authority", help="时间戳服务的网址 · address of an authority")
    ] = None,
    digest: Annotated[
        Literal["sha256", "sha384", "sha512", "sm3"], typer.Option(help="摘要算法 · digest of the file")
    ] = "sha256",
    policy: Annotated[str | None, typer.Option(help="所需策略的 OID · OID of the policy wanted")] = None,
) -> int:
    session: Session = context.obj
    from ledger.cli.files import require_new, write_new
    from ledger.core.bundles import ValidationData
    from ledger.crypto.tst_info import over_file
    from ledger.outside.timestamp_client import TimestampClient
    from ledger.services.token_reports import report_token
    from ledger.settings import load_settings

    require_new(out)
    if not urls and session.founded:
        settings = load_settings(session.home)
        urls, policy = list(settings.timestamp_urls), policy or settings.timestamp_policy
    client = TimestampClient(urls or (), time.time, policy=policy)
    with _demonstration(session):
        token = client.stamp_digest(over_file(file), digest)
    write_new(out, token)
    said = report_token(token, over_file(file), (), ValidationData((), (), ()), int(time.time())).proved
    session.result({"file": str(out), **said}, session.words("TIMESTAMP_WRITTEN", file=out, **_shown(said)))
    return 0


def verify(
    context: typer.Context,
    token: Annotated[Path, typer.Argument(metavar="TOKEN", help="时间戳或时间戳服务的答复 · token, or an answer")],
    data: Annotated[Path, typer.Option("--data", exists=True, dir_okay=False, help="文件 · what it is about")],
    roots: Annotated[list[Path] | None, typer.Option("--root", help="认可的根证书 · recognised authority")] = None,
    certificates: Annotated[
        list[Path] | None, typer.Option("--certificate", help="中间证书 · certificate between")
    ] = None,
    crls: Annotated[list[Path] | None, typer.Option("--crl", help="吊销列表 · revocation list")] = None,
    ocsps: Annotated[list[Path] | None, typer.Option("--ocsp", help="OCSP 响应 · OCSP response")] = None,
) -> int:
    session: Session = context.obj
    from ledger.cli.files import naming, read_all, read_file
    from ledger.core.bundles import ValidationData
    from ledger.crypto.certificate_files import read_certificates, read_lists, read_responses
    from ledger.crypto.tst_info import over_file
    from ledger.services.token_reports import report_token

    if not roots and (certificates or crls or ocsps):
        raise InputError("CLI_TIMESTAMP_NO_ROOT")
    beside = ValidationData(
        read_all(certificates, read_certificates, MOST),
        read_all(crls, read_lists, MOST),
        read_all(ocsps, read_responses, MOST),
    )
    anchors = read_all(roots, read_certificates, MOST)
    with naming(token):
        stamp = _token(read_file(token, MOST))
    report = report_token(stamp, over_file(data), anchors, beside, int(time.time()))
    session.result({"file": str(token), **report.to_json()}, report.text(session.language))
    return report.exit_code


def _demonstration(session: Session) -> AbstractContextManager[None]:
    """In a ledger with the demonstration's ten authorities these answer meanwhile, as for its other commands."""
    from ledger.assembly.home import Home
    from ledger.outside.demo_pki.pki import ABOUT
    from ledger.outside.demo_pki.server import served

    folder = Home(session.home).authorities
    return served(folder, time.time) if (folder / ABOUT).exists() else nullcontext()


def _token(data: bytes) -> bytes:
    """Of a token or of the answer that holds one. Raises InputError TIMESTAMP_RESPONSE, TIMESTAMP_REFUSED."""
    from ledger.crypto import der
    from ledger.crypto.timestamp_exchange import read_response

    try:
        first = der.read(data, der.SEQUENCE).children()[0]
    except (InputError, IndexError):
        return data  # which is refused by its own rule
    return data if first.tag == _OID else read_response(data)


def _shown(said: dict[str, object]) -> dict[str, object]:
    from ledger.verification.words import instant

    return said | {"time": instant(int(str(said["time"])))}
