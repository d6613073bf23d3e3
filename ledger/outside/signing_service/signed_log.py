"""What the signer signed: a file that only grows, each line chained to the one before. FORMATS, "Remote signer".

An entry is durable before its signature leaves. A crash in between leaves an entry for a signature that nobody has; the
other order would leave a signature that no entry names.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from ledger.core import canonical, shapes
from ledger.core.canonical import b64
from ledger.core.manifests import ChainIdentity, Manifest
from ledger.errors import ConfigError, ConflictError, InputError, IntegrityError, UnavailableError
from ledger.outside import private_files

TAG = "zhengyin/signed/1"
LIMITS = canonical.Limits(1 << 17, 6)
HOUR = 3600


@dataclass(frozen=True, slots=True)
class _Entry:
    """``said``: digest of what two manifests over one root must agree on; they may differ in when they were closed."""

    at: int
    issuer: str
    root: bytes
    said: bytes
    manifest: bytes
    size: int


class SignedLog:
    """The file at ``path``, made if need be, held by one process alone. ``close`` it.

    Raises:
        ConfigError: ``SIGNER_LOG_HELD``. IntegrityError: ``SIGNER_LOG_DAMAGED`` with the line.
        UnavailableError: ``SIGNER_LOG_UNWRITABLE``.
    """

    def __init__(self, path: Path) -> None:
        self._said: dict[tuple[str, bytes], bytes] = {}
        self._manifests: set[bytes] = set()
        self._recent: deque[_Entry] = deque()
        self._number, self._head = 0, bytes(32)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            private_files.sync_folder(path.parent)  # else a crash may take a new log away whole
        except OSError as error:
            raise UnavailableError("SIGNER_LOG_UNWRITABLE", reason=error.strerror) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._load(path)
        except BlockingIOError as error:
            self.close()
            raise ConfigError("SIGNER_LOG_HELD", file=str(path)) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @property
    def number(self) -> int:
        """How many entries there are."""
        return self._number

    def require_consistent(self, manifest: Manifest) -> None:
        """The same records were not signed before as something else (kind, suite, counts, chain). A later attempt with
        other times is nothing else.

        Raises:
            ConflictError: ``SIGNER_SIGNED_OTHERWISE``.
        """
        said = self._said.get((manifest.issuer, manifest.root))
        if said is not None and said != _said(manifest.to_json()):
            raise ConflictError("SIGNER_SIGNED_OTHERWISE", root=manifest.root.hex())

    def records_in_hour(self, issuer: str, now: int, besides: bytes) -> int:
        """Records of the manifests of ``issuer`` first signed in the hour until ``now``; not those of the manifest
        ``besides`` (its SHA-256), which is signed again."""
        while self._recent and self._recent[0].at <= now - HOUR:
            self._recent.popleft()
        return sum(entry.size for entry in self._recent if entry.issuer == issuer and entry.manifest != besides)

    def append(self, manifest: Manifest, certificate: bytes, client: str, now: int) -> None:
        """Durably. Raises UnavailableError ``SIGNER_LOG_UNWRITABLE``."""
        said = manifest.to_json()
        value = {name: said[name] for name in ("issuer", "kind", "suite", "root", "size", "counts", "chain")} | {
            "tag": TAG,
            "number": self._number + 1,
            "at": now,
            "client": client,
            "certificate": b64(certificate),
            "manifest": b64(manifest.sha256()),
            "previous": b64(self._head),
        }
        line = canonical.encode(value, LIMITS)
        end = os.lseek(self._file, 0, os.SEEK_END)
        try:
            if os.write(self._file, line + b"\n") != len(line) + 1:
                raise OSError(28, "No space left on device")
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, end)
            raise UnavailableError("SIGNER_LOG_UNWRITABLE", reason=error.strerror) from error
        self._take(value, line)

    def _load(self, path: Path) -> None:
        with path.open("rb") as stream:
            whole = 0
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                try:
                    self._take(canonical.decode(line[:-1], LIMITS), line[:-1])
                except InputError as error:
                    raise IntegrityError("SIGNER_LOG_DAMAGED", line=self._number + 1) from error
                whole += len(line)
        # What stands behind the last end of line was never durable, so nothing was signed for it.
        os.ftruncate(self._file, whole)

    def _take(self, value: Any, line: bytes) -> None:
        names = ("number", "at", "client", "certificate", "manifest", "previous")
        said = ("issuer", "kind", "suite", "root", "size", "counts", "chain")
        number, at, _, _, manifest, previous, issuer, _, _, root, size, _, chain = shapes.tagged(
            value, "entry", TAG, *names, *said
        )
        if number != self._number + 1 or shapes.digest(previous, "entry.previous") != self._head:
            raise InputError("SHAPE_ORDER", path="entry.previous")
        ChainIdentity.from_json(chain, "entry.chain")
        entry = _Entry(
            shapes.integer(at, "entry.at"),
            shapes.text(issuer, "entry.issuer"),
            shapes.digest(root, "entry.root"),
            _said(value),
            shapes.digest(manifest, "entry.manifest"),
            shapes.integer(size, "entry.size", low=1),
        )
        self._number, self._head = number, sha256(line).digest()
        self._said.setdefault((entry.issuer, entry.root), entry.said)
        if entry.manifest not in self._manifests:
            self._manifests.add(entry.manifest)
            self._recent.append(entry)


def _said(value: dict[str, Any]) -> bytes:
    named = {name: value[name] for name in ("issuer", "kind", "suite", "root", "size", "counts", "chain")}
    return sha256(canonical.encode(named, LIMITS)).digest()
