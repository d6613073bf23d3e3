"""The maker of e-seals (制章人) of a new ledger, and an office's key for seals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.assembly.adapters import MAIN
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.demo_pki.member import PkiMember
from ledger.outside.keystore import KeyStore

SEAL = "seal"
"""Name of an office's key for seals."""


@dataclass(frozen=True, slots=True)
class SealPlan:
    """``maker``: an organisation, listed as a maker of seals with its key ``main``, which ``authority`` of the plan
    certifies; ``holder``: an office that gets a key ``seal`` under the same authority."""

    maker: str
    maker_name: str
    authority: str
    holder: str
    holder_name: str


def make_sealing(
    keys: KeyStore,
    authorities: Mapping[str, DemoAuthority | PkiMember],
    plan: SealPlan,
    now: int,
    days: int,
    algorithms: Mapping[str, str],
) -> bytes:
    """Make both keys; the maker's certificate, DER. ``days``: of validity; ``algorithms``: by authority."""
    authority, algorithm = authorities[plan.authority], algorithms[plan.authority]

    def certified(organisation: str, name: str, key: str) -> bytes:
        spki = keys.create(organisation, key, "signing", algorithm)
        certificate = authority.certify(spki, name, organisation, now, days)
        keys.put_certificate(organisation, key, certificate)
        return certificate

    certified(plan.holder, plan.holder_name, SEAL)
    return certified(plan.maker, plan.maker_name, MAIN)
