"""``key``: the keys that lie in this data folder. Private halves are never shown."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli import data_keys
from ledger.cli.session import Session
from ledger.cli.texts import about, table
from ledger.crypto import pem
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError

if TYPE_CHECKING:
    from ledger.assembly.app import App

GROUP = about("密钥", "keys", "zhengyin key list")
NEW = about(
    "生成密钥；signing 密钥由本地测试 CA 发证，或用 --csr 生成证书请求交 CA 发证",
    "make a key; a signing key is certified by a test CA here, or --csr writes a request for a real one",
    "zhengyin --org 114401000700000148 key new signing --name y2027 --certify",
    "service 与 data 密钥供密码服务使用：前者签名，后者加密（sm4-gcm、aes-256-gcm）。"
    "Keys for the crypto service: service signs, data encrypts (sm4-gcm, aes-256-gcm).",
)
IMPORT = about(
    "导入密钥（PKCS#8、SEC 1、PKCS#12，或令牌中的 PKCS#11 密钥）或证书",
    "import a key (PKCS#8, SEC 1, PKCS#12, or one in a PKCS#11 token) or the certificate a CA issued",
    "zhengyin --org 114401000700000148 key import office.p12 --purpose signing --name y2027",
    "文件的口令取自 ZHENGYIN_IMPORT_PASSPHRASE、ZHENGYIN_IMPORT_PASSPHRASE_FILE，否则提示输入。"
    "The file's passphrase comes from these variables, else it is asked for.",
)
LIST = about("列出密钥", "list the keys", "zhengyin key list --json")
PURPOSES = ("signing", "service", "account", "council", "node")
CERTIFIED = ("signing", "service")
MADE = (*PURPOSES, "data", "approval")
ALGORITHMS = "ecdsa-p256, ecdsa-p384, ed25519, sm2, rsa-2048|3072|4096, rsa-pss-2048|3072|4096"
KEPT = {"file": "file", "pkcs11": "hardware (PKCS#11)", "signer": "remote signer"}
PASSWORD = "ZHENGYIN_IMPORT_PASSPHRASE"  # noqa: S105 - the name of a variable


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="key", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("new", help=NEW)(new)
    app.command("import", help=IMPORT)(import_)
    app.command("list", help=LIST)(list_)
    data_keys.register(app)
    root.add_typer(app)


def new(
    context: typer.Context,
    purpose: Annotated[str, typer.Argument(metavar="PURPOSE", help=" | ".join(MADE))],
    name: Annotated[str, typer.Option(help="密钥名称 · name of the key")] = "main",
    algorithm: Annotated[str | None, typer.Option(help=f"算法 · algorithm: {ALGORITHMS}")] = None,
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
    pkcs11: Annotated[
        str | None, typer.Option(metavar="URI", help="在令牌中生成（RFC 7512） · make it in a token")
    ] = None,
) -> int:
    session: Session = context.obj
    if csr is not None and (purpose not in CERTIFIED or certify):
        raise InputError("CLI_KEY_CSR")
    from ledger.assembly.file_acts import keys_logged
    from ledger.cli.organisations import name_of

    if purpose not in MADE:
        raise InputError("CLI_KEY_PURPOSE", known=", ".join(MADE))
    with session.app() as app, keys_logged(app, "key.new", organisation := session.acting(app)):
        value = {"organisation": organisation, "name": name, "purpose": purpose}
        if purpose == "service" and app.suite.has_sm3:
            algorithm = algorithm or "sm2"
        if pkcs11 is not None:
            app.keys.create_in_token(organisation, name, purpose, pkcs11, algorithm)
        if purpose == "approval":
            app.keys.create_secret(organisation, name, purpose)
            text = name
        elif purpose == "data":
            value["algorithm"] = data_keys.create(app, organisation, name, algorithm)
            text = f"{organisation}  {name}  {value['algorithm']}  1"
        elif purpose in CERTIFIED and certify:
            from ledger.assembly import council_work

            words = organization or name_of(app, organisation) or organisation
            certificate = council_work.certify(app, organisation, words, name, authority, purpose, algorithm)
            text = value["certificate"] = pem.write("CERTIFICATE", certificate).rstrip()
            session.note("CLI_ORG_TEST_CERTIFICATE")
        elif csr is not None:
            text = value["csr"] = str(csr)
            words = organization or name_of(app, organisation) or organisation
            _request(app, organisation, name, purpose, words, algorithm, csr)
        else:
            if pkcs11 is None:
                app.keys.create(organisation, name, purpose, algorithm)
            spki = app.keys.public(organisation, name, purpose)
            text = value["publicKey"] = pem.write("PUBLIC KEY", spki).rstrip()
        if purpose == "account":
            text = value["account"] = "0x" + app.keys.account(organisation, name).address.hex()
        if purpose in ("signing", "account"):
            session.note("CLI_KEY_BIND")
    session.result(value, text)
    return 0


def _request(
    app: App, organisation: str, name: str, purpose: str, words: str, algorithm: str | None, file: Path
) -> None:
    """Make the key, unless one waits for its certificate already, and write the request.

    Raises:
        ConflictError: KEYS_EXISTS where the key has its certificate.
    """
    try:
        app.keys.signing(organisation, name, purpose)
    except NotFoundError:
        if name not in app.keys.names(organisation, purpose):  # else it waits for its certificate
            app.keys.create(organisation, name, purpose, algorithm)
    else:
        raise ConflictError("KEYS_EXISTS", file=f"{name}.{purpose}.crt")
    request = app.keys.request(organisation, name, words, purpose)
    file.write_text(pem.write("CERTIFICATE REQUEST", request), "ascii")


def import_(
    context: typer.Context,
    purpose: Annotated[str, typer.Option(help="signing | service | account | council | node | certificate")],
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, metavar="[FILE]", help="PEM | DER | PKCS#12")
    ] = None,
    name: Annotated[str, typer.Option(help="密钥名称 · name of the key")] = "main",
    pkcs11: Annotated[
        str | None,
        typer.Option(
            metavar="URI", help="令牌中的密钥（RFC 7512），FILE 为证书 · key in a token, FILE: its certificate"
        ),
    ] = None,
    signer: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="签名进程中的同名密钥 · the key of this name with a remote signer"),
    ] = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly.file_acts import keys_logged
    from ledger.cli.certificates import read_certificate_file

    if purpose not in (*PURPOSES, "certificate"):
        raise InputError("CLI_KEY_PURPOSE", known=", ".join((*PURPOSES, "certificate")))
    if file is None and pkcs11 is None and signer is None:
        raise InputError("CLI_KEY_FILE")
    kept = 0
    with session.app() as app, keys_logged(app, "key.import", organisation := session.acting(app)):
        if signer is not None:
            _import_remote(app, organisation, name, purpose, signer)
        elif pkcs11 is not None:
            certificate = read_certificate_file(file) if file else None
            app.keys.import_token(organisation, name, purpose, pkcs11, certificate)
        elif file is not None and purpose == "certificate":
            data_keys.put_certificate(app, organisation, name, read_certificate_file(file))
        elif file is not None:
            kept = _import_file(app, organisation, name, purpose, file)
    if kept:
        session.note("CLI_KEY_AUTHORITIES", count=kept)
    value = {"organisation": organisation, "name": name, "purpose": purpose, "authorities": kept}
    session.result(value, f"{organisation}  {name}  {purpose}")
    return 0


def _import_remote(app: App, organisation: str, name: str, purpose: str, signer: str) -> None:
    """The signer names the certificate: it must hold the key, and answer, before the ledger relies on it."""
    from ledger.outside.remote_keys import SignerAddress
    from ledger.outside.remote_signer import describe

    if purpose != "signing":
        raise InputError("CLI_KEY_PURPOSE", known="signing")
    address = SignerAddress.parse(signer)
    app.keys.import_remote(organisation, name, address, describe(address, organisation, name))


def _import_file(app: App, organisation: str, name: str, purpose: str, file: Path) -> int:
    """Ask for a passphrase only where the file turns out to need one, none is set, and somebody is there to ask.
    Returns how many certificates of authorities were kept."""
    from ledger.assembly.file_acts import keep_authorities
    from ledger.outside.key_files import MAX_BYTES
    from ledger.outside.passphrases import passphrase_from

    with file.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    words, kept = passphrase_from(os.environ, PASSWORD), list[int]()

    def keep(above: tuple[bytes, ...]) -> None:
        kept.append(keep_authorities(app, above))

    try:
        app.keys.import_key(organisation, name, purpose, data, words, keep)
    except ConfigError as error:
        if error.code != "KEYS_PASSPHRASE" or words is not None or not sys.stdin.isatty():
            raise
        typed = typer.prompt("口令 passphrase", hide_input=True, err=True)
        app.keys.import_key(organisation, name, purpose, data, typed.encode(), keep)
    return sum(kept)


def list_(context: typer.Context) -> int:
    session: Session = context.obj
    with session.app() as app:
        values: list[dict[str, Any]] = [
            {
                "organisation": e.organisation, "name": e.name, "purpose": e.purpose, "algorithm": e.algorithm,
                "fingerprint": e.fingerprint.hex(), "kept": e.kept, "version": e.version, "retired": e.retired,
            }
            for e in app.keys.list()
        ]  # fmt: skip
    rows = [
        [v["organisation"], v["name"], v["purpose"], v["algorithm"], v["fingerprint"][:16], KEPT[v["kept"]],
         data_keys.shown(v["purpose"], v["version"], v["retired"])]
        for v in values
    ]  # fmt: skip
    head = ["organisation", "name", "purpose", "algorithm", "fingerprint", "kept", "version"]
    session.results(values, table([head, *rows]))
    return 0
