"""What the doctor says of what is outside of the data folder: SM2, of which every machine may have another, and the
time-stamp authorities."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger_world import World
from timestamp_kit import Server, make_tsa, rejected

from ledger.assembly.council_work import certify
from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.doctor import examine
from ledger.assembly.founding import CERTIFICATE_DAYS
from ledger.crypto import sm2
from ledger.errors import ConfigError
from ledger.outside.demo_authority import DemoAuthority


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


def certificates(world: World) -> list[tuple[str, str]]:
    found = [c for c in examine(world.home, world.clock) if c.name == "certificates"]
    assert not any("{" in c.text("zh") + c.text("en") for c in found)
    return [(c.outcome, c.code) for c in found if c.values.get("organisation", OFFICE_A) == OFFICE_A]


def test_each_line_on_certificates_is_true(world: World) -> None:
    app = world.app
    count = len(list(app.keys.held("signing")))
    (whole,) = [c for c in examine(world.home, world.clock) if c.name == "certificates"]
    assert (whole.code, whole.values["count"]) == ("DOCTOR_CERTIFICATES", count)
    authority = DemoAuthority(world.home / "authorities" / "ca-a")
    authority.revoke(app.keys.certificate(OFFICE_A, "main"), int(world.clock()) - 1)
    authority.crls(int(world.clock()))
    assert certificates(world) == [("failed", "DOCTOR_CERTIFICATE_REVOKED"), ("ok", "DOCTOR_CERTIFICATES")]
    certify(app, OFFICE_A, "示范", "next", None)  # what has taken over makes it a thing of the past
    assert certificates(world) == [("warning", "DOCTOR_CERTIFICATE_REVOKED"), ("ok", "DOCTOR_CERTIFICATES")]
    app.keys.create(OFFICE_A, "third", "signing")
    assert ("warning", "DOCTOR_CERTIFICATE_WAITS") in certificates(world)
    days = CERTIFICATE_DAYS
    world.clock.now += (days - 10) * 86_400
    assert [code for _, code in certificates(world)].count("DOCTOR_CERTIFICATE_ENDS") == 1
    assert "DOCTOR_CERTIFICATES" not in {code for _, code in certificates(world)}
    world.clock.now += 20 * 86_400
    assert [code for level, code in certificates(world) if level == "failed"] == ["DOCTOR_CERTIFICATE_ENDED"] * 2


def test_what_is_warned_of_is_not_called_well_in_the_next_line(world: World) -> None:
    file = world.home / "zhengyin.toml"
    file.write_text('crypto_profile = "gm"\n' + file.read_text("utf-8"), "utf-8")
    said = [(c.outcome, c.code) for c in examine(world.home, world.clock) if c.name == "profile"]
    assert said and set(said) == {("warning", "SIGNER_NONE_OF_SUITE")}
