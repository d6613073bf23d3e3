"""``seal make`` and ``seal stamp``: a new e-seal, and its use on a document."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ledger.cli.files import require_new, write_new
from ledger.cli.issuing import Wait
from ledger.cli.outbox import settle
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.core.verdicts import Finding

MAKE = about(
    "制作电子印章（.esl，GB/T 38540-2020 或 GM/T 0031-2025），以制章人的 SM2 密钥签名",
    "make an e-seal (.esl, GB/T 38540-2020 or GM/T 0031-2025), signed with the maker's SM2 key",
    "zhengyin --org 91440101000800112H seal make --name 登记专用章 --id 4401000000001 --signer office.crt "
    "--image seal.png --until 2029-12-31 --key maker --out Seal.esl",
)
STAMP = about(
    "用印：在 PDF 或 OFD 上盖章，并先登记这次用印；印章停用、过期、未登记或制章人已不被认可则拒绝",
    "seal a PDF or an OFD file and enter the use; refused where the seal is suspended, expired or unregistered, or its "
    "maker no longer stands",
    "zhengyin seal stamp Seal.esl license.pdf --key seal --reason 办理登记 --out license-sealed.pdf",
    "位置以毫米计，自页面左下角起。Places are in millimetres from the page's lower left corner.",
)
Seal = Annotated[Path, typer.Argument(metavar="SEAL", exists=True, dir_okay=False, help="印章文件 · seal file (.esl)")]


def register(app: typer.Typer) -> None:
    app.command("make", help=MAKE)(make)
    app.command("stamp", help=STAMP)(stamp)


def make(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="印章名称 · name of the seal")],
    seal_id: Annotated[str, typer.Option("--id", help="印章编码 · identifier of the seal")],
    signers: Annotated[
        list[Path],
        typer.Option("--signer", exists=True, dir_okay=False, help="可用印的证书 · certificate that may use it"),
    ],
    image: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="印模（PNG） · picture (PNG)")],
    until: Annotated[str, typer.Option(help="有效期止 · end of its validity")],
    out: Annotated[Path, typer.Option("--out", "-o", dir_okay=False, help="印章文件 · the seal file")],
    since: Annotated[str | None, typer.Option("--from", help="有效期起，默认现在 · from when; default: now")] = None,
    key: Annotated[str, typer.Option(help="制章人的签名密钥（SM2） · the maker's signing key (SM2)")] = "main",
    width: Annotated[int, typer.Option(min=1, max=500, help="印模宽（毫米） · width, mm")] = 40,
    height: Annotated[int, typer.Option(min=1, max=500, help="印模高（毫米） · height, mm")] = 40,
    version: Annotated[Literal["4", "5"], typer.Option(help="4：GB/T 38540；5：GM/T 0031-2025 · format")] = "5",
    kind: Annotated[
        Literal["organisation", "person"], typer.Option("--type", help="机构章或个人章 · whose seal")
    ] = "organisation",
    vendor: Annotated[str, typer.Option(help="厂商标识 · vendor, as the header names it")] = "ZY",
    by_digest: Annotated[
        bool, typer.Option("--by-digest", help="只列证书摘要 · name the certificates by their digests only")
    ] = False,
    for_pdf: Annotated[
        bool, typer.Option("--for-pdf", help="可列非 SM2 证书，只能盖 PDF · also certificates not of SM2, for PDF")
    ] = False,
) -> int:
    session: Session = context.obj
    from ledger.assembly.seal_making import SealOrder, make_seal_file
    from ledger.cli.certificates import read_certificate_file
    from ledger.cli.values import instant
    from ledger.core.seal_uses import DAY, date_of
    from ledger.crypto.ses.values import Picture, Version

    require_new(out)
    certificates = tuple(read_certificate_file(file) for file in signers)
    end = instant(until) + (DAY - 1 if len(until) == 10 else 0)  # a date alone: with its last second
    with session.app() as app:
        order = SealOrder(
            *(Version(int(version)), vendor, seal_id, 1 if kind == "organisation" else 2, name, certificates),
            *(instant(since) if since else int(app.clock()), end, Picture("PNG", _read(image), width, height)),
            *(by_digest, key, for_pdf),
        )
        made = make_seal_file(app, session.acting(app), order)
    write_new(out, made.data)
    value = {"file": str(out), "name": name, "version": int(version), "sha256": made.sha256.hex(), "until": end}
    session.result(value, session.words("CLI_SEAL_MADE", file=out, name=name, version=version, until=date_of(end)))
    return 0


def stamp(
    context: typer.Context,
    seal: Seal,
    document: Annotated[
        Path, typer.Argument(metavar="DOCUMENT", exists=True, dir_okay=False, help="PDF 或 OFD · PDF or OFD file")
    ],
    reason: Annotated[str, typer.Option(help="用印事由，不写个人信息 · reason; nothing personal")],
    out: Annotated[Path, typer.Option("--out", "-o", dir_okay=False, help="盖章后的文件 · the sealed file")],
    key: Annotated[str, typer.Option(help="签名密钥名称 · name of the signing key")] = "main",
    operator: Annotated[
        str | None, typer.Option(help="经办人，只记其假名；默认为登录名 · who does it, kept as a pseudonym")
    ] = None,
    page: Annotated[int, typer.Option(help="页码，从 1 起，负数从末页数 · page from 1; negative: from the end")] = -1,
    left: Annotated[float, typer.Option(help="距左边（毫米） · from the left edge, mm")] = 120,
    bottom: Annotated[float, typer.Option(help="距下边（毫米） · from the lower edge, mm")] = 40,
    field: Annotated[str | None, typer.Option(help="PDF 签名域名称 · name of the PDF's signature field")] = None,
    no_validation: Annotated[
        bool, typer.Option("--no-validation", help="PDF 中不存吊销数据 · store no revocation data in a PDF")
    ] = False,
    wait: Wait = False,
) -> int:
    session: Session = context.obj
    import getpass

    from ledger.assembly import stamping
    from ledger.crypto.ofd.making import Place

    if page == 0:
        raise InputError("CLI_SEAL_PAGE")
    if out.exists() and out.samefile(document):
        raise InputError("CLI_SEAL_OUT_SAME")
    require_new(out)
    part = _part(out)  # where nothing can be written nothing is sealed
    try:
        order = stamping.StampOrder(
            *(_read(seal), _read(document), key, reason, operator or getpass.getuser()),
            *(Place(page - 1 if page > 0 else page, left, bottom), field, not no_validation),
        )
        with session.app() as app:
            done = stamping.stamp(app, session.acting(app), order)
            part.write_bytes(done.data)
            part.replace(out)
            say_doubts(session, done.doubts)
            code = settle(session, app, wait)
    finally:
        with suppress(OSError):
            part.unlink()
    value = {
        "file": str(out),
        "form": done.form,
        "seal": done.seal.leaf.hex(),
        "use": {"id": done.use.id, "leaf": done.use.leaf.hex()},
        "timestamped": done.timestamped,
    }
    session.result(value, session.words("CLI_SEAL_STAMPED", file=out, name=done.seal.name, id=done.use.id))
    return code


def say_doubts(session: Session, doubts: Iterable[Finding]) -> None:
    """What could not be told of a seal, and did not stop it."""
    for doubt in doubts:
        session.note("CLI_SEAL_DOUBT", code=doubt.code, words=doubt.text(session.language))


def _part(out: Path) -> Path:
    """An empty file beside ``out``. Raises InputError CLI_FILE_MISSING: there is no such folder, or not for us."""
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.touch(exist_ok=False)
    except OSError as error:
        raise InputError("CLI_FILE_MISSING", file=str(out)) from error
    return part


def _read(path: Path) -> bytes:
    from ledger.cli.seal_verifying import MOST

    with path.open("rb") as stream:
        return stream.read(MOST)
