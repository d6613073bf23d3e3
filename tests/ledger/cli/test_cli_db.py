"""``db``, and founding with the rows on a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_kit import OFFICE, Cli, business_licenses, write_csv
from postgres_server import PostgresServer

from ledger.settings import load_settings
from ledger.store import schema


@pytest.fixture
def server_home(postgresql: PostgresServer, tmp_path: Path) -> Cli:
    home = tmp_path / "home"
    cli = Cli(home)
    made = cli("init", "--demo", "--database", postgresql.url(postgresql.create()))
    assert made.code == 0, made.err
    return cli


def test_a_ledger_on_a_server_issues_and_proves(server_home: Cli, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", business_licenses("0001", "0002"))
    assert server_home("import", source, "--type", "business-license", "--wait").code == 0
    assert not (server_home.home / "rows.db").exists() and not (server_home.home / "vault.db").exists()
    assert server_home("doctor").code == 0
    assert server_home("rebuild").code == 0
    assert server_home("--json", "db", "version").json == {"found": schema.VERSION, "needed": schema.VERSION}


def test_a_second_ledger_in_one_database_is_refused(server_home: Cli, tmp_path: Path) -> None:
    url = load_settings(server_home.home).database
    refused = Cli(tmp_path / "other")("--json", "init", "--demo", "--database", url)
    assert (refused.code, refused.json["error"]["code"]) == (4, "STORE_TAKEN")
    assert not (tmp_path / "other").exists()
    assert server_home("doctor").code == 0


def test_older_tables_are_refused_until_they_are_upgraded(demo: Cli) -> None:
    (demo.home / "rows.db").unlink()
    schema.upgrade(load_settings(demo.home).database_url(), "0001")
    assert demo("db", "version").code == 4
    assert "db upgrade" in demo("--lang", "en", "jobs").err
    assert demo("--json", "db", "upgrade").json == {"before": "0001", "after": schema.VERSION}
    assert demo("--json", "db", "upgrade").json == {"before": schema.VERSION, "after": schema.VERSION}
    assert demo("db", "version").code == 0
    assert demo("jobs").code == 0


def test_a_password_on_the_command_line_is_refused(tmp_path: Path) -> None:
    refused = Cli(tmp_path / "home")("init", "--demo", "--database", "postgresql://clerk:hush@db/rows")
    assert refused.code == 4 and "hush" not in refused.err + refused.out
    assert OFFICE not in refused.out
