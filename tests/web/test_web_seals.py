"""A use of a seal in the page: how the seal stood only an index can tell, and the page says that nobody looked."""

from __future__ import annotations

import hashlib

import pytest
from ledger_world import OFFICE_A, World
from test_web_judgement import NOW, codes, compare, judged
from web_kit import Modules

from ledger.core.records import FileDigest
from ledger.crypto.digests import sm3
from ledger.services.seals import use_values


@pytest.mark.parametrize("names", [None, ()])
def test_the_page_and_the_ledger_say_alike_that_the_seal_was_not_looked_at(
    modules: Modules, demo: World, names: tuple[str, ...] | None
) -> None:
    app = demo.app
    document = FileDigest(1, hashlib.sha256(b"a").digest(), sm3(b"a"))
    values = {"seal": demo.ids["seal"], "usedAt": int(demo.clock()) - 60, "reason": "办理登记", "operator": "张三"}
    used = app.issuing.issue(OFFICE_A, app.types.get("seal-use"), values | use_values(document))
    demo.drain()
    for state in (True, False):
        bundle = app.bundling.bundle(demo.row(used.id), names, state=state).to_bytes()
        question = {**NOW, "now": int(demo.clock()), "asOfBundle": state}
        page, ledger = judged(modules, bundle, app.trust.current().to_bytes(), question)
        compare(page, ledger)
        steps = (page["steps"][14], ledger["steps"][14])
        told = [f["values"] for step in steps for f in step["findings"] if f["code"] == "STATUS_SEAL_NOT_CHECKED"]
        assert "STATUS_SEAL_NOT_CHECKED" in codes(steps[0])
        assert told[0] == told[1]
