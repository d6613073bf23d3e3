"""Chunks and segments of records with a second leaf by SM3: round trips, and files that are not what was written."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from ledger.core import merkle
from ledger.core.hashing import SM3_HASH
from ledger.core.registries import Kind, Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.errors import InputError, IntegrityError
from ledger.ports import Block, SegmentBody
from ledger.store import segment_body as form
from ledger.store.segments import SegmentFolder, SegmentFolders
from ledger.store.spool import SpoolFolder

OFFICE = "11449999000000019F"
SIZE = 5


def block(suite: Suite = Suite.GM, size: int = SIZE) -> Block:
    world = Random(size)
    leaves, second, approvals = (world.randbytes(32 * size) for _ in range(3))
    bodies = [world.randbytes(n) for n in range(size)]
    return Block(leaves, approvals, list(map(len, bodies)), lambda: bodies, Sm3Leaves(suite, second))


def body(given: Block) -> SegmentBody:
    second = given.sm3.levels() if given.sm3 else ()
    return SegmentBody(merkle.build_levels(given.leaves), given, [("evidence", range(1, SIZE + 1))], second)


def make(folder: Path, suite: Suite = Suite.GM) -> SegmentFolder:
    return SegmentFolders(folder).create(OFFICE, Kind.EVIDENCE, body(block(suite)))


def file_of(folder: Path) -> Path:
    (found,) = folder.rglob("body")
    found.chmod(0o600)
    return found


@pytest.mark.parametrize("suite", [Suite.GM, Suite.DUAL])
def test_a_chunk_gives_back_both_leaves_of_any_part(tmp_path: Path, suite: Suite) -> None:
    spool, given = SpoolFolder(tmp_path / "spool"), block(suite)
    name = spool.write(given)
    assert given.sm3 is not None
    for start in range(SIZE):
        found = spool.block(name, start, SIZE - start)
        assert found.suite is suite
        assert found.sm3 == given.sm3.part(start, SIZE - start)
        assert (found.leaves, found.approvals) == (given.leaves[32 * start :], given.approvals[32 * start :])
        assert b"".join(found.bodies()) == b"".join(list(given.bodies())[start:])


@pytest.mark.parametrize("number", [0, 1, 4, 255])
def test_a_chunk_of_no_suite_with_sm3_is_damaged(tmp_path: Path, number: int) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    name = spool.write(block())
    path = tmp_path / "spool" / name
    data = bytearray(path.read_bytes())
    data[12] = number
    path.chmod(0o600)
    path.write_bytes(data)
    with pytest.raises(IntegrityError) as caught:
        spool.block(name, 0, 1)
    assert caught.value.code == "SPOOL_DAMAGED"


def test_a_chunk_with_fewer_leaves_by_sm3_is_not_written(tmp_path: Path) -> None:
    given = block()
    assert given.sm3 is not None
    short = Block(given.leaves, given.approvals, given.lengths, given.bodies, given.sm3.part(0, SIZE - 1))
    with pytest.raises(InputError) as caught:
        SpoolFolder(tmp_path / "spool").write(short)
    assert caught.value.code == "SPOOL_SHAPE"


@pytest.mark.parametrize("suite", [Suite.GM, Suite.DUAL])
def test_a_segment_cuts_a_path_from_each_tree(tmp_path: Path, suite: Suite) -> None:
    segment, given = make(tmp_path, suite), block(suite)
    sm3 = segment.sm3()
    assert sm3 is not None and sm3 == given.sm3 and segment.block().sm3 == sm3
    assert segment.levels_sm3() == b"".join(sm3.levels())
    assert segment.root() == merkle.root_of(merkle.build_levels(given.leaves))
    for index in range(SIZE):
        path, leaf = segment.path_sm3(index), sm3.part(index, 1).leaves
        assert path is not None
        assert merkle.root_from_path(leaf, index, SIZE, path, SM3_HASH) == sm3.root()
        assert segment.body(index) == list(given.bodies())[index]
    segment.verify()


def test_a_flipped_node_of_the_second_tree_is_noticed_where_a_path_is_cut(tmp_path: Path) -> None:
    segment = make(tmp_path)
    path = file_of(tmp_path)
    data = bytearray(path.read_bytes())
    data[segment.layout.levels_sm3 + 32] ^= 1
    data[-32:] = sha256(data[:-32]).digest()
    path.write_bytes(data)
    found = SegmentFolders(tmp_path).open(segment.root())
    found.verify()
    assert len(found.path(0)) == 3
    with pytest.raises(IntegrityError) as caught:
        found.path_sm3(0)
    assert caught.value.values["part"] == "levels"


@pytest.mark.parametrize("version", [1, 3])
def test_version_and_suite_of_a_segment_go_together(tmp_path: Path, version: int) -> None:
    segment = make(tmp_path)
    path = file_of(tmp_path)
    data = bytearray(path.read_bytes())
    data[8:10] = version.to_bytes(2, "big")
    path.write_bytes(data)
    with pytest.raises(IntegrityError) as caught:
        SegmentFolders(tmp_path).open(segment.root())
    assert caught.value.values["part"] == "header"


def test_a_segment_of_one_tree_is_as_it_was(tmp_path: Path) -> None:
    given = block()
    plain = Block(given.leaves, given.approvals, given.lengths, given.bodies)
    segment = SegmentFolders(tmp_path).create(OFFICE, Kind.EVIDENCE, body(plain))
    data = file_of(tmp_path).read_bytes()
    assert data[8:10] == b"\0\1" and b"suite" not in data[: segment.layout.start]
    assert (segment.sm3(), segment.path_sm3(0), segment.levels_sm3()) == (None, None, b"")


def test_trees_of_other_leaves_than_the_block_has_are_refused() -> None:
    given = block()
    honest = body(given)
    other = Sm3Leaves(Suite.GM, bytes(32 * SIZE)).levels()
    for levels in ((), honest.levels_sm3[:-1], other):
        with pytest.raises(InputError) as caught:
            form.layout_of(OFFICE, Kind.EVIDENCE, SegmentBody(honest.levels, given, honest.runs, levels))
        assert caught.value.code == "SEGMENT_SHAPE"
    plain = Block(given.leaves, given.approvals, given.lengths, given.bodies)
    with pytest.raises(InputError):
        form.layout_of(OFFICE, Kind.EVIDENCE, SegmentBody(honest.levels, plain, honest.runs, honest.levels_sm3))
