"""What rows of a backup must not give back: logins and tokens that ended since."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, inspect
from sqlalchemy.engine import URL

from ledger.ports.access import OperationMaker
from ledger.store import dialect
from ledger.store.access import SqlAccess
from ledger.store.login import challenges, sessions
from ledger.store.service_tables import tokens


def end_rights(url: URL, now: int, entry: Callable[[str], OperationMaker]) -> int:
    """Forget every challenge and session, and revoke every token, each with the entry that ``entry`` makes of its id:
    rows of a backup do not know who has logged out since, and which token was revoked. Returns how many tokens. Tables
    from before there were any are left as they are.

    Raises:
        UnavailableError, IntegrityError: STORE_….
    """
    engine = dialect.connect(url).execution_options(**{dialect.MODE: dialect.ALONE})
    ended = 0
    try:
        with dialect.translated(), engine.begin() as connection:
            there = inspect(connection)
            for table in (challenges, sessions):
                if there.has_table(table.name):
                    connection.execute(delete(table))
            access = SqlAccess(connection)
            for token in access.tokens() if there.has_table(tokens.name) else ():
                if access.revoke_token(token.id, now):
                    access.append_operation(entry(token.id))
                    ended += 1
    finally:
        engine.dispose()
    return ended
