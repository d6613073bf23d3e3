"""Segment folders: one a batch, write-once, named by the batch's root, on one medium or two.

``<folder>/ab/cd/<root, 64 hex digits>/`` holds ``body`` (see ``segment_body``) and the parts that come
later. The folder appears whole or not at all; parts are added, never changed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ledger.core.merkle import HASH_BYTES
from ledger.core.registries import Kind
from ledger.errors import InputError, IntegrityError, NotFoundError
from ledger.ports import SegmentBody
from ledger.store import files
from ledger.store import segment_body as form
from ledger.store.segment_reader import BODY, SegmentBodyReader

RECEIPT = "receipt"

_PART = re.compile("[a-z][a-z0-9-]{0,31}")
_ROOT = re.compile("[0-9a-f]{64}")


class SegmentFolder(SegmentBodyReader):
    """``ports.Segment`` on its media, the first of which is read."""

    def __init__(self, root: bytes, media: tuple[Path, ...]) -> None:
        self._media = media
        self._folder = _place(media[0], root)
        super().__init__(self._folder / BODY, root.hex())

    def put(self, part: str, data: bytes) -> None:
        """Durable on every medium when this returns. A crash between two media leaves the part on the
        first; the same call again completes it. A medium that was added later first gets the segment.

        Raises:
            InputError: SEGMENT_PART for a name that is not a part's.
            IntegrityError: SEGMENT_PART_DIFFERS if the part holds other bytes already.
        """
        for medium in self._media:
            folder = _place(medium, self.root())
            path = _part(folder, part)
            with files.translated():
                if not folder.is_dir():
                    files.copy_folder(self._folder, folder, medium)
                same = files.write_once(path, data) or path.read_bytes() == data
                files.sync_folder(folder)
            if not same:
                raise IntegrityError("SEGMENT_PART_DIFFERS", segment=folder.name, part=part)

    def get(self, part: str) -> bytes | None:
        with files.translated():
            try:
                return _part(self._folder, part).read_bytes()
            except FileNotFoundError:
                return None

    def durable(self, part: str) -> bool:
        with files.translated():
            return all(_part(_place(medium, self.root()), part).is_file() for medium in self._media)


class SegmentFolders:
    """``ports.Segments``. With ``copy`` every segment is on a second medium before a call returns, so
    that the chain never knows a batch whose bodies one lost disk takes away (why.md F25)."""

    def __init__(self, folder: Path, copy: Path | None = None) -> None:
        self._media = (folder,) if copy is None else (folder, copy)
        with files.translated():
            for medium in self._media:
                files.make_folder(medium)
                files.sweep(medium)

    def create(self, issuer: str, kind: Kind, body: SegmentBody) -> SegmentFolder:
        """A crash before the first rename leaves nothing, one between the media a segment on the first
        that no batch names: create it again, or remove it.

        Raises:
            InputError: SEGMENT_SHAPE.
            IntegrityError: SEGMENT_BODY_DIFFERS if the root is taken by other bytes; SEGMENT_DAMAGED if
                the same segment is there but no longer whole.
            UnavailableError: STORE_FULL, STORE_FAILED.
        """
        layout = form.layout_of(issuer, kind, body)
        root = body.levels[-1]
        for medium in self._media:
            folder = _place(medium, root)
            if folder.exists() or not _write(medium, folder, layout, body):
                _require_same(folder, layout, body)
                with files.translated():
                    files.sync_up(folder, medium)
        return self.open(root)

    def open(self, root: bytes) -> SegmentFolder:
        """Checks the header, the sizes and the stored root, without reading the whole file.

        Raises:
            NotFoundError: SEGMENT_UNKNOWN. IntegrityError: SEGMENT_DAMAGED.
        """
        if not _place(self._media[0], root).is_dir():
            raise NotFoundError("SEGMENT_UNKNOWN", segment=root.hex())
        return SegmentFolder(root, self._media)

    def roots(self) -> Iterator[bytes]:
        """Roots of all segments on the first medium, ascending."""
        with files.translated():
            for folder in sorted(self._media[0].glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*")):
                if _ROOT.fullmatch(folder.name) and folder == _place(self._media[0], bytes.fromhex(folder.name)):
                    yield bytes.fromhex(folder.name)

    def remove(self, root: bytes) -> None:
        """The first medium last: a crash in between leaves the segment listed, to be removed again.

        Raises:
            IntegrityError: SEGMENT_ANCHORED if it has a receipt: the chain names it.
        """
        with files.translated():
            if (_place(self._media[0], root) / RECEIPT).exists():
                raise IntegrityError("SEGMENT_ANCHORED", segment=root.hex())
            for medium in reversed(self._media):
                folder, gone = _place(medium, root), files.temporary(medium)
                if folder.exists():
                    folder.rename(gone)  # at once: never half a segment under its name
                    files.sync_folder(folder.parent)
                    shutil.rmtree(gone)


def _write(medium: Path, folder: Path, layout: form.Layout, body: SegmentBody) -> bool:
    """``False`` if another process gave the name first."""
    fresh = files.temporary(medium)
    with files.translated():
        try:
            fresh.mkdir(mode=0o700)
            files.write_synced(fresh / BODY, form.with_digest(form.pieces(layout, body)))
            files.sync_folder(fresh)
            return files.place(fresh, folder, medium)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _require_same(folder: Path, layout: form.Layout, body: SegmentBody) -> None:
    found = SegmentBodyReader(folder / BODY, folder.name)
    digest = sha256()
    for piece in form.pieces(layout, body):
        digest.update(piece)
    if digest.digest() != found.digest():
        raise IntegrityError("SEGMENT_BODY_DIFFERS", segment=folder.name)
    found.verify()


def _place(medium: Path, root: bytes) -> Path:
    if len(root) != HASH_BYTES:
        raise NotFoundError("SEGMENT_UNKNOWN", segment=root.hex())
    name = root.hex()
    return medium / name[:2] / name[2:4] / name


def _part(folder: Path, part: str) -> Path:
    if not _PART.fullmatch(part) or part == BODY:
        raise InputError("SEGMENT_PART", part=part[:64])
    return folder / part
