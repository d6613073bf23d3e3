"""The consortium of the demonstration with ten certification authorities of three jurisdictions.

Each authority has an office that issues by it. Their codes pass the checks of GB 32100 and belong to nobody that we
know of.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.assembly.demo_plan import OFFICE_A, OFFICE_B, demo_plan
from ledger.assembly.founding import AuthorityPlan, Founder, Plan
from ledger.assembly.founding_seals import SealPlan
from ledger.core.registries import Kind
from ledger.outside.demo_pki import plan as pki
from ledger.outside.demo_pki import server

MAIN_CA, OTHER_CA = "ca-e", "ca-f"
"""Of the two large offices, the court, the notary and the council: browsers check signatures by RSA."""
OFFICES = {
    "ca-a": "11440100070009019Q",
    "ca-b": "11440100070009027K",
    "ca-c": "11320100070009035F",
    "ca-d": "11320100070009043A",
    MAIN_CA: OFFICE_A,
    OTHER_CA: OFFICE_B,
    "ca-g": "128100000700090782",
    "ca-h": "11440100070009086N",
    "ca-i": "11320100070009094J",
    "ca-j": "12810000070009107D",
}
"""By authority, the office that issues by it."""
PROVIDERS = {
    "ca-a": "91440100010008102U",
    "ca-b": "914401000100181086",
    "ca-c": "91320100010028103F",
    "ca-d": "91320100010038109R",
    "ca-e": "914401000100481041",
    "ca-f": "9132010001005810X7",
    "ca-g": "91810000010068105W",
    "ca-h": "91440100010078100U",
    "ca-i": "913201000100881067",
    "ca-j": "91810000010098101P",
}
"""By authority, the company that offers it; none is in the consortium."""


SEAL_MAKER, SEAL_CA = "91440100010011117H", "ca-a"
"""The company that makes e-seals, and who certifies it and the first office's key for seals: SES knows SM2 alone."""


def pki_plan() -> Plan:
    """The plan of ``demo_plan``, with the authorities of the demonstration PKI that work here, an office of each, and a
    maker of e-seals where SM2 works.

    Raises:
        ConfigError: ``DEMO_PKI_UNAVAILABLE``.
    """
    labels, small = pki.usable(), demo_plan()
    authorities = [pki.authorities()[label] for label in labels]
    old = {"ca-a": MAIN_CA, "ca-b": OTHER_CA}
    return replace(
        small,
        founders=(
            *(replace(founder, authority=old[founder.authority]) for founder in small.founders),
            *(_office(ca) for ca in authorities if ca.label not in (MAIN_CA, OTHER_CA)),
        ),
        authorities=tuple(_authority(ca) for ca in authorities),
        settings=small.settings | {"revocation": "online", "revocation_hosts": (server.HOST,)},
        pki=True,
        seals=_sealing(small.founders[0]) if SEAL_CA in labels else None,
    )


def _sealing(holder: Founder) -> SealPlan:
    return SealPlan(SEAL_MAKER, "示范印章制作中心", SEAL_CA, holder.organisation, holder.name)


def _office(ca: pki.DemoCa) -> Founder:
    return Founder(OFFICES[ca.label], f"示范登记中心（{ca.name}）", ca.jurisdiction, ca.label, (Kind.LICENSE,))


def _authority(ca: pki.DemoCa) -> AuthorityPlan:
    recognised_in = (ca.jurisdiction,) if ca.role == "local" else None
    return AuthorityPlan(ca.label, ca.name, ca.algorithm, ca.country, PROVIDERS[ca.label], recognised_in)
