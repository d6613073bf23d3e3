"""The office's page in Chromium: token, check, import, report."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_world import OFFICE_A, OFFICE_B, World, write_rows
from web_kit import Served, Visit, serving

from ledger.services.access import ACTIONS

DAY = 86_400
WIDTHS = [{"width": 360, "height": 760}, {"width": 1200, "height": 900}]


@pytest.fixture
def office(vendored: None, world: World) -> Iterator[Served]:
    with serving(world) as found:
        yield found


def token(served: Served, *organisations: str) -> str:
    return served.world.app.access.add("page", list(organisations or [OFFICE_A]), list(ACTIONS), DAY)[1]


def enter(visit: Visit, served: Served, text: str, language: str = "zh") -> None:
    visit.page.goto(f"{served.address}/office?lang={language}")
    visit.page.fill("#token", text)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("#inside:not([hidden])")


def choose(visit: Visit, table: Path) -> None:
    visit.page.select_option("#type", "real-estate-certificate")
    visit.page.set_input_files("#table", str(table))
    visit.page.click("#table-form button")
    visit.page.wait_for_selector("#download:not([hidden])")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("viewport", WIDTHS, ids=["phone", "desktop"])
def test_a_table_is_checked_imported_and_reported_on(
    chromium: Any, office: Served, tmp_path: Path, language: str, viewport: dict[str, int]
) -> None:
    table = write_rows(tmp_path / "表 格.csv", 4)
    lines = table.read_text("utf-8-sig").splitlines()
    spoilt = lines[1].replace("20260000000", "20269999999").replace("449999195001010002", "4.49999E+17")
    table.write_text("\n".join([*lines, spoilt]), "utf-8")
    with Visit(chromium, viewport=viewport, reduced_motion="reduce") as visit:
        visit.page.goto(f"{office.address}/office?lang={language}")
        assert visit.axe() == []
        text = token(office)
        enter(visit, office, text, language)
        choose(visit, table)
        assert visit.page.evaluate("document.activeElement.id") == "outcome-heading"
        assert "CELL_SCIENTIFIC" in visit.page.inner_text("#faults")
        assert visit.page.inner_text("#faults tbody th") == "6"
        assert ("科学计数" if language == "zh" else "scientific") in visit.page.inner_text("#faults")
        assert visit.axe() == []
        with office.world.app.store.read() as unit:
            assert not list(unit.records.waiting()), "a check writes nothing"
        visit.page.click("#start")
        visit.page.wait_for_selector("#start[hidden]", state="attached")
        visit.page.wait_for_selector("#download:not([hidden])")
        assert [dd.inner_text() for dd in visit.page.query_selector_all("#summary dd")] == ["5", "4", "0", "1"]
        with visit.page.expect_download() as download:
            visit.page.click("#download")
        rows = list(csv.reader(Path(download.value.path()).read_text("utf-8-sig").splitlines()))
        assert [row[2] for row in rows[1:]] == ["new"] * 4 + ["refused"]
        assert visit.page.locator("#recent-list li").count() == 2
        wide = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
        assert all(text not in request.url for request in visit.requests)
        visit.require_quiet(office.address)


def test_the_token_stays_in_its_tab_and_goes_with_it(chromium: Any, office: Served) -> None:
    text = token(office)
    with Visit(chromium, locale="zh-CN") as visit:
        enter(visit, office, text)
        assert visit.page.input_value("#token") == ""
        kept = visit.page.evaluate("[localStorage.length, document.cookie, sessionStorage.length]")
        assert kept == [0, "", 1]
        visit.page.reload()
        visit.page.wait_for_selector("#inside:not([hidden])")
        other = visit.context.new_page()
        other.goto(f"{office.address}/office")
        assert other.is_visible("#token-form")
        visit.page.click("#leave")
        visit.page.wait_for_selector("#token-form:not([hidden])")
        assert visit.page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("text", ["zy_000000000000_" + "A" * 43, "hello", "zy_<img src=x onerror=alert(1)>"])
def test_another_token_is_refused_in_words(chromium: Any, office: Served, text: str) -> None:
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(f"{office.address}/office")
        visit.page.fill("#token", text)
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector("#status.bad")
        assert "令牌" in visit.page.inner_text("#status")
        assert not visit.page.is_visible("#inside")
        assert visit.page.evaluate("sessionStorage.length") == 0
        assert not any(fault.startswith("dialog") for fault in visit.faults)


def test_a_token_of_two_offices_names_one(chromium: Any, office: Served, tmp_path: Path) -> None:
    table = write_rows(tmp_path / "table.csv", 1)
    with Visit(chromium, locale="zh-CN") as visit:
        enter(visit, office, token(office, OFFICE_A, OFFICE_B))
        visit.page.select_option("#type", "real-estate-certificate")
        visit.page.set_input_files("#table", str(table))
        visit.page.click("#table-form button")
        visit.page.wait_for_selector("#status.bad")
        visit.page.fill("#issuer", OFFICE_A)
        visit.page.click("#table-form button")
        visit.page.wait_for_selector("#start:not([hidden])")
        assert visit.page.inner_text("#status") == "检查完成：1 行全部可以导入"


def test_a_hostile_table_is_shown_as_text(chromium: Any, office: Served, tmp_path: Path) -> None:
    table = tmp_path / "<img src=x onerror=alert(1)>.csv"
    rows = write_rows(tmp_path / "plain.csv", 1).read_text("utf-8-sig").splitlines()
    hostile = rows[1].replace("赵安", "<img src=x onerror=alert(2)>") + ",=cmd|' /C calc'!A0"
    table.write_text(f"{rows[0]}\n{hostile}", "utf-8")
    with Visit(chromium, locale="zh-CN") as visit:
        enter(visit, office, token(office))
        choose(visit, table)
        assert "<img src=x onerror=alert(1)>.csv" in visit.page.inner_text("#recent-list")
        assert visit.page.evaluate("document.querySelectorAll('main img').length") == 0
        visit.require_quiet(office.address)


def test_a_table_that_is_none_is_refused_as_a_whole_with_the_remedy(
    chromium: Any, office: Served, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_bytes("流水号,权利人\n1,赵安\n".encode("utf-16"))
    with Visit(chromium, locale="zh-CN") as visit:
        enter(visit, office, token(office))
        visit.page.select_option("#type", "real-estate-certificate")
        visit.page.set_input_files("#table", str(table))
        visit.page.click("#table-form button")
        visit.page.wait_for_selector("#status.bad")
        assert "请另存为" in visit.page.inner_text("#status")
        assert "{" not in visit.page.inner_text("#status")
        assert not visit.page.is_visible("#start")
