"""One database transaction over every table, and the store that opens them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.engine import URL

from ledger.core.manifests import BlockName
from ledger.core.registries import Kind
from ledger.errors import ConflictError
from ledger.ports import AcceptedRun
from ledger.store import dialect, queries, rebuild
from ledger.store.access import SqlAccess
from ledger.store.acts import SqlActs, SqlChainActs, clear_settled
from ledger.store.batches import SqlBatches
from ledger.store.chain_index import SqlChainIndex
from ledger.store.glancing import Glances
from ledger.store.intents import SqlIntents
from ledger.store.jobs import SqlJobs
from ledger.store.login import SqlLogins
from ledger.store.records import SqlRecords
from ledger.store.schema import check_version
from ledger.store.seal_uses import SqlSealUses
from ledger.store.tables import leases
from ledger.store.transactions import SqlTransactions


class SqlUnit:
    """``ports.Unit``: the repositories of one transaction. Of no use after it ended."""

    def __init__(self, connection: Connection) -> None:
        self.records = SqlRecords(connection)
        self.seal_uses = SqlSealUses(connection)
        self.batches = SqlBatches(connection)
        self.transactions = SqlTransactions(connection)
        self.intents = SqlIntents(connection)
        self.jobs = SqlJobs(connection)
        self.chain = SqlChainIndex(connection)
        self.acts = SqlActs(connection)
        self.chain_acts = SqlChainActs(connection)
        self.access = SqlAccess(connection)
        self.logins = SqlLogins(connection)
        self._connection = connection

    def clear_rows(self) -> None:
        clear_settled(self._connection)
        rebuild.clear_rows(self._connection)

    def drop_open(self, root: bytes, runs: Sequence[AcceptedRun]) -> None:
        rebuild.drop_open(self._connection, root, runs)

    def restore_batch(
        self,
        issuer: str,
        kind: Kind,
        root: bytes,
        manifest_sha256: bytes,
        accreditation: bytes,
        sequence: int,
        block: BlockName,
        runs: Sequence[AcceptedRun],
    ) -> None:
        rebuild.restore_batch(
            self._connection, issuer, kind, root, manifest_sha256, accreditation, sequence, block, runs
        )


class SqlStore:
    """``ports.Store`` over SQLite (``sqlite:////path/file.db``) or PostgreSQL. Threads may share it."""

    def __init__(self, url: str | URL) -> None:
        """Open an existing database.

        Raises:
            ConfigError: STORE_URL; STORE_SCHEMA if its tables are of another version, or there are none.
            UnavailableError, IntegrityError: STORE_…, see ``dialect.translated``.
        """
        self._engine = dialect.connect(url)
        modes = (dialect.READ, dialect.ALONE, dialect.BESIDE)
        self._modes = {mode: self._engine.execution_options(**{dialect.MODE: mode}) for mode in modes}
        self._glances = Glances(url)
        try:
            with self._connection(dialect.READ) as connection:
                check_version(connection)
        except BaseException:
            self.close()
            raise

    @property
    def in_process(self) -> bool:
        """A file, which no network and no other machine can keep waiting."""
        return self._engine.dialect.name == "sqlite"

    def close(self) -> None:
        self._engine.dispose()
        self._glances.close()

    @contextmanager
    def begin(self, beside: bool = False) -> Iterator[SqlUnit]:
        """Commit on a clean exit, roll back on any exception. A crash anywhere inside leaves nothing."""
        with self._connection(dialect.BESIDE if beside else dialect.ALONE) as connection:
            yield SqlUnit(connection)

    @contextmanager
    def read(self) -> Iterator[SqlUnit]:
        """One consistent view; writing in it is refused by the database."""
        with self._connection(dialect.READ) as connection:
            yield SqlUnit(connection)

    @contextmanager
    def glance(self) -> Iterator[SqlUnit]:
        """A look at what is committed; writing in it is refused by the database."""
        with self._glances.open() as connection:
            yield SqlUnit(connection)

    @contextmanager
    def _connection(self, mode: str) -> Iterator[Connection]:
        with dialect.translated(), self._modes[mode].begin() as connection:
            yield connection

    def take_lease(self, name: str, holder: str, now: float, seconds: float) -> bool:
        """One transaction of its own: of two that ask at once, one is told ``False``."""
        free = or_(leases.c.holder == holder, leases.c.until <= now)
        taken = update(leases).where(leases.c.name == name, free).values(holder=holder, until=now + seconds)
        with self._connection(dialect.BESIDE) as connection:
            if connection.execute(taken).rowcount:
                return True
            if connection.scalar(select(leases.c.name).where(leases.c.name == name)) is not None:
                return False  # rather than an insert that the server refuses and logs, every second
            try:
                with queries.unique(connection, "STORE_LEASE_TAKEN"):
                    connection.execute(insert(leases).values(name=name, holder=holder, until=now + seconds))
            except ConflictError:
                return False
        return True

    def keep_lease(self, name: str, holder: str, now: float, seconds: float) -> bool:
        """Late is not too late, as long as nobody came in between."""
        own = update(leases).where(leases.c.name == name, leases.c.holder == holder).values(until=now + seconds)
        with self._connection(dialect.BESIDE) as connection:
            return connection.execute(own).rowcount == 1

    def drop_lease(self, name: str, holder: str) -> None:
        """Nothing happens if another holds it."""
        with self._connection(dialect.BESIDE) as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
