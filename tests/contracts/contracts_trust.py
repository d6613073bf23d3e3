"""A trust list beside the small consortium: three jurisdictions with an authority each, one CA listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_support import Contract, Done, name32, word
from contracts_world import COURT, OFFICE, RELATE, SUPERIOR, World, address, key

CA, OCSP, TSA, SEAL_MAKER = 1, 2, 3, 4
GRANTED, SUSPENDED, WITHDRAWN = 1, 2, 3
CERTIFICATION, GOVERNMENT = 1, 2
LICENSE, LOGIN = 1, 256  # purposes: a record kind, and one that is none

GUANGDONG, BEIJING, HONG_KONG = map(name32, ("CN-440000", "CN-110000", "HK"))
AUTHORITIES = {GUANGDONG: OFFICE, BEIJING: SUPERIOR, HONG_KONG: COURT}
PROVIDER = name32("91440101MA000000X1")
ROOT, KEY = word("root certificate"), word("root key")
AGREEMENT = word("agreement")


def clerk(jurisdiction: bytes) -> str:
    """Name of the account that writes a jurisdiction's recognitions."""
    return "recognising " + jurisdiction.hex()


def listing(key_: bytes = KEY, service_type: int = CA, provider: bytes = PROVIDER) -> tuple[Any, ...]:
    return provider, service_type, key_, word("subject"), word("description")


def terms(
    jurisdiction: bytes = GUANGDONG,
    certificate: bytes = ROOT,
    purpose: int = LICENSE,
    level: int = 3,
    agreement: bytes = AGREEMENT,
) -> tuple[Any, ...]:
    return jurisdiction, certificate, purpose, level, agreement


@dataclass(frozen=True)
class TrustWorld:
    world: World
    contract: Contract

    @classmethod
    def deploy(cls, world: World) -> TrustWorld:
        found = cls(world, world.chain.deploy(key("council"), "TrustList", world.consortium.address))
        for jurisdiction, organisation in AUTHORITIES.items():
            account = address(clerk(jurisdiction))
            world.council("setAccount", account, organisation, RELATE)
            found.council("setAuthority", jurisdiction, account)
        found.council("listService", ROOT, listing())
        return found

    @property
    def now(self) -> int:
        return self.world.chain.time

    def council(self, function: str, *arguments: Any) -> Done:
        return self.contract.send(key("council"), function, *arguments)

    def authority(self, jurisdiction: bytes, function: str, *arguments: Any) -> Done:
        return self.contract.send(key(clerk(jurisdiction)), function, *arguments)

    def service(self, certificate: bytes = ROOT) -> dict[str, Any]:
        names = ("type", "status", "since", "count", "provider", "key", "name", "document", "history")
        return dict(zip(names, self.contract.view("serviceOf", certificate), strict=True))

    def window(self, *changed: Any, **changes: Any) -> tuple[int, int]:
        begin, end = self.contract.view("recognitionOf", terms(*changed, **changes))
        return begin, end
