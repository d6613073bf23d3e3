"""The spool: chunks whole or not at all, and names that cannot lead elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError, IntegrityError, NotFoundError
from ledger.ports import Block
from ledger.store.spool import SpoolFolder


def block(*bodies: bytes) -> Block:
    leaves, approvals = (b"".join(sha256(what + body).digest() for body in bodies) for what in (b"leaf", b"approval"))
    return Block(leaves, approvals, list(map(len, bodies)), lambda: bodies)


def plain(found: Block) -> tuple[bytes, bytes, list[int], bytes]:
    return found.leaves, found.approvals, list(found.lengths), b"".join(found.bodies())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=9), st.data())
def test_any_part_of_a_chunk_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], data: st.DataObject
) -> None:
    spool = SpoolFolder(tmp_path_factory.mktemp("spool"))
    chunk = spool.write(block(*bodies))
    first = data.draw(st.integers(0, len(bodies) - 1))
    count = data.draw(st.integers(1, len(bodies) - first))
    assert plain(spool.block(chunk, first, count)) == plain(block(*bodies[first : first + count]))
    assert spool.body(chunk, first) == bodies[first]


def test_a_chunk_has_a_name_of_its_own_until_it_is_removed(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "a" / "spool")
    first, second = spool.write(block(b"one", b"", b"two")), spool.write(block(b"three"))
    assert first != second
    assert spool.names(1 << 40) == sorted([first, second])
    assert (tmp_path / "a" / "spool" / first).stat().st_mode & 0o077 == 0
    spool.remove([first, first])
    assert SpoolFolder(tmp_path / "a" / "spool").names(1 << 40) == [second]


def test_a_chunk_just_written_is_not_offered_to_a_sweep(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path)
    chunk = spool.write(block(b"one"))
    os.utime(tmp_path / chunk, (1000, 1000))
    assert spool.names(1000) == []
    assert spool.names(1000.5) == [chunk]


def test_nothing_is_no_chunk(tmp_path: Path) -> None:
    for parts in (block(), replace(block(b"one"), leaves=bytes(33)), replace(block(b"one"), approvals=b"")):
        with pytest.raises(InputError, match="SPOOL_SHAPE"):
            SpoolFolder(tmp_path).write(parts)


@pytest.mark.parametrize("at", range(12))
def test_another_file_is_no_chunk(tmp_path: Path, at: int) -> None:
    spool = SpoolFolder(tmp_path)
    chunk = spool.write(block(b"one"))
    data = bytearray((tmp_path / chunk).read_bytes())
    data[at] ^= 1
    (tmp_path / chunk).write_bytes(data)
    with pytest.raises(IntegrityError, match="SPOOL_DAMAGED"):
        spool.body(chunk, 0)


def test_a_chunk_cut_short_is_damaged_not_shorter(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path)
    chunk = spool.write(block(b"one", b"two"))
    data = (tmp_path / chunk).read_bytes()
    for size in range(len(data)):
        (tmp_path / chunk).write_bytes(data[:size])
        with pytest.raises(IntegrityError, match="SPOOL_DAMAGED"):
            b"".join(spool.block(chunk, 0, 2).bodies())


@pytest.mark.parametrize(("ordinal", "count"), [(2, 1), (0, 3), (-1, 1), (0, 0)])
def test_records_that_a_chunk_does_not_hold_are_damage(tmp_path: Path, ordinal: int, count: int) -> None:
    """Ordinals come from rows."""
    spool = SpoolFolder(tmp_path)
    with pytest.raises(IntegrityError, match="SPOOL_DAMAGED"):
        spool.block(spool.write(block(b"one", b"two")), ordinal, count)


@pytest.mark.parametrize("name", ["0" * 32, "", "../secret", "/etc/passwd", "0" * 31, "A" * 32, "0" * 32 + "\n"])
def test_other_names_are_unknown_and_nothing_outside_is_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    spool = SpoolFolder(tmp_path / "spool")
    with pytest.raises(NotFoundError, match="SPOOL_UNKNOWN"):
        spool.body(name, 0)
    if name != "0" * 32:
        with pytest.raises(NotFoundError, match="SPOOL_UNKNOWN"):
            spool.remove([name])
    assert (tmp_path / "secret").exists()


def test_a_half_written_chunk_has_no_name(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path)

    class PowerCut(Exception): ...

    def bodies() -> Iterator[bytes]:
        yield b"half"
        raise PowerCut

    with pytest.raises(PowerCut):
        spool.write(replace(block(b"x"), bodies=bodies))
    assert spool.names(1 << 40) == list(tmp_path.iterdir()) == []
