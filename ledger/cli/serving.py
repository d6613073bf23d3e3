"""``serve`` and ``worker``: the ledger as a service of an office."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about

SERVE = about(
    "启动服务：接口、网页与后台任务在同一进程",
    "serve API, pages and worker in one process",
    "zhengyin serve --port 8080",
    "非本机地址须先有令牌（token add），并设置 TLS 或 trusted_proxy。Another address than loopback needs a token, and "
    "TLS or a trusted proxy. 设置 rpc_port 后，本机可只读查询内置链。With rpc_port, this machine can read the chain.",
)
WORKER = about(
    "只运行后台任务：上链、导入、每日事务",
    "the worker alone: anchoring, imports, daily chores",
    "zhengyin worker",
)


@dataclass(frozen=True, slots=True)
class _Stop:
    """What a signal handler may do: set an event."""

    event: Any

    def __call__(self, *_: object) -> None:
        self.event.set()


def register(app: typer.Typer) -> None:
    app.command("serve", help=SERVE)(serve)
    app.command("worker", help=WORKER)(worker)


def serve(
    context: typer.Context,
    bind: Annotated[str | None, typer.Option(help="监听地址，默认见设置 · address; default: the settings")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="端口；0 为任意 · port; 0: any")] = None,
    work: Annotated[bool, typer.Option("--worker/--no-worker", help="是否同时运行后台任务 · with the worker")] = True,
) -> int:
    session: Session = context.obj
    from api.serving import Serving, log_to_stderr
    from api.serving import serve as run
    from ledger.settings import load_settings

    settings = load_settings(session.home)
    chosen = {"bind": bind, "port": port}
    settings = settings.model_copy(update={name: value for name, value in chosen.items() if value is not None})

    def started(serving: Serving) -> None:
        import sys

        text = session.words("CLI_SERVING", address=serving.address)
        if serving.rpc:
            text += "\n" + session.words("CLI_SERVING_RPC", address=serving.rpc)
        session.result({"address": serving.address, "rpc": serving.rpc}, text)
        sys.stdout.flush()  # whoever starts us by a program waits for this line

    log_to_stderr()
    run(settings, started, work)
    return 0


def worker(context: typer.Context) -> int:
    session: Session = context.obj
    import sys
    import threading

    from api.serving import log_to_stderr, stopping_on_signals
    from ledger.assembly.worker import Worker

    log_to_stderr()
    stop = threading.Event()
    with session.app() as app, stopping_on_signals(_Stop(stop)):
        hands = Worker(app)
        hands.start()
        try:
            session.result({"working": str(session.home)}, session.words("CLI_WORKING"))
            sys.stdout.flush()
            stop.wait()
        finally:
            hands.stop()
    return 0
