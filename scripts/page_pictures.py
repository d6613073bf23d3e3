"""The README's pictures of the pages, ``docs/page-*.png``: a demonstration ledger, served, and seen by Chromium.

python scripts/page_pictures.py [CHROMIUM]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "web")]  # the pictures show what the tests look at

from ledger_world import OFFICE_A, demo_template, found_template, write_rows  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from web_kit import ARGUMENTS, CHROMIUM, Served, serving  # noqa: E402

from ledger.core.verification_code import link_fragment  # noqa: E402
from ledger.services.access import ACTIONS  # noqa: E402

DOCS = ROOT / "docs"
DAY = 86_400


def citizen(page: Any, served: Served) -> None:
    page.goto(f"{served.address}/?lang=zh")


def result(page: Any, served: Served) -> None:
    page.goto(f"{served.address}/?lang=zh#{link_fragment(served.world.ids['revoked'], served.code('revoked'))}")
    page.wait_for_selector(".result")
    page.click("summary:has-text('谁在何时做了什么')")
    page.evaluate("document.querySelector('.result details[open]').open = false")
    _only(page, ".result")


def office(page: Any, served: Served, table: Path) -> None:
    page.goto(f"{served.address}/office?lang=en")
    page.fill("#token", served.world.app.access.add("page", [OFFICE_A], list(ACTIONS), DAY)[1])
    page.keyboard.press("Enter")
    page.wait_for_selector("#inside:not([hidden])")
    page.select_option("#type", "real-estate-certificate")
    page.set_input_files("#table", str(table))
    page.click("#table-form button")
    page.wait_for_selector("#start:not([hidden])")
    _only(page, "#outcome")


def _only(page: Any, selector: str) -> None:
    page.evaluate("selector => document.querySelector(selector).scrollIntoView({behavior: 'instant'})", selector)


def main() -> int:
    chromium = sys.argv[1] if len(sys.argv) > 1 else CHROMIUM
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        for part in ("founded", "filled"):
            (folder / part).mkdir()
        template = demo_template(found_template(folder / "founded"), folder / "filled")
        table = write_rows(folder / "certificates.csv", 6, first=100)
        spoilt = table.read_text("utf-8-sig").replace("449999195102020015", "4.49999E+17").replace("02-02", "02-30")
        table.write_text(spoilt, "utf-8")
        with template.lend(folder / "home") as world, serving(world) as served:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
            shoot = _camera(browser, served)
            shoot("page-citizen.png", citizen, {"width": 760, "height": 900}, "light")
            shoot("page-result.png", result, {"width": 760, "height": 900}, "light")
            shoot("page-phone.png", result, {"width": 390, "height": 800}, "dark")
            shoot("page-office.png", lambda p, s: office(p, s, table), {"width": 760, "height": 700}, "light")
            browser.close()
    return 0


def _camera(browser: Any, served: Served) -> Callable[..., None]:
    def shoot(name: str, act: Callable[[Any, Served], None], viewport: dict[str, int], scheme: str) -> None:
        context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        page = context.new_page()
        act(page, served)
        page.wait_for_timeout(300)
        page.screenshot(path=DOCS / name)
        context.close()

    return shoot


if __name__ == "__main__":
    raise SystemExit(main())
