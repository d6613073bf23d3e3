"""``signer``: the signing keys in a process of their own, under another user than the ledger's."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about

if TYPE_CHECKING:
    from ledger.core.manifests import Manifest
    from ledger.outside.signing_service.confirming import Confirming
    from ledger.outside.signing_service.doors import Door
    from ledger.outside.signing_service.rules import Rules

SIGNER = about(
    "独立的签名进程：持有签名密钥，重算批次、核验每条记录的放行码后才签名",
    "a signer of its own: holds the signing keys, and signs a batch only after it checked root and approvals itself",
    "zhengyin signer --socket /run/zhengyin/signer.sock --user zhengyin --keys keys --office 114401000700000148",
    "以另一用户运行；不需要数据库、链与数据文件夹。It runs as another user, with neither database, chain nor data "
    "folder. 口令取自 ZHENGYIN_KEY_PASSPHRASE(_FILE)。Each question is one JSON line on stderr.",
)
_LOOK = 0.5


def register(root: typer.Typer) -> None:
    root.command("signer", help=SIGNER)(signer)


def signer(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, metavar="FILE", help="设置（TOML） · settings in TOML")
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="密钥文件夹 · folder of keys")] = None,
    log: Annotated[Path | None, typer.Option(help="签名日志 · log of what was signed")] = None,
    office: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="为哪些机构签名 · for whom it signs; repeatable")
    ] = None,
    socket: Annotated[Path | None, typer.Option(help="Unix 套接字 · Unix socket")] = None,
    user: Annotated[
        list[str] | None, typer.Option(help="可提问的用户（名称或编号） · user that may ask; repeatable")
    ] = None,
    group: Annotated[str | None, typer.Option(help="可提问的组 · group that may ask")] = None,
    listen: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="双向 TLS 监听地址 · for mTLS")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="自己的 TLS 证书 · its TLS certificate")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="其私钥 · the key of that")] = None,
    client: Annotated[
        list[Path] | None, typer.Option(help="可提问者的证书（PEM） · certificate that may ask; repeatable")
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="每批在终端询问 · ask on the terminal for each batch")
    ] = False,
) -> int:
    session: Session = context.obj
    from ledger.outside.signing_service.rules import read_rules

    given: dict[str, Any] = {
        "keys": keys, "log": log, "organisations": tuple(office or ()), "socket": socket,
        "users": tuple(map(_named, user or ())), "group": None if group is None else _named(group), "listen": listen,
        "tls_certificate": tls_cert, "tls_key": tls_key, "clients": tuple(client or ()), "confirm": confirm,
    }  # fmt: skip
    run_signer(session, read_rules(config, {name: value for name, value in given.items() if value}))
    return 0


def run_signer(session: Session, rules: Rules, clock: Callable[[], float] = time.time) -> None:
    """Until SIGTERM or SIGINT.

    Raises:
        ConfigError: ``SIGNER_…``, ``KEYS_…``; NotFoundError: ``KEYS_UNKNOWN``; IntegrityError: ``SIGNER_LOG_DAMAGED``.
    """
    import resource  # this and the log's lock are Unix's own; other commands go without them

    from ledger.outside.keystore import KeyStore
    from ledger.outside.passphrases import passphrase_from
    from ledger.outside.signing_service.confirming import Confirming
    from ledger.outside.signing_service.desk import Desk
    from ledger.outside.signing_service.server import SignerServer
    from ledger.outside.signing_service.signed_log import SignedLog

    confirming = Confirming() if rules.confirm else None
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no keys in a file of a crash
    stop = threading.Event()
    keys = KeyStore(rules.keys, passphrase_from(os.environ))
    with SignedLog(rules.log) as signed:
        desk = Desk(rules, keys, signed, clock, _announce, confirming)
        count = desk.require_keys()
        door = _door(rules)
        with _stopped_by_signals(stop), SignerServer(door, desk, _announce):
            value = {"address": door.address, "keys": count, "signed": signed.number}
            session.result(value, session.words("CLI_SIGNER_LISTENING", **value))
            sys.stdout.flush()  # whoever starts us by a program waits for this line
            _wait(session, stop, confirming)


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _door(rules: Rules) -> Door:
    from ledger.outside.signing_service.doors import TlsDoor, UnixDoor

    if rules.socket is not None:
        return UnixDoor(rules.socket, rules.served_users(), rules.served_group())
    host, _, port = str(rules.listen).rpartition(":")
    certificate, key = rules.tls_certificate or Path(), rules.tls_key or Path()  # rules without are refused
    return TlsDoor(host.strip("[]"), int(port), certificate, key, rules.clients)


def _wait(session: Session, stop: threading.Event, confirming: Confirming | None) -> None:
    if confirming is None:
        stop.wait()
        return

    import termios

    def ask(manifest: Manifest) -> bool:
        counts = ", ".join(f"{type_} {count}" for type_, count in manifest.counts)
        values = {"issuer": manifest.issuer, "kind": manifest.kind.word, "size": manifest.size, "counts": counts}
        typed = sys.stdin.fileno()
        if os.isatty(typed):
            termios.tcflush(typed, termios.TCIFLUSH)  # a yes typed ahead was not for this batch
        sys.stderr.write(session.words("CLI_SIGNER_ASK", **values, root=manifest.root.hex()) + "\n")
        sys.stderr.flush()
        while not stop.is_set():
            if select.select([typed], [], [], _LOOK)[0]:
                return os.read(typed, 4096).strip() == b"yes"
        return False

    while not stop.is_set():
        confirming.ask_next(ask, _LOOK)


def _announce(value: dict[str, Any]) -> None:
    sys.stderr.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stderr.flush()


def _named(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text
