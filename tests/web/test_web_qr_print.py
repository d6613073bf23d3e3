"""``bundle --qr``: the picture that is printed, read back by the page in Chromium, which then shows the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from web_kit import Served, Visit

from ledger.cli import main

READ = """async (bytes) => {
  const script = document.querySelector("script[src$='/page/citizen.js']").src;
  const { readPicture } = await import(script.replace("citizen.js", "scan.js"));
  return readPicture(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
}"""


def printed(served: Served, name: str, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--home", str(served.world.home), "bundle", served.world.ids[name], "--qr", str(picture)]
    assert main(arguments) == 0, capsys.readouterr().err


def test_a_printed_code_leads_the_page_to_the_record(
    chromium: Any, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZHENGYIN_PAGE_ADDRESS", served.address)
    picture = tmp_path / "license.png"
    printed(served, "filed", picture, capsys)
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        visit.page.set_input_files("#picture", str(picture))
        assert visit.result().startswith("真实有效")
        visit.require_quiet(served.address)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_what_the_picture_holds_opens_the_page_by_itself(
    chromium: Any, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """As a phone's camera does it, which knows no page: the text is an address. What is drawn is photographed first."""
    monkeypatch.setenv("ZHENGYIN_PAGE_ADDRESS", f"{served.address}/")
    picture = tmp_path / f"license.{suffix}"
    printed(served, "revoked", picture, capsys)
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(picture.as_uri())
        photograph = visit.page.screenshot()
        visit.page.goto(served.address)
        link = visit.page.evaluate(READ, list(photograph))
        assert link.startswith(f"{served.address}/#i=")
        visit.page.goto("about:blank")
        visit.page.goto(link)
        assert visit.result().startswith("真实，现已失效")
        assert visit.page.url == f"{served.address}/"
