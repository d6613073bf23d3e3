"""The offline copy: saved from the page, opened from ``file://``, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_kit import HOSTILE, Served, Visit

from api.routes.pages import make_copy
from api.web.single_file import join_modules

BUNDLES = Path(__file__).resolve().parents[1] / "vectors" / "bundles"


@pytest.fixture(scope="module")
def saved(chromium: Any, served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "verify.html"
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        with visit.page.expect_download() as download:
            visit.page.click("a[download]")
        assert download.value.suggested_filename == "verify.html"
        download.value.save_as(path)
    return path


@pytest.fixture
def offline(chromium: Any, saved: Path) -> Iterator[Visit]:
    with Visit(chromium, offline=True, reduced_motion="reduce") as visit:
        visit.page.goto(saved.as_uri())
        yield visit
        visit.require_quiet("file:")


def test_a_good_bundle_is_not_called_valid_and_what_was_not_checked_is_named(
    offline: Visit, served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "license.pdf"
    file.write_bytes(b"%PDF-1.7 invented")
    offline.page.set_input_files("#files", [str(served.bundle("filed", tmp_path)), str(file)])
    text = offline.result()
    assert text.startswith("暂时无法判定")
    assert "第 10, 12, 16 步未在此核验" in text
    assert "真实有效" not in offline.page.inner_text("main").replace("因此从不给出“真实有效”的结论", "")
    lines = [item.inner_text().split("\n")[0] for item in offline.page.query_selector_all(".lines > li")]
    assert lines == ["✓", "–", "?", "✓"], "a state of long ago says nothing about now"
    assert offline.axe() == []


def test_a_file_that_was_changed_does_not_match(offline: Visit, served: Served, tmp_path: Path) -> None:
    file = tmp_path / "license.pdf"
    file.write_bytes(b"%PDF-1.7 Invented")
    offline.page.set_input_files("#files", [str(served.bundle("filed", tmp_path)), str(file)])
    assert offline.result().startswith("内容或签发不符")


def test_a_revoked_license_is_not_hidden(offline: Visit, served: Served, tmp_path: Path) -> None:
    offline.page.set_input_files("#files", str(served.bundle("revoked", tmp_path)))
    text = offline.result()
    assert text.startswith("暂时无法判定")
    offline.page.click("summary:has-text('谁在何时做了什么')")
    assert "状态变为“已失效”" in offline.page.inner_text(".history")


def test_another_trust_file_is_read_with_its_fingerprint_and_a_false_one_refused(
    offline: Visit, tmp_path: Path
) -> None:
    offline.page.set_input_files("#trust", str(BUNDLES / "trust-01.json"))
    offline.page.wait_for_selector("#trust-shown:has-text('第 1 版')")
    offline.page.set_input_files("#files", str(BUNDLES / "a-changed-name.zyb"))
    assert offline.result().startswith("内容或签发不符")
    forged = json.loads((BUNDLES / "trust-01.json").read_text("utf-8"))
    forged["content"]["version"] += 1
    path = tmp_path / "trust.json"
    path.write_text(json.dumps(forged, ensure_ascii=False, separators=(",", ":"), sort_keys=True), "utf-8")
    offline.page.set_input_files("#trust", str(path))
    offline.page.wait_for_selector("#status.bad")
    assert "TRUST_SIGNATURE" in offline.page.inner_text("#status")


def test_a_file_without_its_bundle_cannot_be_checked_offline(offline: Visit, tmp_path: Path) -> None:
    file = tmp_path / "license.pdf"
    file.write_bytes(b"%PDF-1.7 invented")
    offline.page.set_input_files("#files", str(file))
    offline.page.wait_for_selector("#status.bad")
    assert "没有证明包" in offline.page.inner_text("#status")


def test_markup_in_a_bundle_stays_text(offline: Visit, served: Served, tmp_path: Path) -> None:
    offline.page.set_input_files("#files", str(served.bundle("hostile", tmp_path)))
    assert HOSTILE in offline.result()
    assert offline.page.evaluate("document.querySelectorAll('main img, main svg').length") == 0


def test_a_copy_without_a_trust_file_asks_for_one(chromium: Any, served: Served, tmp_path: Path) -> None:
    path = tmp_path / "verify.html"
    path.write_text(make_copy("en", None, "office.example", {}), "utf-8")
    with Visit(chromium, offline=True) as visit:
        visit.page.goto(path.as_uri())
        visit.page.set_input_files("#files", str(served.bundle("filed", tmp_path)))
        visit.page.wait_for_selector("#status.bad")
        assert visit.page.inner_text("#status") == "Choose a trust file first"
        visit.page.set_input_files("#trust", str(BUNDLES / "trust-01.json"))
        assert visit.result().startswith("Cannot be decided now")
        assert visit.axe() == []
        visit.require_quiet("file:")


@pytest.mark.parametrize(
    "source",
    [
        "export default 1;\n",
        'const later = await import("./b.js");\n',
        "export const here = import.meta.url;\n",
        'export * from "./b.js";\n',
        'export const end = "</script>";\n',
        'import b from "./b.js";\n',
        'import "./a.js";\n',
    ],
)
def test_modules_that_cannot_be_joined_are_refused(source: str) -> None:
    modules = {"js/a.js": source, "js/b.js": ""}
    with pytest.raises(ValueError, match=r"joined|each other"):
        join_modules("js/a.js", modules.__getitem__)
