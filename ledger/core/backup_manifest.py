"""The manifest of a backup: every file with its size and SHA-256, from what moment, and until when it may be kept.

The files of one backup lie beside the manifest, but for segments, which all backups of a folder share: those are
``segments/…`` one folder higher.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ledger.core import canonical, shapes
from ledger.core.manifests import BlockName, ChainIdentity

TAG = "zhengyin/backup/1"
NOTICE = (
    "本备份可能含有此后依法删除的内容，到期应连同其密钥一并销毁。"
    " What was erased since may still be in this backup until it expires; destroy it then, keys and all."
)
LIMITS = canonical.Limits(1 << 28, 4)
MAX_FILES = 1 << 20
SHARED = "segments/"
DATABASES = ("sqlite", "postgresql")
_DATABASE = re.compile("|".join(DATABASES))
_HEX = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class BackupFile:
    """``path``: relative, with slashes; ``size`` in bytes."""

    path: str
    size: int
    sha256: str

    @property
    def shared(self) -> bool:
        return self.path.startswith(SHARED)


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """``created``, ``expires``: seconds UTC; ``head``: newest final block when it was made, if the chain answered."""

    created: int
    expires: int
    chain: ChainIdentity
    head: BlockName | None
    database: str
    files: tuple[BackupFile, ...]

    def to_bytes(self) -> bytes:
        value = {
            "tag": TAG,
            "created": self.created,
            "expires": self.expires,
            "notice": NOTICE,
            "chain": self.chain.to_json(),
            "head": self.head.to_json() if self.head else None,
            "database": self.database,
            "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in self.files],
        }
        return canonical.encode(value, LIMITS)

    @classmethod
    def from_bytes(cls, data: bytes) -> BackupManifest:
        """Raises InputError CANONICAL_…, SHAPE_…, BACKUP_PATH for a name that leads out of the folder."""
        value = canonical.decode(data, LIMITS)
        names = ("created", "expires", "notice", "chain", "head", "database", "files")
        created, expires, notice, chain, head, database, files = shapes.tagged(value, "backup", TAG, *names)
        shapes.text(notice, "backup.notice")
        found = cls(
            shapes.integer(created, "backup.created"),
            shapes.integer(expires, "backup.expires"),
            ChainIdentity.from_json(chain, "backup.chain"),
            shapes.optional(head, "backup.head", BlockName.from_json),
            shapes.text(database, "backup.database", _DATABASE),
            shapes.array(files, "backup.files", _file, low=1, high=MAX_FILES),
        )
        shapes.ascending(tuple(f.path for f in found.files), "backup.files")
        return found


def _file(value: Any, path: str) -> BackupFile:
    name, size, sha256 = shapes.members(value, path, "path", "size", "sha256")
    found = shapes.text(name, f"{path}.path", high=4096)
    parts = found.split("/")
    if PurePosixPath(found).is_absolute() or "\\" in found or any(part in ("", ".", "..") for part in parts):
        shapes.refuse("BACKUP_PATH", f"{path}.path")
    return BackupFile(found, shapes.integer(size, f"{path}.size"), shapes.text(sha256, f"{path}.sha256", _HEX))
