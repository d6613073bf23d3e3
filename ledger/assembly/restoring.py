"""A backup put back into an empty place, after every byte of it was compared with its manifest.

Order, and what a crash after each leaves:
1. every digest compared                 – nothing
2. a folder beside the final one, filled – a folder with a dot before its name, to be removed
3. the rows of a server's database       – tables in it: the next restore names them and stops
   (and of any database: nobody is logged in, and no token is good, by what a backup remembers; data keys encrypt
   nothing before they are rotated, since it does not know how often they have meanwhile, nor whether they were retired)
4. the final name                        – done: the folder is locked until ``audit`` has proved it
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ledger.assembly import backups
from ledger.assembly.home import ChainFile, Home
from ledger.assembly.restored import Restored, write_mark
from ledger.chain.client import EngineChain
from ledger.chain.embedded import EmbeddedEngine
from ledger.core.backup_manifest import BackupFile, BackupManifest
from ledger.errors import ConfigError, ConflictError, IntegrityError, NotFoundError, UnavailableError
from ledger.outside.data_keys import DataKeys
from ledger.outside.key_folders import KeyFolders
from ledger.ports.access import OperationMaker
from ledger.services.access import revocation
from ledger.services.operations import LOCAL, entry_of
from ledger.settings import Settings, load_settings
from ledger.store import dumps, files
from ledger.store.restored_rights import end_rights

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Restoration:
    """``from_copy``: segments that came, in part or whole, from the second medium; ``head``: newest block of the
    embedded chain, ``None`` on a network's. ``tokens``: revoked with it; ``data_keys``: to be rotated."""

    manifest: BackupManifest
    files: int
    from_copy: int
    head: int | None
    tokens: int
    data_keys: int


def restore_backup(
    source: Path,
    home: Path,
    now: int,
    chain: Path | None = None,
    medium: Path | None = None,
    watch: Callable[[int], None] = lambda count: None,
) -> Restoration:
    """Restore the newest backup below ``source``, or the one that it is, into ``home``, which must not exist or be
    empty. ``chain``: a newer file of the embedded chain; ``medium``: the second medium, else that of the settings.

    Raises:
        NotFoundError: RESTORE_NO_BACKUP. InputError: CANONICAL_…, SHAPE_…, BACKUP_PATH.
        ConflictError: RESTORE_HOME_USED, RESTORE_DATABASE_USED.
        IntegrityError: RESTORE_DAMAGED: a file is missing or changed; RESTORE_CHAIN_OTHER. ConfigError: SETTINGS_….
        UnavailableError: STORE_…, BACKUP_PROGRAM_FAILED.
    """
    folder = _chosen(source)
    manifest = BackupManifest.from_bytes((folder / backups.MANIFEST).read_bytes())
    if home.exists() and any(home.iterdir()):
        raise ConflictError("RESTORE_HOME_USED", home=str(home))
    for file in manifest.files:
        _compare(_place(folder, file), file)
        watch(1)
    with files.translated():
        files.make_folder(home.absolute().parent)
        work = files.temporary(home.absolute().parent)
        work.mkdir(mode=0o700)
        try:
            return _restore(folder, manifest, work, home, now, chain, medium, watch)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _restore(
    folder: Path,
    manifest: BackupManifest,
    work: Path,
    home: Path,
    now: int,
    chain: Path | None,
    medium: Path | None,
    watch: Callable[[int], None],
) -> Restoration:
    inside = Home(work)
    for file in manifest.files:
        target = _target(inside, file)
        if target is not None:
            copy_checked(_place(folder, file), target, file)
            watch(1)
    if chain is not None:
        inside.chain.unlink(missing_ok=True)
        dumps.copy_sqlite(chain, inside.chain)
    head = _check_chain(inside, manifest)
    settings = load_settings(work)
    from_copy = _missing_segments(inside, medium or settings.copy_root)
    write_mark(inside, Restored(manifest.created, now, head))
    final, tokens = _place_rows(folder, manifest, work, home, settings, now)
    for path in [work, *(p for p in work.rglob("*") if p.is_dir())]:
        path.chmod(0o700)
        files.sync_folder(path)
    data_keys = DataKeys(KeyFolders(inside.keys), None).forget_uses() if inside.keys.is_dir() else 0
    if final is not None:  # a database outside of the folder: nothing is there yet, so nothing is replaced
        files.make_folder(final.parent)
        (work / backups.ROWS).rename(final)
    if home.exists():
        home.rmdir()  # empty, or it fails
    work.rename(home)
    files.sync_folder(home.absolute().parent)
    return Restoration(manifest, len(manifest.files), from_copy, head, tokens, data_keys)


def _chosen(source: Path) -> Path:
    if (source / backups.MANIFEST).is_file():
        return source
    found = backups.backups_in(source)
    if not found:
        raise NotFoundError("RESTORE_NO_BACKUP", folder=str(source))
    return found[-1][0]


def _place(folder: Path, file: BackupFile) -> Path:
    return (folder.absolute().parent if file.shared else folder) / file.path


def _target(home: Home, file: BackupFile) -> Path | None:
    """Where a file of the backup belongs; ``None`` for the rows, which have their own road."""
    if file.shared:
        return home.segments / file.path.removeprefix("segments/")
    first, _, rest = file.path.partition("/")
    if file.path in (backups.ROWS, backups.DUMP):
        return None
    known = {backups.VAULT: home.vault, backups.CHAIN: home.chain}
    folders = {backups.SPOOL: home.spool, backups.HOME: home.root}
    if file.path in known:
        return known[file.path]
    if first in folders and rest:
        return folders[first] / rest
    raise IntegrityError("RESTORE_DAMAGED", file=file.path)


def _compare(path: Path, file: BackupFile) -> None:
    if not path.is_file() or path.stat().st_size != file.size or backups.digest(path) != file.sha256:
        raise IntegrityError("RESTORE_DAMAGED", file=file.path)


def copy_checked(source: Path, target: Path, file: BackupFile) -> None:
    """Copy into a new file, and compare what was copied: the medium may answer otherwise the second time."""
    files.make_folder(target.parent)
    digest = hashlib.sha256()
    with source.open("rb") as stream:
        files.write_synced(target, _summed(iter(partial(stream.read, _PIECE), b""), digest))
    if digest.hexdigest() != file.sha256:
        raise IntegrityError("RESTORE_DAMAGED", file=file.path)


def _summed(pieces: Iterator[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _place_rows(
    folder: Path, manifest: BackupManifest, work: Path, home: Path, settings: Settings, now: int
) -> tuple[Path | None, int]:
    """Rows where the settings want them; the final path of a SQLite file outside of the folder, and how many tokens
    were revoked."""

    def revoked(token: str) -> OperationMaker:
        return entry_of(revocation(token), LOCAL, now)

    url = settings.database_url()
    server = url.get_backend_name() == "postgresql"
    if server != (manifest.database == "postgresql"):
        raise ConfigError("RESTORE_DATABASE_KIND", backup=manifest.database)
    name = backups.DUMP if server else backups.ROWS
    listed = next((f for f in manifest.files if f.path == name), None)
    if listed is None:
        raise IntegrityError("RESTORE_DAMAGED", file=name)
    if server:
        dumps.load_rows(_place(folder, listed), url)
        return None, end_rights(url, now, revoked)
    target = Path(url.database or "")
    inside = target.is_relative_to(work)
    if not inside and target.exists():
        raise ConflictError("RESTORE_DATABASE_USED")
    placed = target if inside else work / backups.ROWS
    copy_checked(_place(folder, listed), placed, listed)
    tokens = end_rights(url.set(database=str(placed)), now, revoked)
    return None if inside else target, tokens


def _check_chain(home: Home, manifest: BackupManifest) -> int | None:
    """Head of the embedded chain: the one that was backed up, or one that goes on from there.

    Raises:
        ConfigError: CHAIN_OTHER_…. IntegrityError: RESTORE_CHAIN_OTHER.
    """
    if not home.chain.exists():
        return None
    named = ChainFile.read(home.chain_file)
    engine = EmbeddedEngine.open(home.chain, node_key=None, clock=lambda: 0.0)
    try:
        chain = EngineChain(engine, named.identity, named.contracts, named.consensus)
        head, _ = chain.head()
        before = manifest.head
        try:
            goes_on = before is None or chain.canonical(before.block) == before.hash
        except UnavailableError as e:
            if e.code != "CHAIN_BEHIND":
                raise
            goes_on = False
        if not goes_on:
            raise IntegrityError("RESTORE_CHAIN_OTHER", block=before.block if before else 0)
        return head.block
    finally:
        engine.close()


def _missing_segments(home: Home, medium: Path | None) -> int:
    """Segments, and parts of segments, that the second medium has and the backup has not; returns how many segments.
    Whether they are whole is for the audit to say."""
    if medium is None or not medium.is_dir():
        return 0
    found = set()
    for source in backups.below(medium):
        target = home.segments / source.relative_to(medium)
        if not target.exists():
            files.make_folder(target.parent)
            with source.open("rb") as stream:
                files.write_synced(target, iter(partial(stream.read, _PIECE), b""))
            found.add(source.parent.name)
    return len(found)
