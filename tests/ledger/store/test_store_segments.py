"""Segments: what is read is what was written, on two media, whole or not at all; damage is named."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core import merkle
from ledger.core.registries import Kind
from ledger.errors import InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.ports import Block, SegmentBody
from ledger.store import files
from ledger.store.segments import SegmentFolder, SegmentFolders

ISSUER = "91110000600037341L"


def make(size: int, seed: int = 1) -> SegmentBody:
    world = random.Random(seed)
    levels = merkle.build_levels(world.randbytes(32 * size))
    bodies = [world.randbytes(world.choice((0, 1, 40, 900))) for _ in range(size)]
    runs, left = [], size
    while left:
        number, first = world.randint(1, left), world.choice((0, 7, 1 << 40))
        runs.append((world.choice(("seal", "license", "deed")), range(first, first + number)))
        left -= number
    return SegmentBody(levels, with_bodies(levels[0], world.randbytes(32 * size), bodies), runs)


def with_bodies(leaves: bytes, approvals: bytes, bodies: list[bytes]) -> Block:
    return Block(leaves, approvals, list(map(len, bodies)), lambda: bodies)


def create(folders: SegmentFolders, body: SegmentBody) -> SegmentFolder:
    return folders.create(ISSUER, Kind.LICENSE, body)


def place(medium: Path, root: bytes) -> Path:
    return medium / root.hex()[:2] / root.hex()[2:4] / root.hex()


@pytest.fixture
def folders(tmp_path: Path) -> SegmentFolders:
    return SegmentFolders(tmp_path / "first", tmp_path / "second")


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 300), seed=st.integers(0, 1 << 30))
def test_every_record_comes_back_with_a_path_to_the_root(
    tmp_path_factory: pytest.TempPathFactory, size: int, seed: int
) -> None:
    body = make(size, seed)
    segment = create(SegmentFolders(tmp_path_factory.mktemp("segments")), body)
    assert (segment.root(), segment.size()) == (body.levels[-1], size)
    assert (segment.leaves(), segment.approvals()) == (body.levels[0], body.block.approvals)
    assert list(segment.vault_handles()) == [handle for _, handles in body.runs for handle in handles]
    types = [type_ for type_, handles in body.runs for _ in handles]
    assert segment.types() == tuple((t, types.count(t)) for t in sorted(set(types)))
    bodies, found = list(body.block.bodies()), segment.block()
    assert (found.leaves, found.approvals, found.lengths) == (body.levels[0], body.block.approvals, body.block.lengths)
    assert b"".join(found.bodies()) == b"".join(bodies)
    for index in {0, size - 1, size // 2, seed % size}:
        assert segment.body(index) == bodies[index]
        path = segment.path(index)
        leaf = body.levels[0][32 * index : 32 * index + 32]
        assert path == merkle.inclusion_path(body.levels, index)
        assert merkle.root_from_path(leaf, index, size, path) == segment.root()
    segment.verify()


def test_a_segment_is_on_both_media_under_its_root(folders: SegmentFolders, tmp_path: Path) -> None:
    segment = create(folders, make(5))
    segment.put("manifest", b"{}")
    for part in ("body", "manifest"):
        first, second = (place(tmp_path / m, segment.root()) / part for m in ("first", "second"))
        assert first.read_bytes() == second.read_bytes() != b""
        assert first.stat().st_mode & 0o077 == 0
    assert list(folders.roots()) == [segment.root()]
    assert sorted(p.name for p in (tmp_path / "first").iterdir()) == [segment.root().hex()[:2]]


def test_writing_the_same_segment_again_is_fine_and_completes_the_copy(folders: SegmentFolders, tmp_path: Path) -> None:
    segment = create(folders, make(5))
    copy = place(tmp_path / "second", segment.root())
    shutil.rmtree(copy)  # as a crash between the two media leaves it
    assert create(folders, make(5)).root() == segment.root()
    assert (copy / "body").exists()


def test_another_body_under_the_same_root_is_refused(folders: SegmentFolders) -> None:
    body = make(5)
    create(folders, body)
    other = replace(body, block=with_bodies(body.levels[0], body.block.approvals, [b"other"] * 5))
    with pytest.raises(IntegrityError, match="SEGMENT_BODY_DIFFERS"):
        create(folders, other)


@pytest.mark.parametrize(
    "change",
    [
        {"block": with_bodies(b"", b"", []), "levels": [b""], "runs": []},
        {"block": with_bodies(make(5).levels[0], bytes(32 * 4), [b""] * 5)},
        {"block": with_bodies(make(5).levels[0], bytes(32 * 5 + 1), [b""] * 5)},
        {"block": with_bodies(make(5).levels[0], bytes(32 * 5), [b""] * 6)},
        {"block": with_bodies(bytes(32 * 5), bytes(32 * 5), [b""] * 5)},
        {"runs": [("license", range(4))]},
        {"levels": merkle.build_levels(bytes(32 * 6))},
        {"levels": make(5).levels[:-1]},
    ],
)
def test_parts_that_do_not_fit_together_are_refused(
    folders: SegmentFolders, tmp_path: Path, change: dict[str, object]
) -> None:
    body = make(5)
    with pytest.raises(InputError, match="SEGMENT_SHAPE"):
        create(folders, replace(body, **change))  # type: ignore[arg-type]
    assert list(folders.roots()) == list((tmp_path / "first").iterdir()) == []


def test_parts_are_written_once(folders: SegmentFolders, tmp_path: Path) -> None:
    segment = create(folders, make(5))
    assert segment.get("cms") is None
    segment.put("cms", b"signed")
    segment.put("cms", b"signed")
    with pytest.raises(IntegrityError, match="SEGMENT_PART_DIFFERS"):
        segment.put("cms", b"other")
    assert folders.open(segment.root()).get("cms") == b"signed"
    names = sorted(p.name for p in place(tmp_path / "first", segment.root()).iterdir())
    assert names == ["body", "cms"]


def test_a_part_cut_off_between_the_media_is_completed(folders: SegmentFolders, tmp_path: Path) -> None:
    segment = create(folders, make(5))
    segment.put("cms", b"signed")
    copy = place(tmp_path / "second", segment.root()) / "cms"
    copy.unlink()
    segment.put("cms", b"signed")
    assert copy.read_bytes() == b"signed"


def test_a_medium_added_later_gets_the_segment_with_its_next_part(tmp_path: Path) -> None:
    segment = create(SegmentFolders(tmp_path / "first"), make(5))
    segment.put("manifest", b"{}")
    again = SegmentFolders(tmp_path / "first", tmp_path / "second").open(segment.root())
    again.put("cms", b"signed")
    copied = SegmentFolders(tmp_path / "second").open(segment.root())
    copied.verify()
    assert (copied.get("manifest"), copied.get("cms")) == (b"{}", b"signed")


@pytest.mark.parametrize("name", ["", "body", "../body", "a/b", ".hidden", "Manifest", "a" * 33, "cms\n"])
def test_names_that_are_not_parts_are_refused(folders: SegmentFolders, name: str) -> None:
    segment = create(folders, make(1))
    for use in (lambda: segment.put(name, b"x"), lambda: segment.get(name)):
        with pytest.raises(InputError, match="SEGMENT_PART"):
            use()


@pytest.mark.parametrize("root", [bytes(32), b"", b"../../etc", bytes(33)])
def test_an_unknown_root_is_not_found(folders: SegmentFolders, root: bytes) -> None:
    with pytest.raises(NotFoundError, match="SEGMENT_UNKNOWN"):
        folders.open(root)


@pytest.mark.parametrize("index", [-1, 5, 1 << 40])
def test_an_index_outside_the_batch_is_refused(folders: SegmentFolders, index: int) -> None:
    segment = create(folders, make(5))
    for read in (segment.body, segment.path):
        with pytest.raises(InputError, match="SEGMENT_INDEX"):
            read(index)


def test_every_truncation_is_named_on_opening(folders: SegmentFolders, tmp_path: Path) -> None:
    segment = create(folders, make(3))
    path = place(tmp_path / "first", segment.root()) / "body"
    data = path.read_bytes()
    for length in [*range(0, len(data), 7), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(IntegrityError, match="SEGMENT_DAMAGED") as caught:
            folders.open(segment.root())
        assert caught.value.values["segment"] == segment.root().hex()
    path.write_bytes(data + b"\0")
    with pytest.raises(IntegrityError, match="SEGMENT_DAMAGED"):
        folders.open(segment.root())


def test_every_flipped_bit_is_found_by_verify_and_none_gives_a_wrong_path(
    folders: SegmentFolders, tmp_path: Path
) -> None:
    body = make(3, seed=5)
    segment = create(folders, body)
    path = place(tmp_path / "first", segment.root()) / "body"
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        with pytest.raises(IntegrityError, match="SEGMENT_DAMAGED"):
            opened = folders.open(segment.root())
            paths = []
            for index in range(3):
                try:
                    paths.append(opened.path(index) == merkle.inclusion_path(body.levels, index))
                    opened.types()
                    opened.body(index)
                except IntegrityError as error:
                    assert error.code == "SEGMENT_DAMAGED"
            assert all(paths)
            opened.verify()


def test_a_body_taken_away_is_damage_not_absence(folders: SegmentFolders, tmp_path: Path) -> None:
    segment = create(folders, make(3))
    (place(tmp_path / "first", segment.root()) / "body").unlink()
    for action in (lambda: folders.open(segment.root()), lambda: segment.body(0)):
        with pytest.raises(IntegrityError, match="SEGMENT_DAMAGED"):
            action()


def test_a_segment_under_another_root_is_damage(folders: SegmentFolders, tmp_path: Path) -> None:
    segment = create(folders, make(3))
    wrong = place(tmp_path / "first", b"w" * 32)
    shutil.copytree(place(tmp_path / "first", segment.root()), wrong)
    with pytest.raises(IntegrityError, match="SEGMENT_DAMAGED"):
        folders.open(b"w" * 32)


def test_an_orphan_is_removed_everywhere_an_anchored_segment_never(folders: SegmentFolders, tmp_path: Path) -> None:
    orphan, anchored = create(folders, make(3, 1)), create(folders, make(3, 2))
    anchored.put("receipt", b"{}")
    folders.remove(orphan.root())
    folders.remove(orphan.root())
    with pytest.raises(IntegrityError, match="SEGMENT_ANCHORED"):
        folders.remove(anchored.root())
    assert list(folders.roots()) == [anchored.root()]
    assert not place(tmp_path / "second", orphan.root()).exists()


def test_what_is_not_a_segment_is_not_listed(folders: SegmentFolders, tmp_path: Path) -> None:
    segment = create(folders, make(3))
    for name in ("aa/bb/" + "c" * 64, "aa/bb/notes", ".0123", "aa/bb/" + "A" * 64):
        (tmp_path / "first" / name).mkdir(parents=True)
    assert list(folders.roots()) == [segment.root()]


def test_a_killed_writer_leaves_a_temporary_that_a_later_start_sweeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".left").mkdir()
    (tmp_path / ".left" / "body").write_bytes(b"half")
    assert list(SegmentFolders(tmp_path).roots()) == []
    assert (tmp_path / ".left").exists()  # its writer may still be at work
    monkeypatch.setattr(files, "_STALE_SECONDS", -1)
    SegmentFolders(tmp_path)
    assert not (tmp_path / ".left").exists()


FULL = """
import resource, sys
from pathlib import Path
from hashlib import sha256
from ledger.core import merkle
from ledger.core.registries import Kind
from ledger.errors import ZhengyinError
from ledger.ports import Block, SegmentBody
from ledger.store.segments import SegmentFolders
from ledger.store.spool import SpoolFolder
segments, spool = SegmentFolders(Path(sys.argv[1]) / "segments"), SpoolFolder(Path(sys.argv[1]) / "spool")
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
block = Block(bytes(64), bytes(64), [9000] * 2, lambda: [bytes(9000)] * 2)
body = SegmentBody(merkle.build_levels(bytes(64)), block, [("a", range(1, 3))])
for action in (
    lambda: segments.create("91110000600037341L", Kind.LICENSE, body),
    lambda: spool.write(block),
):
    try:
        action()
    except ZhengyinError as error:
        print(error.code)
"""


def test_a_full_disk_leaves_no_segment_and_no_chunk(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["STORE_FULL", "STORE_FULL"]
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_read_only_medium_is_unavailable(folders: SegmentFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = create(folders, make(2))

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system", "/a/path")

    monkeypatch.setattr(files.os, "link", refuse)
    with pytest.raises(UnavailableError, match="STORE_FAILED") as caught:
        segment.put("cms", b"signed")
    assert caught.value.values == {"detail": "EROFS"}
    assert segment.get("cms") is None


def test_the_digest_covers_everything_before_it(folders: SegmentFolders, tmp_path: Path) -> None:
    segment = create(folders, make(2))
    data = (place(tmp_path / "first", segment.root()) / "body").read_bytes()
    assert segment.digest() == data[-32:] == sha256(data[:-32]).digest()
