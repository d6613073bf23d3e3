"""The manifest of a backup: strict on reading, since a restore writes where it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.backup_manifest import BackupFile, BackupManifest
from ledger.core.manifests import BlockName, ChainIdentity
from ledger.errors import InputError

MANIFEST = BackupManifest(
    1_790_000_000,
    1_792_592_000,
    ChainIdentity(7, bytes(32), bytes(20)),
    BlockName(3, b"\1" * 32),
    "sqlite",
    (BackupFile("home/chain.json", 4, "0" * 64), BackupFile("segments/ab/cd/x/body", 0, "f" * 64)),
)
names = st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), min_size=1, max_size=4).map("/".join)
files = st.builds(BackupFile, names, st.integers(0, 2**53 - 1), st.from_regex(r"[0-9a-f]{64}", fullmatch=True))


@given(st.lists(files, min_size=1, max_size=6, unique_by=lambda f: f.path))
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(found: list[BackupFile]) -> None:
    ordered = tuple(sorted(found, key=lambda f: f.path))
    manifest = BackupManifest(1, 2, MANIFEST.chain, None, "postgresql", ordered)
    assert BackupManifest.from_bytes(manifest.to_bytes()) == manifest


def test_segments_are_shared_and_nothing_else() -> None:
    assert [f.shared for f in MANIFEST.files] == [False, True]


def changed(**values: Any) -> bytes:
    value = json.loads(MANIFEST.to_bytes()) | values
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"tag": "zhengyin/manifest/1"}, "SHAPE_TAG"),
        ({"extra": 1}, "SHAPE_KEYS"),
        ({"files": []}, "SHAPE_RANGE"),
        ({"database": "mysql"}, "SHAPE_TEXT"),
        ({"files": [{"path": "b", "size": 0, "sha256": "0" * 64}] * 2}, "SHAPE_ORDER"),
        ({"files": [{"path": "../b", "size": 0, "sha256": "0" * 64}]}, "BACKUP_PATH"),
        ({"files": [{"path": "b", "size": -1, "sha256": "0" * 64}]}, "CANONICAL_INTEGER"),
        ({"files": [{"path": "b", "size": 0, "sha256": "0" * 63}]}, "SHAPE_TEXT"),
    ],
)
def test_anything_else_is_refused(values: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as refused:
        BackupManifest.from_bytes(changed(**values))
    assert refused.value.code == code


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        BackupManifest.from_bytes(data)
