"""The two ways a ledger begins: an office alone, and the demonstration consortium with invented members."""

from __future__ import annotations

from ledger.assembly.founding import AuthorityPlan, Founder, Plan
from ledger.core.accreditations import JURISDICTION
from ledger.core.identifiers import organisation_id
from ledger.core.registries import Kind
from ledger.errors import InputError

OFFICE_KINDS = (Kind.LICENSE, Kind.SEAL, Kind.EVIDENCE)
COURT_KINDS = (Kind.EVIDENCE, Kind.DECISION, Kind.COUNTERSIGNATURE)

_DEMO = (
    Founder("114401000700000148", "甲市示范不动产登记中心", "CN-440100", "ca-a", OFFICE_KINDS),
    Founder("11320100070001017R", "乙市示范不动产登记中心", "CN-320100", "ca-b", OFFICE_KINDS),
    Founder("1144010007000201X4", "甲市示范人民法院", "CN-440100", "ca-a", COURT_KINDS),
    Founder("12440100070003012L", "甲市示范公证处", "CN-440100", "ca-b", (Kind.EVIDENCE,)),
)
_DEMO_COUNCIL = (
    Founder("114401000700040158", "甲市示范数据管理局", "CN-440100", "ca-a"),
    Founder("11320100070005018R", "乙市示范数据管理局", "CN-320100", "ca-b"),
    Founder("114401000700060107", "省示范自然资源厅", "CN-440100", "ca-a"),
)


def demo(language: str) -> Plan:
    """Two registration offices in two cities, a court, a notary, and a council of three of which two decide."""
    return Plan(
        founders=(*_DEMO, *_DEMO_COUNCIL),
        authorities=(
            AuthorityPlan("ca-a", "Demonstration Authority A", "ecdsa-p256"),
            AuthorityPlan("ca-b", "Demonstration Authority B", "rsa-3072"),
        ),
        council=tuple(f.organisation for f in _DEMO_COUNCIL),
        threshold=2,
        delay=1,
        settings={"organisation": _DEMO[0].organisation, "language": language},
    )


def plain(organisation: str, name: str, jurisdiction: str, language: str) -> Plan:
    """One organisation that is council, operator and office, with a test authority of its own.

    Raises:
        InputError: ORGANISATION_ID, USCC_…, SHAPE_TEXT for the jurisdiction.
    """
    if not JURISDICTION.fullmatch(jurisdiction):
        raise InputError("SHAPE_TEXT", path="jurisdiction", pattern=JURISDICTION.pattern)
    code = organisation_id(organisation)
    return Plan(
        founders=(Founder(code, name, jurisdiction, "ca", (*OFFICE_KINDS, Kind.DECISION, Kind.COUNTERSIGNATURE)),),
        authorities=(AuthorityPlan("ca", "Own Test Authority", "ecdsa-p256", jurisdiction[:2]),),
        council=(code,),
        threshold=1,
        delay=0,
        settings={"organisation": code, "language": language},
    )
