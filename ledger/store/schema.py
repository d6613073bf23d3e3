"""Which version of the tables a database holds, and bringing it to ours."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL

from ledger.errors import ConfigError
from ledger.store import dialect

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION = max(path.stem.removeprefix("v") for path in (MIGRATIONS / "versions").glob("v[0-9][0-9][0-9][0-9].py"))
"""Of the newest migration, ``versions/v<VERSION>.py``: each follows the one before it."""


def found_version(connection: Connection) -> str:
    """Of the tables that are there; ``none`` for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return "none"
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "none"


def check_version(connection: Connection) -> None:
    """Refuse tables of another version: an older program would write rows that a newer one misreads.

    Raises:
        ConfigError: STORE_SCHEMA with the version found (``none`` for an empty database).
    """
    found = found_version(connection)
    if found != VERSION:
        raise ConfigError("STORE_SCHEMA", found=found, expected=VERSION)


def version(url: str | URL) -> str:
    """As ``found_version``. Raises as ``upgrade`` does, except STORE_SCHEMA."""
    engine = dialect.connect(url)
    try:
        with dialect.translated(), engine.begin() as connection:
            return found_version(connection)
    finally:
        engine.dispose()


def upgrade(url: str | URL, to: str = "head") -> tuple[str, str]:
    """Create the tables, or bring older ones to version ``to``, in one transaction: the versions before and after.

    Of several that upgrade at once one does the work. A crash leaves the tables as they were.

    Raises:
        ConfigError: STORE_URL; STORE_SCHEMA for tables of a version this program does not know.
        UnavailableError, IntegrityError: STORE_…, see ``dialect.translated``.
    """
    from alembic import command  # half a second that only set-up pays
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = dialect.connect(url).execution_options(**{dialect.MODE: dialect.ALONE})
    try:
        with dialect.translated(), engine.begin() as connection:
            before = found_version(connection)
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, to)
            except CommandError as error:
                raise ConfigError("STORE_SCHEMA", found=before, expected=VERSION) from error
            return before, found_version(connection)
    finally:
        engine.dispose()
