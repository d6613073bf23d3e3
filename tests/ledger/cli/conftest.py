"""A demonstration ledger is founded and furnished once a session; each test that changes it works on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_kit import OFFICE, Cli, business_licenses, write_csv


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZHENGYIN_HOME", "ZHENGYIN_LANGUAGE", "ZHENGYIN_ORGANISATION", "ZHENGYIN_DEBUG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cli") / "demo"
    made = Cli(home)("init", "--demo")
    assert made.code == 0, made.err
    return home


@pytest.fixture(scope="session")
def furnished_home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With three anchored business licenses, of serials 0001 to 0003."""
    folder = tmp_path_factory.mktemp("cli")
    home = folder / "furnished"
    shutil.copytree(demo_home, home)
    source = write_csv(folder / "first.csv", business_licenses("0001", "0002", "0003"))
    made = Cli(home)("import", source, "--type", "business-license", "--wait")
    assert made.code == 0, made.err
    return home


@pytest.fixture
def demo(demo_home: Path, tmp_path: Path) -> Cli:
    return Cli(Path(shutil.copytree(demo_home, tmp_path / "home")))


@pytest.fixture
def ledger(furnished_home: Path, tmp_path: Path) -> Cli:
    return Cli(Path(shutil.copytree(furnished_home, tmp_path / "home")))


@pytest.fixture(scope="session")
def numbers() -> dict[str, str]:
    """Identifiers of the furnished licenses, by serial."""
    from ledger.core.identifiers import make_license_identifier

    return {s: make_license_identifier("11100000MB0143028R001", OFFICE, s) for s in ("0001", "0002", "0003")}
