"""``login`` and ``logout``: the small client of people who log in to a connected system with a certificate."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.core.login import Challenge
    from ledger.outside.login_client import OpenedLogin

LOGIN = about(
    "用证书登录业务系统",
    "log in to a connected system with a certificate",
    "zhengyin login https://ledger.example/v1/login/challenges/9f86… --key main --audience 114401000700000148/hall",
    "地址由业务系统给出。签名前核对挑战中的服务器与系统名称。The system gives the address; before anything is signed "
    "the server and the system that the challenge names are checked.",
)
LOGOUT = about("退出登录", "log out", "zhengyin logout session.json")
_FAILED = frozenset({"LOGIN_REFUSED", "LOGIN_SERVER", "LOGIN_AUDIENCE"})
"""Codes that say no rather than that something was typed wrongly."""


def register(root: typer.Typer) -> None:
    root.command("login", help=LOGIN)(login)
    root.command("logout", help=LOGOUT)(logout)


def login(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="登录挑战的地址 · address of the challenge")],
    key: Annotated[str, typer.Option(help="签名密钥名称 · name of the signing key")] = "main",
    audience: Annotated[
        str | None, typer.Option(metavar="ORG/SYSTEM", help="要登录的系统；不给则询问 · the system; else one is asked")
    ] = None,
    p12: Annotated[
        Path | None,
        typer.Option("--p12", exists=True, dir_okay=False, help="自己的 PKCS#12 · a key file of one's own"),
    ] = None,
    certificates: Annotated[
        list[Path] | None,
        typer.Option("--certificate", exists=True, dir_okay=False, help="中间证书 · certificate between"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", dir_okay=False, help="会话写到哪里（仅本人可读） · where it is kept")
    ] = None,
) -> int:
    session: Session = context.obj
    from ledger.crypto.certificate_files import read_certificates

    if out is not None and out.exists():
        raise InputError("LOGIN_FILE_EXISTS", file=str(out))
    between = [der for file in certificates or () for der in read_certificates(file.read_bytes())]
    try:
        if p12 is not None:
            challenge, opened = _by_file(session, url, audience, p12, between)
        else:
            challenge, opened = _by_keystore(session, url, audience, key, between)
    except InputError as error:
        if error.code not in _FAILED:
            raise
        session.fail(error)
        if error.values.get("refusal") == "PATH_NONE":
            session.note("LOGIN_CERTIFICATES")
        return 1
    _show(session, opened, str(challenge.audience), out)
    return 0


def logout(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="会话文件 · session")],
) -> int:
    session: Session = context.obj
    from ledger.outside.login_client import log_out

    try:
        kept = json.loads(file.read_bytes())
        server, token = str(kept["server"]), str(kept["token"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("LOGIN_FILE", file=str(file)) from error
    log_out(server, token)
    file.unlink()
    session.result({"loggedOut": True}, session.words("LOGIN_OUT"))
    return 0


def _by_keystore(
    session: Session, url: str, audience: str | None, key: str, between: list[bytes]
) -> tuple[Challenge, OpenedLogin]:
    from ledger.assembly.challenge_signing import sign_challenge
    from ledger.outside.login_client import hand_in

    with session.app() as app:
        challenge = _meant(session, url, audience, int(app.clock()))
        return challenge, hand_in(challenge, sign_challenge(app, session.acting(app), key, challenge, between))


def _by_file(
    session: Session, url: str, audience: str | None, file: Path, between: list[bytes]
) -> tuple[Challenge, OpenedLogin]:
    """The passphrase comes from where ``key import`` takes it, or is asked for."""
    import time

    from ledger.assembly.challenge_signing import key_of_file, respond
    from ledger.cli.keys import PASSWORD
    from ledger.outside.login_client import hand_in
    from ledger.outside.passphrases import passphrase_from

    words = passphrase_from(os.environ, PASSWORD)
    if words is None and sys.stdin.isatty():
        words = typer.prompt("口令 passphrase", hide_input=True, err=True).encode()
    (key, others), now = key_of_file(file.read_bytes(), words), int(time.time())
    challenge = _meant(session, url, audience, now)
    return challenge, hand_in(challenge, respond(key, challenge, now, [*between, *others]))


def _meant(session: Session, url: str, audience: str | None, now: int) -> Challenge:
    from ledger.outside.login_client import fetch_challenge

    challenge = fetch_challenge(url, now, audience)
    session.note("LOGIN_ABOUT", **_about(challenge))
    if audience is None:
        _confirm(session, challenge)
    return challenge


def _confirm(session: Session, challenge: Challenge) -> None:
    """Ask whoever sits there. Raises InputError LOGIN_AUDIENCE_NEEDED where nobody does, or says no."""
    if not sys.stdin.isatty() or not typer.confirm(session.words("LOGIN_ASK"), err=True):
        raise InputError("LOGIN_AUDIENCE_NEEDED", found=str(challenge.audience))


def _show(session: Session, opened: OpenedLogin, audience: str, out: Path | None) -> None:
    from ledger.verification.words import instant

    value: dict[str, Any] = {"server": opened.server, **opened.session}
    secret = {"token": opened.token}
    if out is not None:
        _keep(out, value | secret)
        value |= {"file": str(out)}
    else:
        value |= secret
    said = session.words("LOGIN_DONE", audience=audience, until=instant(opened.until))
    session.result(value, said if out is not None else f"{said}\n{opened.token}")


def _keep(path: Path, value: dict[str, Any]) -> None:
    """For its owner alone, and over nothing that is there. Raises InputError LOGIN_FILE_EXISTS."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InputError("LOGIN_FILE_EXISTS", file=str(path)) from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(value, stream, ensure_ascii=False)


def _about(challenge: Challenge) -> dict[str, Any]:
    return {
        "audience": challenge.audience,
        "server": challenge.server,
        "subject": challenge.subject,
        "level": challenge.level,
        "session": challenge.session,
    }
