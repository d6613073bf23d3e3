"""The consortium of the demonstration: invented organisations of two invented cities.

Their credit codes pass the checks of GB 32100 and belong to nobody that we know of.
"""

from __future__ import annotations

from ledger.assembly.founding import AuthorityPlan, Founder, Plan
from ledger.core.registries import Kind

CITY_A, CITY_B = "CN-440100", "CN-320100"
OFFICE_A, OFFICE_B = "114401000700000148", "11320100070001017R"
COURT, NOTARY = "1144010007000201X4", "12440100070003012L"
COUNCIL = ("114401000700040158", "11320100070005018R", "114401000700060107")
PROVIDERS = ("914401010008001124", "91320100000800120H")
"""Of the certification authorities; they are not in the consortium."""

_OFFICE = (Kind.LICENSE, Kind.SEAL, Kind.SEAL_USE, Kind.EVIDENCE)
_COURT = (Kind.EVIDENCE, Kind.COUNTERSIGNATURE, Kind.CUSTODY, Kind.DECISION, Kind.FREEZE)
_NOTARY = (Kind.EVIDENCE, Kind.COUNTERSIGNATURE, Kind.CUSTODY)


def demo_plan() -> Plan:
    """Two registration offices, a court, a notary and a council of three (2 approve, one second to veto)."""
    return Plan(
        founders=(
            Founder(OFFICE_A, "示范甲市不动产登记中心", CITY_A, "ca-a", _OFFICE),
            Founder(OFFICE_B, "示范乙市市场登记中心", CITY_B, "ca-b", _OFFICE),
            Founder(COURT, "示范甲市互联网法院", CITY_A, "ca-a", _COURT),
            Founder(NOTARY, "示范甲市公证处", CITY_A, "ca-a", _NOTARY),
            Founder(COUNCIL[0], "示范甲市政务服务和数据管理局", CITY_A, "ca-a"),
            Founder(COUNCIL[1], "示范乙市数据局", CITY_B, "ca-b"),
            Founder(COUNCIL[2], "示范甲市司法局", CITY_A, "ca-a"),
        ),
        authorities=(
            AuthorityPlan("ca-a", "示范 CA 甲", "ecdsa-p256", provider=PROVIDERS[0]),
            AuthorityPlan("ca-b", "示范 CA 乙", "rsa-3072", provider=PROVIDERS[1]),
        ),
        council=COUNCIL,
        threshold=2,
        delay=1,
        settings={"organisation": OFFICE_A},
    )
