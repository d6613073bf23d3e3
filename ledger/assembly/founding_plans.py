"""How a ledger begins that is not a demonstration: one office alone."""

from __future__ import annotations

from ledger.assembly.founding import AuthorityPlan, Founder, Plan
from ledger.core.accreditations import JURISDICTION
from ledger.core.identifiers import organisation_id
from ledger.core.registries import Kind
from ledger.errors import InputError

KINDS = (Kind.LICENSE, Kind.SEAL, Kind.SEAL_USE, Kind.EVIDENCE, Kind.COUNTERSIGNATURE, Kind.DECISION)


def plain(organisation: str, name: str, jurisdiction: str, language: str) -> Plan:
    """One organisation that is council, operator and office, with a test authority of its own.

    Raises:
        InputError: ORGANISATION_ID, USCC_…, SHAPE_TEXT for the jurisdiction.
    """
    if not JURISDICTION.fullmatch(jurisdiction):
        raise InputError("SHAPE_TEXT", path="jurisdiction", pattern=JURISDICTION.pattern)
    code = organisation_id(organisation)
    return Plan(
        founders=(Founder(code, name, jurisdiction, "ca", KINDS),),
        authorities=(AuthorityPlan("ca", "Own Test Authority", "ecdsa-p256", jurisdiction[:2]),),
        council=(code,),
        threshold=1,
        delay=0,
        settings={"organisation": code, "language": language},
    )
