"""The spool: chunks whole or not at all, and names that cannot lead elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ledger.errors import InputError, NotFoundError
from ledger.store.spool import SpoolFolder


def test_a_chunk_is_its_bodies_in_order(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "a" / "spool")
    first, second = spool.write([b"one", b"", b"two"]), spool.write([b"three"])
    assert first != second and spool.read(first) == b"onetwo" and spool.read(second) == b"three"
    assert spool.names(1 << 40) == sorted([first, second])
    assert (tmp_path / "a" / "spool" / first).stat().st_mode & 0o077 == 0
    spool.remove([first, first])
    assert SpoolFolder(tmp_path / "a" / "spool").names(1 << 40) == [second]


def test_a_chunk_just_written_is_not_offered_to_a_sweep(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path)
    chunk = spool.write([b"one"])
    os.utime(tmp_path / chunk, (1000, 1000))
    assert spool.names(1000) == []
    assert spool.names(1000.5) == [chunk]


def test_nothing_is_no_chunk(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SPOOL_EMPTY"):
        SpoolFolder(tmp_path).write([])


@pytest.mark.parametrize("name", ["0" * 32, "", "../secret", "/etc/passwd", "0" * 31, "A" * 32, "0" * 32 + "\n"])
def test_other_names_are_unknown_and_nothing_outside_is_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    spool = SpoolFolder(tmp_path / "spool")
    with pytest.raises(NotFoundError, match="SPOOL_UNKNOWN"):
        spool.read(name)
    if name != "0" * 32:
        with pytest.raises(NotFoundError, match="SPOOL_UNKNOWN"):
            spool.remove([name])
    assert (tmp_path / "secret").exists()


def test_a_half_written_chunk_has_no_name(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path)

    class PowerCut(Exception): ...

    class Bodies(list[bytes]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            yield b"half"
            raise PowerCut

    with pytest.raises(PowerCut):
        spool.write(Bodies([b"x"]))
    assert spool.names(1 << 40) == list(tmp_path.iterdir()) == []
