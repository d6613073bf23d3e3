"""A ledger whose signing key lies with a signer of its own: the whole way, with the signer away, killed, and back."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from ledger_world import World, check_ledger
from signer_kit import NOBODY, SignerHome, own_user, signer_home

from ledger.assembly.auditing import auditing
from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.doctor import examine
from ledger.assembly.file_signing import sign_file
from ledger.cli import main
from ledger.errors import ConfigError
from ledger.outside.keystore import KeyStore
from ledger.outside.remote_signer import RemoteSigner


@dataclass
class Parted:
    """A ledger without its office's signing key, and the signer that has it."""

    world: World
    home: SignerHome

    def codes(self) -> set[str]:
        """What held the outbox back, in one pass."""
        return {problem.code for problem in self.world.app.outbox.run_once().problems}


def signer_check(world: World) -> tuple[str, str]:
    (found,) = [check for check in examine(world.home, world.clock) if check.name == "signers"]
    return found.outcome, found.code


@pytest.fixture
def parted(world: World) -> Iterator[Parted]:
    """The office's key moved: the signer gets it and a copy of the approval key, the ledger keeps its certificate."""
    office = world.home / "keys" / OFFICE_A
    with signer_home() as home:
        there = home.keys / OFFICE_A
        there.mkdir(parents=True, mode=0o700)
        home.keys.chmod(0o700)
        for name in ("main.signing.pem", "main.signing.crt", "main.approval.hex"):
            shutil.copy2(office / name, there)
        (office / "main.signing.pem").unlink()
        home.write_rules(organisations=[OFFICE_A], socket="signer.sock", users=["root"] if own_user() else [])
        address = home.start(world.clock.now)
        arguments = ["--home", str(world.home), "--org", OFFICE_A, "key", "import", "--purpose", "signing"]
        assert main([*arguments, "--signer", address]) == 0
        yield Parted(world, home)


def test_killed_and_back_nothing_is_lost_and_nothing_anchored_twice(parted: Parted) -> None:
    world, home = parted.world, parted.home
    assert isinstance(world.app.signer(OFFICE_A), RemoteSigner)
    leaves = [world.issue_seal("第一枚").leaf]
    world.drain()
    assert signer_check(world) == ("ok", "DOCTOR_SIGNER")
    home.end()
    assert signer_check(world) == ("failed", "SIGNER_UNREACHABLE")
    leaves.append(world.issue_seal("第二枚").leaf)  # the signer is away: accepted all the same
    assert parted.codes() == {"SIGNER_UNREACHABLE"}
    assert check_ledger(world.app, leaves, drained=False) >= 1
    home.start(world.clock.now, "die")  # killed between signature and answer
    assert "SIGNER_UNREACHABLE" in parted.codes()
    assert home.wait() == -signal.SIGKILL
    home.start(world.clock.now)
    leaves.append(world.issue_seal("第三枚").leaf)
    world.drain()
    assert check_ledger(world.app, leaves) >= len(leaves)
    assert auditing(world.app).run(0).whole
    signed = [said for said in home.said if said.get("decision") == "signed"]
    assert all(said["counts"] for said in signed)
    assert home.log.read_text("utf-8").count("\n") == len(signed) + 1  # one signature nobody ever saw


def test_a_row_that_no_source_released_stays_outside(parted: Parted) -> None:
    """The signer's own copy of the approval key counts: what the ledger's host approves with another is not signed."""
    world = parted.world
    (world.home / "keys" / OFFICE_A / "main.approval.hex").unlink()
    world.app.keys.import_secret(OFFICE_A, "main", "approval", b"x" * 32)
    forged = world.issue_seal("伪造").leaf
    world.app.outbox.run_once()
    with world.app.store.read() as unit:
        row = unit.records.by_leaf(forged)
    assert row is not None and row.batch is None
    assert not [said for said in parted.home.said if said.get("decision") == "signed"]


def test_the_key_signs_no_file_and_each_side_reads_only_its_own(parted: Parted) -> None:
    with pytest.raises(ConfigError, match="SIGNER_BATCHES_ONLY"):
        sign_file(parted.world.app, OFFICE_A, "main", b"anything")
    kept = {(entry.purpose, entry.kept) for entry in parted.world.app.keys.list() if entry.organisation == OFFICE_A}
    assert ("signing", "signer") in kept
    for file in (parted.world.home / "keys").rglob("*.signing.pem"):
        assert "PRIVATE KEY" not in file.read_text("ascii") or OFFICE_A not in str(file)
    assert isinstance(KeyStore(parted.home.keys).signing(OFFICE_A, "main").certificate, bytes)
    if own_user():
        read = subprocess.run(["/usr/bin/test", "-r", str(parted.world.home)], user=NOBODY, group=NOBODY, check=False)
        assert read.returncode == 1
