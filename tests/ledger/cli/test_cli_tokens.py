"""``token``: shown once, listed without its secret, revoked by its id; council acts are logged like everything else."""

from __future__ import annotations

import re

import pytest
from cli_kit import OFFICE, Cli

from ledger.assembly.app import App
from ledger.core import canonical
from ledger.settings import load_settings


def test_a_token_is_shown_once_and_ends_when_revoked(demo: Cli) -> None:
    made = demo(
        "token", "add", "--for", OFFICE, "--action", "issue", "--action", "read", "--valid", "12h", "--label", "窗口"
    )
    assert made.code == 0
    token = made.out.strip()
    assert re.fullmatch(r"zy_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", token)
    id_, secret = token.split("_", 2)[1:]
    listed = demo("token", "list", "--json")
    assert (listed.json["id"], listed.json["actions"], listed.json["current"]) == (id_, ["issue", "read"], True)
    assert secret not in listed.out + demo("token", "list").out
    with App(load_settings(demo.home)) as app:
        assert app.access.authenticate(f"Bearer {token}").organisations == (OFFICE,)
    assert demo("token", "revoke", id_).code == 0
    assert demo("token", "revoke", id_).code == 3
    assert demo("token", "list", "--json").json["current"] is False


@pytest.mark.parametrize(
    "arguments",
    [
        ("--for", OFFICE),
        ("--for", OFFICE, "--action", "rule"),
        ("--for", "123", "--action", "read"),
        ("--for", OFFICE, "--action", "read", "--valid", "soon"),
        ("--for", OFFICE, "--action", "read", "--valid", "0d"),
        ("--for", OFFICE, "--action", "read", "--valid", "9999d"),
    ],
)
def test_wrong_orders_are_usage_errors(demo: Cli, arguments: tuple[str, ...]) -> None:
    assert demo("token", "add", *arguments).code == 2


def test_what_commands_do_is_logged(demo: Cli) -> None:
    ended = demo("org", "end", "12440100070003012L", "--kind", "evidence")
    assert ended.code == 0, ended.err
    demo("token", "add", "--for", OFFICE, "--action", "read")
    with App(load_settings(demo.home)) as app:
        app.operations.verify_chain()
        with app.store.read() as unit:
            entries = [canonical.decode(entry) for _, entry, _ in unit.access.all_operations()]
    assert [(e["act"], e["who"]) for e in entries] == [("council.propose", "local"), ("token.add", "local")]
    assert entries[0]["after"]["calls"] == ["Consortium.endAccreditation"]
