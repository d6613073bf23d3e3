"""What the doctor says of what is outside of the data folder: SM2, of which every machine may have another, and the
time-stamp authorities."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger_world import World
from timestamp_kit import Server, make_tsa, rejected

from ledger.assembly.doctor import examine
from ledger.crypto import sm2
from ledger.errors import ConfigError


def test_the_backend_in_use_is_named(tmp_path: Path) -> None:
    (check,) = [c for c in examine(tmp_path) if c.name == "sm2"]
    assert (check.outcome, check.values) == ("ok", {"backend": sm2.available()})
    assert sm2.available() in check.text("zh") and sm2.available() in check.text("en")


def test_a_machine_without_sm2_is_warned_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise ConfigError("SM2_UNAVAILABLE")

    monkeypatch.setattr(sm2, "available", none)
    (check,) = [c for c in examine(tmp_path) if c.name == "sm2"]
    assert (check.outcome, check.code) == ("warning", "SM2_UNAVAILABLE")
    assert "gmssl-pyx" in check.text("zh")


def test_time_stamp_authorities_are_asked_and_a_silent_one_is_a_warning(world: World) -> None:
    authority, _ = make_tsa(int(world.clock()))
    server = Server(lambda request: authority.answer(request, int(world.clock())))
    refusing = Server(lambda request: rejected(2))
    file = world.home / "zhengyin.toml"
    kept = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("timestamp_urls")]
    file.write_text("\n".join([*kept, f'timestamp_urls = ["{server.url}", "{refusing.url}"]', ""]), "utf-8")
    found = [c for c in examine(world.home, world.clock) if c.name == "time-stamps"]
    server.stop()
    refusing.stop()
    assert [(c.outcome, c.code) for c in found] == [("ok", "DOCTOR_TIMESTAMP"), ("warning", "TIMESTAMP_UNAVAILABLE")]
    assert server.host in found[0].text("zh") and refusing.host in found[1].text("en")
    assert "secret" not in "".join(c.text("zh") for c in found), "an address may carry a key"
    assert len(server.seen) == 1
