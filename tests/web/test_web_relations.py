"""The citizen's page says who countersigned a record or decided on it, and what nobody has looked at."""

from __future__ import annotations

from typing import Any

from ledger_world import OFFICE_A, World
from web_kit import Visit, serving

from ledger.assembly.demo_plan import COURT, NOTARY
from ledger.core.registries import Permission, Relation
from ledger.ports import RelateCall
from ledger.services.acting import RecordsAct


def test_the_details_tell_what_was_read_from_what_is_claimed(
    chromium: Any, vendored: None, demo: World
) -> None:  # fmt: skip
    app, leaf = demo.app, demo.row(demo.ids["filed"]).leaf
    statement = demo.act(RecordsAct.DECIDE, COURT, OFFICE_A, leaf)
    demo.drain()
    account = app.account(NOTARY, Permission.RELATE)
    call = RelateCall(leaf, Relation.COUNTERSIGNS, b"\x07" * 32)
    app.chain.send(app.chain.sign_act(account, app.chain.chain_nonce(account.address), call)[0])
    demo.clock.sleep(2)
    app.engine.request("eth_blockNumber")
    app.indexing.run()
    with serving(demo) as served, Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        visit.page.fill("#number", demo.ids["filed"])
        visit.page.fill("#code", served.code("filed"))
        visit.page.click("#number-form button")
        assert visit.result().startswith("真实有效")
        for summary in visit.page.query_selector_all("details:not([open]) > summary"):
            summary.click()
        shown = visit.page.inner_text(".result")
        assert f"{COURT} 于" in shown and "裁判或决定（区块" in shown and statement.hex() in shown
        claimed = next(line for line in shown.splitlines() if NOTARY in line)
        assert "声明" in claimed and "未予核验" in claimed
        assert visit.axe() == []
        visit.require_quiet(served.address)
