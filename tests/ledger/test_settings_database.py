"""Where the rows are, as the settings name it; and that a password is shown nowhere."""

from __future__ import annotations

import secrets
import time
import traceback
from pathlib import Path

import pytest
from postgres_server import PostgresServer

from ledger.errors import ConfigError, NotFoundError, UnavailableError
from ledger.settings import Settings, load_settings
from ledger.store import schema

PASSWORD = secrets.token_hex(12)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZHENGYIN_DATABASE", "ZHENGYIN_DATABASE_PASSWORD_FILE", "PGPASSFILE", "PGPASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def locked(postgresql: PostgresServer) -> str:
    """The URL of a database behind ``PASSWORD``."""
    postgresql.demand_password("clerk", PASSWORD)
    until = time.monotonic() + 10
    url = postgresql.url(postgresql.create(), "clerk")
    while time.monotonic() < until:  # the server reads its rules again in its own time
        try:
            schema.version(url)
        except UnavailableError:
            break
    return url


def settings(home: Path, **values: str) -> Settings:
    (home / "zhengyin.toml").write_text("".join(f'{k} = "{v}"\n' for k, v in values.items()), "utf-8")
    return load_settings(home)


def private(path: Path, mode: int = 0o600) -> str:
    path.write_text(PASSWORD + "\n")
    path.chmod(mode)
    return path.name


def test_without_a_word_the_rows_are_a_file_in_the_folder(tmp_path: Path) -> None:
    url = settings(tmp_path).database_url()
    assert (url.get_backend_name(), url.database) == ("sqlite", str(tmp_path / "rows.db"))
    assert settings(tmp_path, database="../x?y.db").database_url().database == f"{tmp_path}/../x?y.db"


def test_a_password_in_the_url_is_refused_and_not_shown(tmp_path: Path) -> None:
    for url in (f"postgresql://clerk:{PASSWORD}@host/rows", f"postgresql://host/rows?password={PASSWORD}"):
        found = settings(tmp_path, database=url)
        assert PASSWORD not in repr(found) and PASSWORD not in str(found)
        with pytest.raises(ConfigError, match="STORE_PASSWORD") as caught:
            found.database_url()
        assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_a_url_that_is_none_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="STORE_URL") as caught:
        settings(tmp_path, database=f"post gresql://clerk:{PASSWORD}@host:x/rows").database_url()
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_the_password_comes_from_a_private_file(tmp_path: Path, locked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match="STORE_LOST"):
        schema.version(settings(tmp_path, database=locked).database_url())
    url = settings(tmp_path, database=locked, database_password_file=private(tmp_path / "pw")).database_url()
    assert schema.version(url) == "none"
    assert PASSWORD not in str(url) + repr(url)
    monkeypatch.setenv("ZHENGYIN_DATABASE_PASSWORD_FILE", str(tmp_path / "pw"))
    assert schema.version(settings(tmp_path, database=locked).database_url()) == "none"


def test_the_password_comes_from_the_file_that_libpq_knows(
    tmp_path: Path, locked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pgpass"
    path.write_text(f"*:*:*:clerk:{PASSWORD}\n")
    path.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(path))
    assert schema.version(settings(tmp_path, database=locked).database_url()) == "none"


def test_a_password_file_that_others_may_read_or_that_is_not_there_is_refused(tmp_path: Path, locked: str) -> None:
    private(tmp_path / "pw", 0o640)
    with pytest.raises(ConfigError, match="KEYS_PERMISSIONS"):
        settings(tmp_path, database=locked, database_password_file="pw").database_url()
    with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
        settings(tmp_path, database=locked, database_password_file="none").database_url()


def test_a_wrong_password_is_not_shown(tmp_path: Path, locked: str) -> None:
    (tmp_path / "pw").write_text("wrong-" + PASSWORD)
    (tmp_path / "pw").chmod(0o600)
    url = settings(tmp_path, database=locked, database_password_file="pw").database_url()
    with pytest.raises(UnavailableError, match="STORE_LOST") as caught:
        schema.version(url)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
