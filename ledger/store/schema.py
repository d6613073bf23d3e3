"""Which version of the tables a database holds, and bringing it to ours."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ledger.errors import ConfigError
from ledger.store import dialect
from ledger.store.tables import VERSION


def check_version(connection: Connection) -> None:
    """Refuse tables of another version: an older program would write rows that a newer one misreads.

    Raises:
        ConfigError: STORE_SCHEMA with the version found (``none`` for an empty database).
    """
    found = "none"
    if inspect(connection).has_table("alembic_version"):
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "none"
    if found != VERSION:
        raise ConfigError("STORE_SCHEMA", found=found, expected=VERSION)


def upgrade(url: str) -> None:
    """Create the tables, or bring older ones to this version, in one transaction.

    Raises:
        ConfigError: STORE_URL; STORE_SCHEMA for tables of a version this program does not know.
        UnavailableError, IntegrityError: STORE_…, see ``dialect.translated``.
    """
    from alembic import command  # half a second that only set-up pays
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = dialect.connect(url).execution_options(**{dialect.WRITES: True})
    try:
        with dialect.translated(), engine.begin() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise ConfigError("STORE_SCHEMA", found="unknown", expected=VERSION) from error
    finally:
        engine.dispose()
