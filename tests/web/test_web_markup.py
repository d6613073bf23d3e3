"""Markup in every text of every answer: on neither page does it become more than text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_world import OFFICE_A, World, write_rows
from web_kit import HOSTILE, Served, Visit, serving

from ledger.services.access import ACTIONS

WORD = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
"""What the pages act upon: codes, states, ids."""
STRANGE = """() => {
  const found = ["script", "img", "iframe", "object", "embed", "style"].flatMap(
    name => [...document.querySelectorAll(`main ${name}`)])
  const all = [...document.querySelectorAll("main *")]
  found.push(...all.filter(e => [...e.attributes].some(a => a.name.startsWith("on") || /^javascript:/i.test(a.value))))
  return found.map(e => e.outerHTML)
}"""


def spoilt(value: Any, kept: Callable[[str], bool]) -> Any:
    """Every text with markup behind it, but those that are ``kept``."""
    if isinstance(value, dict):
        return {name: spoilt(each, kept) for name, each in value.items()}
    if isinstance(value, list):
        return [spoilt(each, kept) for each in value]
    return value + HOSTILE if isinstance(value, str) and not kept(value) else value


def is_word(text: str) -> bool:
    return WORD.fullmatch(text) is not None


def answering(kept: Callable[[str], bool]) -> Callable[[Any], None]:
    """What the service answers, spoilt on its way to the page."""

    def handle(route: Any) -> None:
        answer = route.fetch()
        kind = answer.headers.get("content-type", "")
        if "json" in kind:
            route.fulfill(response=answer, json=spoilt(answer.json(), kept))
        elif "csv" in kind:
            rows = list(csv.reader(io.StringIO(answer.text().removeprefix("\ufeff"))))
            made = io.StringIO()
            csv.writer(made).writerows([rows[0], *(spoilt(row, lambda text: text.isdigit()) for row in rows[1:])])
            route.fulfill(response=answer, body=made.getvalue())
        else:
            route.fulfill(response=answer)

    return handle


def require_inert(visit: Visit) -> None:
    for summary in visit.page.query_selector_all("details:not([open]) > summary"):
        summary.click()
    assert visit.page.evaluate(STRANGE) == []
    assert [f for f in visit.faults if "dialog" in f or "Security Policy" in f] == []


@pytest.mark.parametrize("name", ["filed", "revoked", "business"])
def test_a_report_full_of_markup_is_text_to_citizens(chromium: Any, served: Served, name: str) -> None:
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.route("**/v1/verifications/**", answering(is_word))
        visit.page.goto(served.address)
        visit.page.fill("#number", served.world.ids[name])
        visit.page.fill("#code", served.code(name))
        visit.page.keyboard.press("Enter")
        visit.result()
        require_inert(visit)
        assert HOSTILE in visit.page.inner_text("main")


def test_an_answer_that_is_nothing_but_markup_runs_nothing(chromium: Any, served: Served) -> None:
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.route("**/v1/verifications/**", answering(lambda text: False))
        visit.page.goto(served.address)
        visit.page.fill("#number", served.world.ids["filed"])
        visit.page.fill("#code", served.code("filed"))
        with visit.page.expect_response("**/v1/verifications/**"):
            visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector("#status.bad, .result")
        require_inert(visit)


@pytest.fixture
def office(vendored: None, world: World) -> Iterator[Served]:
    with serving(world) as found:
        yield found


def test_tables_and_reports_full_of_markup_are_text_to_the_office(
    chromium: Any, office: Served, tmp_path: Path
) -> None:
    table = write_rows(tmp_path / "table.csv", 2)
    lines = table.read_text("utf-8-sig").splitlines()
    table.write_text("\n".join([*lines, lines[1].replace("449999195001010002", "4.49999E+17")]), "utf-8")
    secret = office.world.app.access.add("page", [OFFICE_A], list(ACTIONS), 86_400)[1]
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.route("**/v1/**", answering(is_word))
        visit.page.goto(f"{office.address}/office?lang=zh")
        visit.page.fill("#token", secret)
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector("#inside:not([hidden])")
        visit.page.select_option("#type", "real-estate-certificate")
        visit.page.set_input_files("#table", str(table))
        visit.page.click("#table-form button")
        visit.page.wait_for_selector("#faults tbody tr")
        require_inert(visit)
        assert HOSTILE in visit.page.inner_text("#faults")
