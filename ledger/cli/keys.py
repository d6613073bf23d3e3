"""``key``: the keys that lie in this data folder. Private halves are never shown."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about, table
from ledger.errors import ConflictError, InputError, NotFoundError

if TYPE_CHECKING:
    from ledger.assembly.app import App

GROUP = about("密钥", "keys", "zhengyin key list")
NEW = about(
    "生成密钥；signing 密钥由本地测试 CA 发证，或用 --csr 生成证书请求交 CA 发证",
    "make a key; a signing key is certified by a test CA here, or --csr writes a request for a real one",
    "zhengyin --org 114401000700000148 key new signing --name y2027 --certify",
)
IMPORT = about(
    "导入密钥（PKCS#8 PEM）或证书",
    "import a key (PKCS#8 PEM) or the certificate a CA issued",
    "zhengyin --org 114401000700000148 key import office.crt --purpose certificate --name y2027",
)
LIST = about("列出密钥", "list the keys", "zhengyin key list --json")
PURPOSES = ("signing", "account", "council", "node")
PASSWORD = "ZHENGYIN_IMPORT_PASSPHRASE"  # noqa: S105 - the name of a variable


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="key", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("new", help=NEW)(new)
    app.command("import", help=IMPORT)(import_)
    app.command("list", help=LIST)(list_)
    root.add_typer(app)


def new(
    context: typer.Context,
    purpose: Annotated[str, typer.Argument(metavar="PURPOSE", help="signing | account | council | node | approval")],
    name: Annotated[str, typer.Option(help="密钥名称 · name of the key")] = "main",
    algorithm: Annotated[str | None, typer.Option(help="算法 · algorithm, e.g. ecdsa-p256, rsa-3072")] = None,
    certify: Annotated[
        bool, typer.Option("--certify", help="由本地测试 CA 发证 · certified by a test CA here")
    ] = False,
    authority: Annotated[str | None, typer.Option(help="测试 CA 文件夹名 · which test CA")] = None,
    organization: Annotated[
        str | None, typer.Option("--organization-name", help="证书中的机构名称 · name in the certificate")
    ] = None,
    csr: Annotated[
        Path | None,
        typer.Option("--csr", dir_okay=False, metavar="FILE", help="证书请求（PKCS#10） · request for a CA"),
    ] = None,
) -> int:
    session: Session = context.obj
    if csr is not None and (purpose != "signing" or certify):
        raise InputError("CLI_KEY_CSR")
    from ledger.assembly.file_acts import keys_logged

    if purpose not in (*PURPOSES, "approval"):
        raise InputError("CLI_KEY_PURPOSE", known=", ".join((*PURPOSES, "approval")))
    with session.app() as app, keys_logged(app, "key.new", organisation := session.acting(app)):
        value = {"organisation": organisation, "name": name, "purpose": purpose}
        if purpose == "approval":
            app.keys.create_secret(organisation, name, purpose)
            text = name
        elif purpose == "signing" and certify:
            from ledger.assembly import council_work

            certificate = council_work.certify(app, organisation, organization or organisation, name, authority)
            text = value["certificate"] = _pem(certificate, "CERTIFICATE")
            session.note("CLI_ORG_TEST_CERTIFICATE")
        elif csr is not None:
            text = value["csr"] = str(csr)
            _request(app, organisation, name, organization or organisation, algorithm, csr)
        else:
            text = value["publicKey"] = _pem(app.keys.create(organisation, name, purpose, algorithm), "PUBLIC KEY")
        if purpose == "account":
            text = value["account"] = "0x" + app.keys.account(organisation, name).address.hex()
        if purpose in ("signing", "account"):
            session.note("CLI_KEY_BIND")
    session.result(value, text)
    return 0


def _request(app: App, organisation: str, name: str, words: str, algorithm: str | None, file: Path) -> None:
    """Make the key, unless one waits for its certificate already, and write the request.

    Raises:
        ConflictError: KEYS_EXISTS where the key has its certificate.
    """
    try:
        app.keys.signing(organisation, name)
    except NotFoundError:
        if name not in app.keys.names(organisation, "signing"):  # else it waits for its certificate
            app.keys.create(organisation, name, "signing", algorithm)
    else:
        raise ConflictError("KEYS_EXISTS", file=f"{name}.signing.crt")
    file.write_text(_pem(app.keys.request(organisation, name, words), "CERTIFICATE REQUEST") + "\n", "ascii")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="PEM")],
    purpose: Annotated[str, typer.Option(help="signing | account | council | node | certificate")],
    name: Annotated[str, typer.Option(help="密钥名称 · name of the key")] = "main",
) -> int:
    session: Session = context.obj
    from ledger.assembly.file_acts import keys_logged
    from ledger.cli.certificates import read_certificate_file

    with session.app() as app, keys_logged(app, "key.import", organisation := session.acting(app)):
        if purpose == "certificate":
            app.keys.put_certificate(organisation, name, read_certificate_file(file))
        elif purpose in PURPOSES:
            words = os.environ.get(PASSWORD)
            app.keys.import_pem(organisation, name, purpose, file.read_bytes(), words.encode() if words else None)
        else:
            raise InputError("CLI_KEY_PURPOSE", known=", ".join((*PURPOSES, "certificate")))
    session.result(
        {"organisation": organisation, "name": name, "purpose": purpose}, f"{organisation}  {name}  {purpose}"
    )
    return 0


def list_(context: typer.Context) -> int:
    session: Session = context.obj
    with session.app() as app:
        values = [
            {
                "organisation": e.organisation, "name": e.name, "purpose": e.purpose, "algorithm": e.algorithm,
                "fingerprint": e.fingerprint.hex(),
            }
            for e in app.keys.list()
        ]  # fmt: skip
    rows = [[v["organisation"], v["name"], v["purpose"], v["algorithm"], v["fingerprint"][:16]] for v in values]
    session.results(values, table([["organisation", "name", "purpose", "algorithm", "fingerprint"], *rows]))
    return 0


def _pem(der: bytes, label: str) -> str:
    """RFC 7468."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"])
