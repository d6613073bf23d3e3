"""Backups of a data folder while it is at work.

``DIR/segments`` is shared by all backups of a folder, since segments never change: only what is new is copied. Each
backup is a folder ``DIR/<instant>`` with ``manifest.json``, and appears whole: it is given its name last.

Order, so that every record that the rows name has its key and its body (acceptance writes key, body, row; a batch is
frozen before its rows move; a chunk is removed after them):
1. spool chunks and small files           – for those that are gone before 4
2. rows, as of one moment
3. chain, then vault                      – what the rows name is in them; keys that no row names open nothing
4. spool chunks and small files again, segments
5. digests, the manifest, the final name
If meanwhile a chunk or a segment that the rows name was taken away, or somebody asked for an erasure (its key would be
gone without its tombstone), 2 to 4 are done again. A crash leaves a folder with a dot before its name, which a later
backup sweeps, and segments that the next backup finds there.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ledger.assembly.app import App
from ledger.core.backup_manifest import SHARED, BackupFile, BackupManifest
from ledger.core.manifests import BlockName
from ledger.errors import ConflictError, IntegrityError, UnavailableError, ZhengyinError
from ledger.store import dumps, files

MANIFEST, SEGMENTS, SPOOL, HOME = "manifest.json", "segments", "spool", "home"
ROWS, DUMP, VAULT, CHAIN = "rows.db", "rows.dump", "vault.db", "chain.db"
TRIES = 10
_PIECE = 1 << 20
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Made:
    """``copied``: bytes written now, ``kept``: bytes of segments that were there; ``removed``: expired backups."""

    folder: Path
    manifest: BackupManifest
    copied: int
    kept: int
    removed: int


def make_backup(app: App, target: Path, watch: Callable[[int], None] = lambda count: None) -> Made:
    """Back the ledger up below ``target``; ``watch`` is told of each file.

    Raises:
        ConflictError: BACKUP_OTHER_LEDGER. ConfigError: BACKUP_PROGRAM_MISSING.
        IntegrityError: BACKUP_SEGMENT_DIFFERS; STORE_DAMAGED.
        UnavailableError: BACKUP_MOVING, BACKUP_PROGRAM_FAILED, STORE_….
    """
    now = int(app.clock())
    with files.translated():
        files.make_folder(target)
        files.sweep(target)
        work = files.temporary(target)
        work.mkdir(mode=0o700)
        try:
            return _Backup(app, target, work, watch).make(now)
        finally:
            shutil.rmtree(work, ignore_errors=True)


class _Backup:
    def __init__(self, app: App, target: Path, work: Path, watch: Callable[[int], None]) -> None:
        self._app, self._target, self._work, self._watch = app, target, work, watch
        self._url = app.settings.database_url()
        self._server = self._url.get_backend_name() == "postgresql"
        self._copied = self._kept = 0

    def make(self, now: int) -> Made:
        chain = self._app.chain_file.identity
        before = backups_in(self._target)
        if any(manifest.chain != chain for _, manifest in before):
            raise ConflictError("BACKUP_OTHER_LEDGER")
        known = {f.path: f for _, manifest in before for f in manifest.files if f.shared}
        head = self._head()
        named = self._databases(known)
        small = [BackupFile(_slashed(p, self._work), p.stat().st_size, digest(p)) for p in below(self._work)]
        self._drop_unnamed(small, named)
        found = tuple(sorted([*small, *self._shared], key=lambda f: f.path))
        database = "postgresql" if self._server else "sqlite"
        expires = now + self._app.settings.backup_days * DAY
        manifest = BackupManifest(now, expires, chain, head, database, found)
        files.write_synced(self._work / MANIFEST, [manifest.to_bytes()])
        for folder in {p.parent for p in below(self._work)}:
            files.sync_folder(folder)
        folder = self._name(now)
        self._work.rename(folder)
        files.sync_folder(self._target)
        removed = remove_expired(self._target, now)
        return Made(folder, manifest, self._copied + sum(f.size for f in small), self._kept, removed)

    def _name(self, now: int) -> Path:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        taken = (self._target / (stamp + (f"-{n}" if n else "")) for n in range(1000))
        return next(folder for folder in taken if not folder.exists())

    def _head(self) -> BlockName | None:
        try:
            return self._app.chain.head()[0]
        except UnavailableError:
            return None  # a node that is down must not keep an office from its backup

    # ---- what changes ----------------------------------------------------------------------------------------------

    def _databases(self, known: dict[str, BackupFile]) -> dumps.Named:
        for _ in range(TRIES):
            self._loose_files()
            named = self._rows()
            if self._app.home.chain.exists():
                self._database(self._app.home.chain, CHAIN)
            if self._app.home.vault.exists() and not self._server:
                self._database(self._app.home.vault, VAULT)
            self._loose_files()
            self._shared = list(self._segments(known))
            if self._complete(named):
                return named
        raise UnavailableError("BACKUP_MOVING")

    def _rows(self) -> dumps.Named:
        path = self._work / (DUMP if self._server else ROWS)
        path.unlink(missing_ok=True)
        self._watch(1)
        return dumps.dump_rows(self._url, path)

    def _database(self, source: Path, name: str) -> None:
        (self._work / name).unlink(missing_ok=True)
        self._watch(1)
        dumps.copy_sqlite(source, self._work / name)

    def _complete(self, named: dumps.Named) -> bool:
        spool, roots = self._work / SPOOL, {f.path.split("/")[3] for f in self._shared}
        if dumps.read_named(self._url).tombstones != named.tombstones:
            return False
        return all((spool / chunk).exists() for chunk in named.chunks) and roots >= {r.hex() for r in named.roots}

    def _loose_files(self) -> None:
        """Copies of spool and small files as they are now; a copy whose source is gone stays."""
        home = self._app.home
        for source in below(home.spool):
            target = self._work / SPOOL / source.name
            if not target.exists():  # chunks are write-once
                self._loose(source, target)
        skipped = self._not_loose()
        for source in below(home.root, skipped):
            self._loose(source, self._work / HOME / source.relative_to(home.root))

    def _loose(self, source: Path, target: Path) -> None:
        try:
            files.make_folder(target.parent)
            data = source.read_bytes()
        except FileNotFoundError:
            return
        target.unlink(missing_ok=True)
        files.write_synced(target, [data])
        self._watch(1)

    def _not_loose(self) -> set[Path]:
        """Copied otherwise, or not at all: uploads are imported or sent again, audits made again; marks are of this
        folder alone."""
        home = self._app.home
        found = {home.segments, home.spool, home.uploads, home.audits, home.restored, home.rebuilding, self._target}
        found.add(home.revocation)
        databases = [home.vault, home.chain]
        if not self._server:
            databases.append(Path(self._url.database or ""))
        if self._app.settings.copy_root:
            found.add(self._app.settings.copy_root)
        found |= {d.with_name(d.name + end) for d in databases for end in ("", "-wal", "-shm", "-journal")}
        return {path.resolve() for path in found}

    def _drop_unnamed(self, small: list[BackupFile], named: dumps.Named) -> None:
        """Chunks that no row of this backup names hold records that it has in a segment, or not at all."""
        wanted = {f"{SPOOL}/{chunk}" for chunk in named.chunks}
        for file in [f for f in small if f.path.startswith(f"{SPOOL}/") and f.path not in wanted]:
            (self._work / file.path).unlink()
            small.remove(file)

    # ---- what never changes ----------------------------------------------------------------------------------------

    def _segments(self, known: dict[str, BackupFile]) -> Iterator[BackupFile]:
        root = self._app.home.segments
        for source in below(root):
            try:
                found = self._segment(source, f"{SHARED}{_slashed(source, root)}", known)
            except FileNotFoundError:
                continue  # a segment that was never anchored may be removed
            known[found.path] = found
            yield found

    def _segment(self, source: Path, name: str, known: dict[str, BackupFile]) -> BackupFile:
        target, size = self._target / name, source.stat().st_size
        if target.exists():
            before = known.get(name)
            if before is not None and before.size == size == target.stat().st_size:
                self._kept += size
                return before
            found = BackupFile(name, size, digest(source))
            if digest(target) != found.sha256:
                raise IntegrityError("BACKUP_SEGMENT_DIFFERS", file=name)
            self._kept += size
            return found
        files.make_folder(target.parent)
        part, summed = files.temporary(self._target), hashlib.sha256()
        with source.open("rb") as file:
            files.write_synced(part, _summing(iter(partial(file.read, _PIECE), b""), summed))
        part.rename(target)
        files.sync_folder(target.parent)
        self._copied += size
        self._watch(1)
        return BackupFile(name, size, summed.hexdigest())


def backups_in(target: Path) -> list[tuple[Path, BackupManifest]]:
    """The complete backups below a folder, the oldest first; what is no backup, or of another version, is left out."""
    found = []
    for path in target.glob(f"[!.]*/{MANIFEST}"):
        try:
            found.append((path.parent, BackupManifest.from_bytes(path.read_bytes())))
        except ZhengyinError:
            continue
    return sorted(found, key=lambda each: (each[1].created, each[0].name))


def remove_expired(target: Path, now: int) -> int:
    """Backups past their day, and with them what was erased since; segments stay, whose keys are gone with them.
    A crash leaves one with a dot before its name, which is swept."""
    expired = [folder for folder, manifest in backups_in(target) if manifest.expires <= now]
    for folder in expired:
        gone = files.temporary(target)
        folder.rename(gone)
        shutil.rmtree(gone)
    files.sync_folder(target)
    return len(expired)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _summing(pieces: Iterator[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def below(folder: Path, skipped: Collection[Path] = ()) -> Iterator[Path]:
    """Files below ``folder``, ascending, without temporaries; what vanishes meanwhile is passed over."""
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    for path in entries:
        if path.name.startswith(".") or path.resolve() in skipped:
            continue
        if path.is_dir():
            yield from below(path, skipped)
        elif path.is_file():
            yield path


def _slashed(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
