"""What the doctor says of SM2, of which every machine may have another."""

from __future__ import annotations

from pathlib import Path

import pytest

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
