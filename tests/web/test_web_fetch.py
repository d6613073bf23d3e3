"""Bringing the pages' scripts: what is not there, and what is not what was locked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import fetch_web


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A vendor folder of the test's own, as if fetched."""
    for name in fetch_web.FILES:
        (tmp_path / name).write_text(name)
    files = {name: fetch_web._digest(tmp_path / name) for name in fetch_web.FILES}
    lock = fetch_web._digest(fetch_web.WEB / "package-lock.json")
    (tmp_path / "vendor.json").write_text(json.dumps({"lock": lock, "files": files}))
    monkeypatch.setattr(fetch_web, "VENDOR", tmp_path)
    monkeypatch.setattr(fetch_web, "STAMP", tmp_path / "vendor.json")
    return tmp_path


def test_a_changed_or_missing_script_or_another_lock_is_fetched_again(folder: Path) -> None:
    assert fetch_web.is_current()
    (folder / "zxing.js").write_text("changed")
    assert not fetch_web.is_current()
    (folder / "zxing.js").write_text("zxing.js")
    assert fetch_web.is_current()
    stamp = json.loads((folder / "vendor.json").read_text())
    (folder / "vendor.json").write_text(json.dumps({**stamp, "lock": "0" * 64}))
    assert not fetch_web.is_current()
    (folder / "vendor.json").unlink()
    assert not fetch_web.is_current()


def test_without_npm_set_up_goes_on_and_says_what_is_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "vendor.json").unlink()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("sys.argv", ["fetch_web.py", "--optional"])
    assert fetch_web.main() == 0
    assert "文件核验功能未安装" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["fetch_web.py"])
    assert fetch_web.main() == 1


def test_a_package_that_is_not_the_locked_one_is_never_optional(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "vendor.json").unlink()
    npm = folder / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code EINTEGRITY' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    monkeypatch.setattr("sys.argv", ["fetch_web.py", "--optional"])
    assert fetch_web.main() == 1


def test_the_lock_names_a_digest_for_every_package_and_no_registry() -> None:
    lock = json.loads((fetch_web.WEB / "package-lock.json").read_text("utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())
