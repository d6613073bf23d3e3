"""What `doctor` finds, and what it says to do."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from cli_kit import Cli


def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(ledger: Cli, tmp_path: Path) -> None:
    well = ledger("doctor", "--json")
    assert well.code == 0
    outcomes = {c["check"]: c["outcome"] for c in well.lines}
    assert outcomes.keys() >= {
        "versions",
        "sm2",
        "disk",
        "settings",
        "keys",
        "certificates",
        "chain",
        "store",
        "trust",
        "outbox",
    }
    assert outcomes["segments"] == "warning"
    assert "segments_copy" in ledger("doctor").out
    with (ledger.home / "zhengyin.toml").open("a", encoding="utf-8") as stream:
        stream.write('segments_copy = "copy"\n')
    assert "DOCTOR_SEGMENTS_BEHIND" in [c["code"] for c in ledger("doctor", "--json").lines]
    shutil.copytree(ledger.home / "segments", ledger.home / "copy")
    assert {c["check"]: c["outcome"] for c in ledger("doctor", "--json").lines}["segments"] == "ok"
    key = next((ledger.home / "keys").rglob("*.pem"))
    key.chmod(0o644)
    sick = ledger("doctor", "--json")
    assert sick.code == 4
    assert next(c for c in sick.lines if c["outcome"] == "failed")["code"] == "KEYS_PERMISSIONS"
    (ledger.home / "zhengyin.toml").write_text("nonsense = 1\n", "utf-8")
    assert ledger("doctor").code == 4
    assert Cli(tmp_path / "nowhere")("doctor").code == 4


def test_the_doctor_notices_a_clock_a_day_off(demo: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger.assembly.doctor import examine

    now = time.time()
    codes = {c.code for c in examine(demo.home, lambda: now - 86_400)}
    assert "DOCTOR_CLOCK_BEHIND" in codes
    ends = {c.code for c in examine(demo.home, lambda: now + 400 * 86_400)}
    assert ends >= {"DOCTOR_TRUST_EXPIRED", "DOCTOR_CLOCK_AHEAD"}
    well = {c.code for c in examine(demo.home, lambda: now + 60)}
    assert not well & {"DOCTOR_CLOCK_AHEAD", "DOCTOR_CLOCK_BEHIND"}


def test_the_doctor_says_when_the_lists_of_a_ca_run_out(demo: Cli) -> None:
    """A real CA's folder has no keys; its lists are brought by somebody else, who may forget."""
    from ledger.assembly.doctor import examine
    from ledger.outside.demo_authority import CRL_LIFE

    folder = sorted((demo.home / "authorities").iterdir())[0]
    assert {c.code for c in examine(demo.home) if c.name == "crls"} == {"DOCTOR_CRLS_TEST"}
    shutil.rmtree(folder / "keys")
    life, now = CRL_LIFE.total_seconds(), time.time()

    def codes(after: float) -> list[str]:
        found = [c for c in examine(demo.home, lambda: now + after) if c.name == "crls"]
        return [c.code for c in found if c.values["folder"] == folder.name]

    assert codes(0) == ["DOCTOR_CRL", "DOCTOR_CRL"]
    assert codes(life * 0.9) == ["DOCTOR_CRL_ENDS", "DOCTOR_CRL_ENDS"]
    assert codes(life + 60) == ["DOCTOR_CRL_ENDED", "DOCTOR_CRL_ENDED"]
    (folder / "crls" / "root.crl").unlink()
    assert sorted(codes(0)) == ["DOCTOR_CRL", "DOCTOR_CRL_NONE"]
    (folder / "crls" / "issuing.crl").write_bytes(b"junk")
    assert "REVOCATION_SOURCE_DAMAGED" in {c.code for c in examine(demo.home) if c.outcome == "failed"}
