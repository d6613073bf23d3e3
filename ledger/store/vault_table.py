"""Record keys in PostgreSQL, wrapped under epoch keys that lie outside it (``vault_epochs``).

An epoch is a few thousand keys added one after the other. Order of writes of an erasure, and what a crash after each
leaves:
1. a new epoch key       – a file that opens nothing
2. one transaction: the epoch's surviving keys, wrapped under the new key, in place of all its rows, and its name
   among the retired – the erased rows are gone, but old pages still open with the old key
3. the old key destroyed – only its name among the retired is left
4. that name deleted     – done
Opening the vault, and every erasure, does 3 and 4 for whatever is retired.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.schema import CreateSchema

from ledger.errors import ConfigError, InputError, IntegrityError
from ledger.store import dialect
from ledger.store.copying import copy_rows
from ledger.store.glancing import Glances
from ledger.store.vault import KEY_BYTES
from ledger.store.vault_epochs import EpochKeys

VERSION = 1
EPOCH_KEYS = 8192
"""Keys in an epoch, which one erasure wraps again; one addition of more has an epoch of its own."""
_LOOKS = 3
_MAKING = 0x5A595654  # "ZYVT": one process makes the tables

# A schema of its own: it has backups of its own, shorter than those of the rows.
_metadata = MetaData(schema="vault")
_state = Table(
    "state",
    _metadata,
    Column("version", Integer, nullable=False),
    Column("handle", BigInteger, nullable=False),
    Column("epoch", BigInteger),
    Column("room", Integer, nullable=False),
)
_keys = Table(
    "keys",
    _metadata,
    Column("handle", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False, index=True),
    Column("wrapped", LargeBinary, nullable=False),
)
_retired = Table("retired", _metadata, Column("epoch", BigInteger, primary_key=True, autoincrement=False))


class VaultTable:
    """``ports.Vault``. Threads may share it; several processes may, which see the same folder of epoch keys."""

    def __init__(self, url: str | URL, folder: Path) -> None:
        """Open the vault, or make a new one. ``folder``: of the epoch keys.

        Raises:
            ConfigError: STORE_URL; STORE_SCHEMA if it is of another version.
            UnavailableError, IntegrityError: STORE_….
        """
        self._epochs = EpochKeys(folder)
        self._engine = dialect.connect(url)
        self._glances = Glances(url)
        try:
            self._prepare()
            self._finish()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return "VaultTable(…)"

    def close(self) -> None:
        self._engine.dispose()
        self._glances.close()

    def add(self, keys: Sequence[bytes]) -> range:
        """All keys or none. A crash afterwards, before the rows that name the handles, leaves keys that
        open nothing.

        Raises:
            InputError: VAULT_KEY_LENGTH for a key that is not 32 bytes. IntegrityError: VAULT_EPOCH_MISSING.
        """
        if not {KEY_BYTES}.issuperset(map(len, keys)):
            raise InputError("VAULT_KEY_LENGTH", expected=KEY_BYTES)
        with self._locked() as (connection, state):
            handles = range(state.handle, state.handle + len(keys))
            epoch, room = state.epoch, state.room
            if epoch is None or room < len(keys):
                epoch, room = self._epochs.new(), max(EPOCH_KEYS, len(keys))
            self._put(connection, epoch, list(zip(handles, keys, strict=True)))
            connection.execute(update(_state).values(handle=handles.stop, epoch=epoch, room=room - len(keys)))
        return handles

    def get(self, handles: Sequence[int]) -> dict[int, bytes]:
        """Raises IntegrityError VAULT_EPOCH_MISSING where a key is there and its epoch's is not, as in a database
        restored from before an erasure; VAULT_DAMAGED."""
        query = select(_keys.c.handle, _keys.c.epoch, _keys.c.wrapped).where(_keys.c.handle == func.any(list(handles)))
        looks = 0
        while True:
            with self._glances.open() as connection:
                rows = connection.execute(query).all()
            looks += 1
            try:
                keys = {epoch: self._key(epoch) for epoch in {row.epoch for row in rows}}
                return {handle: _unwrap(keys[epoch], handle, wrapped) for handle, epoch, wrapped in rows}
            except IntegrityError:
                if looks == _LOOKS:
                    raise
                # an erasure gave them another epoch between our looks at row and file, which was gone or half gone

    def erase(self, handles: Sequence[int]) -> int:
        """Erase keys; returns how many of them were still there. What is left of them in the database, its log and
        its backups opens with nothing (backups of the epoch keys are the operator's).

        Raises:
            UnavailableError: STORE_…: calling again, or opening the vault, finishes it.
        """
        self._finish()
        wanted = set(handles)
        query = select(_keys.c.epoch).where(_keys.c.handle == func.any(sorted(wanted))).distinct()
        with self._transaction(dialect.READ) as connection:
            epochs = list(connection.scalars(query))
        erased = 0
        for epoch in epochs:
            erased += self._rotate(epoch, wanted)
            self._finish()
        return erased

    def reserve(self, last: int) -> None:
        """Let the next key have a handle beyond ``last``."""
        with self._locked() as (connection, state):
            connection.execute(update(_state).values(handle=max(state.handle, last + 1)))

    def _rotate(self, epoch: int, gone: set[int]) -> int:
        with self._locked() as (connection, _):
            taken = delete(_keys).where(_keys.c.epoch == epoch).returning(_keys.c.handle, _keys.c.wrapped)
            rows = connection.execute(taken).all()
            staying = [(handle, wrapped) for handle, wrapped in rows if handle not in gone]
            if staying:
                key = self._key(epoch)
                survivors = [(handle, _unwrap(key, handle, wrapped)) for handle, wrapped in staying]
                self._put(connection, self._epochs.new(), survivors)
            connection.execute(update(_state).where(_state.c.epoch == epoch).values(epoch=None, room=0))
            if rows:  # else another process rotated it while we waited for the lock
                connection.execute(insert(_retired).values(epoch=epoch))
        return len(rows) - len(staying)

    def _finish(self) -> None:
        """Destroy the keys of retired epochs: no row names them any more, in this database or a later one."""
        with self._locked() as (connection, _):
            for epoch in list(connection.scalars(select(_retired.c.epoch))):
                self._epochs.destroy(epoch)
                connection.execute(delete(_retired).where(_retired.c.epoch == epoch))

    def _put(self, connection: Connection, epoch: int, keys: Sequence[tuple[int, bytes]]) -> None:
        wrap = self._key(epoch)
        rows = [(handle, epoch, wrap.encrypt(key, [_bound(handle)])) for handle, key in keys]
        copy_rows(connection, _keys, ("handle", "epoch", "wrapped"), rows)

    def _key(self, epoch: int) -> AESSIV:
        key = self._epochs.read(epoch)
        if key is None:
            raise IntegrityError("VAULT_EPOCH_MISSING", epoch=f"{epoch:016x}")
        return key

    def _prepare(self) -> None:
        with self._transaction(dialect.OWN) as connection:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MAKING})"))
            connection.execute(CreateSchema("vault", if_not_exists=True))
            _metadata.create_all(connection)
            versions = list(connection.scalars(select(_state.c.version)))
            if not versions:
                connection.execute(insert(_state).values(version=VERSION, handle=1, room=0))
            elif versions != [VERSION]:
                raise ConfigError("STORE_SCHEMA", found=versions[0], expected=VERSION)

    @contextmanager
    def _locked(self) -> Iterator[tuple[Connection, Row[int, int | None, int]]]:
        """Whoever writes locks the one row of the state first: epochs change under nobody's hands."""
        with self._transaction(dialect.OWN) as connection:
            query = select(_state.c.handle, _state.c.epoch, _state.c.room).with_for_update()
            yield connection, connection.execute(query).one()

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[Connection]:
        engine = self._engine.execution_options(**{dialect.MODE: mode})
        with dialect.translated(), engine.begin() as connection:
            yield connection


def _bound(handle: int) -> bytes:
    """What is authenticated with a key: wrapped keys that change places open nothing."""
    return handle.to_bytes(8, "big")


def _unwrap(key: AESSIV, handle: int, wrapped: bytes) -> bytes:
    try:
        return key.decrypt(wrapped, [_bound(handle)])
    except (InvalidTag, ValueError) as error:
        raise IntegrityError("VAULT_DAMAGED", handle=handle) from error
