"""The end of the demonstration: the same ledger as a service, with what to try in the pages."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from api.serving import Serving, serve
from ledger.assembly.app import App
from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.registries import Kind
from ledger.core.verification_code import link_fragment
from ledger.errors import ConfigError
from ledger.settings import load_settings

DAY = 86_400
ANY_PORT = 0


def serve_demo(home: Path, license_id: str, console: Console) -> None:
    """Serve until Ctrl-C. The port of the settings, or any other where it is taken."""
    settings = load_settings(home).model_copy(update={"rpc_port": ANY_PORT})
    with App(settings) as app:
        code = app.codes.of_ids(OFFICE_A, Kind.LICENSE, [license_id])[license_id]
        _, token = app.access.add("demonstration", [OFFICE_A], ["issue", "read", "status"], DAY)

    def started(serving: Serving) -> None:
        address = serving.address
        console.print(f"\n[bold]证印 Zhengyin[/] serves until Ctrl-C (make demo SERVE=0 ends instead)\n"
                      f"  核验 for citizens  {address}   try: a file of build/demo, or\n"
                      f"                     {address}#{link_fragment(license_id, code)}\n"
                      f"  机构 for the office {address}office   token: {token}\n"
                      f"  接口 API           {address}openapi.json\n"
                      f"  链 chain, read-only {serving.rpc}  (Ethereum JSON-RPC)")  # fmt: skip

    try:
        serve(settings, started)
    except ConfigError as e:
        if e.code != "SERVE_BIND":
            raise
        serve(settings.model_copy(update={"port": ANY_PORT}), started)
