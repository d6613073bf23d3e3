"""The ledger of a fault run: one office with a certificate, time-stamps and revocation data from loopback."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from ledger.assembly.demo_plan import CITY_A, OFFICE_A
from ledger.assembly.founding import AuthorityPlan, found
from ledger.assembly.founding_plans import KINDS, plain
from ledger.core.registries import Kind
from ledger.outside.demo_pki import server

START = 1_790_000_000.0
AUTHORITY = "ca-j"
"""The quickest of those that also give time-stamps."""
GRACE = 5
"""Seconds after a block from which revocation data are asked for again."""


class SkippingClock:
    """Seconds UTC that pass as real ones do, but nobody waits for a ``sleep``."""

    def __init__(self, now: float) -> None:
        self._offset = now - time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() + self._offset

    def sleep(self, seconds: float) -> None:
        self._offset += seconds


def found_office(home: Path) -> float:
    """One office alone, which is its own court, on an embedded chain, with certificates, responses, lists and
    time-stamps by one authority of the demonstration's; returns the time its clock has reached."""
    clock = SkippingClock(START)
    alone = plain(OFFICE_A, "示范甲市不动产登记中心", CITY_A, "zh")
    founder = replace(alone.founders[0], kinds=(*KINDS, Kind.FREEZE), authority=AUTHORITY)
    plan = replace(
        alone,
        founders=(founder,),
        authorities=(AuthorityPlan(AUTHORITY, "示范 CA 癸", "ed25519"),),
        settings=alone.settings
        | {"revocation": "online", "revocation_hosts": (server.HOST,), "revocation_grace": GRACE},
        pki=True,
    )
    found(home, plan, clock, clock.sleep)
    return clock()
