"""A ledger with keys of the crypto service, and what its answers say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from pki_kit import CAS, DAY, NOW, OFFICE, Kit, Leaf

from ledger.core.bundles import ValidationData
from ledger.core.canonical import decode
from ledger.core.registries import Suite
from ledger.core.trust import Trust
from ledger.errors import ZhengyinError
from ledger.outside.service_keys import ServiceKeyring
from ledger.services.crypto_content import Content
from ledger.services.crypto_service import CryptoService

if TYPE_CHECKING:
    from ledger_world import World


DATA = "卷宗第 1 号".encode()
P256, SM2 = "ca-h", "ca-a"
NATIONAL = SM2 in CAS
needs_sm2 = pytest.mark.skipif(not NATIONAL, reason="no SM2 on this machine")
NOTHING = ValidationData((), (), ())


class PkiStamper:
    """A time-stamp authority of the test PKI, without HTTP."""

    def __init__(self, pki: Kit, ca: str) -> None:
        self.pki, self.ca = pki, ca

    def stamp(self, data: bytes, digest: str = "sha256") -> bytes:
        return self.pki.token(self.ca, data)

    def stamp_digest(self, digest_of: Callable[[str], bytes], digest: str = "sha256") -> bytes:
        from asn1crypto import tsp

        imprint = {"hash_algorithm": {"algorithm": digest}, "hashed_message": digest_of(digest)}
        request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
        made = tsp.TimeStampResp.load(self.pki.pki.stamp(self.ca, request.dump(), NOW))
        return bytes(made["time_stamp_token"].dump())


@dataclass
class Pool:
    """The service of a ledger with the keys ``p256``, ``sm2`` and ``data``, for ``OFFICE``."""

    world: World
    pki: Kit
    trust: Trust
    stamper: PkiStamper | None
    suite: Suite = Suite.INTL
    standing: Callable[[bytes, int], tuple[bytes, ...]] = lambda certificate, now: ()

    @property
    def service(self) -> CryptoService:
        app = self.world.app
        keys = ServiceKeyring(app.keys)
        stampers: Callable[[str], Any] = lambda issuer: self.stamper  # noqa: E731
        return CryptoService(
            *(app.store, keys, stampers, lambda: self.trust, tuple, self.standing),
            *(app.operations, self.world.clock, self.suite),
        )

    def log(self) -> list[Any]:
        with self.world.app.store.read() as unit:
            return [decode(entry) for _, entry, _ in unit.access.all_operations()]

    def report(self, cms: bytes, content: Content | None = None, **changed: Any) -> Any:
        named = {"brought": NOTHING, "wanted": None} | changed
        return self.service.verify(OFFICE, cms, content or Content(DATA), **named)


def put_service_key(world: World, leaf: Leaf, name: str) -> None:
    world.app.keys.import_key(OFFICE, name, "service", leaf.key.to_pem(None), None)
    world.app.keys.put_certificate(OFFICE, name, leaf.certificate, "service")


def code_of(act: Callable[[], Any]) -> str:
    with pytest.raises(ZhengyinError) as caught:
        act()
    return caught.value.code


def outcomes(report: Any) -> dict[str, str]:
    return {step["name"]: step["outcome"] for step in report.to_json()["steps"]}


def codes(report: Any) -> list[str]:
    return [f["code"] for step in report.to_json()["steps"] for f in step["findings"]]


def open_pool(world: World, pki: Kit) -> Pool:
    put_service_key(world, pki.leaf(P256), "p256")
    if NATIONAL:
        put_service_key(world, pki.leaf(SM2), "sm2")
    world.app.keys.data.create(OFFICE, "filing", "aes-256-gcm")
    world.app.keys.data.create(OFFICE, "national", "sm4-gcm")
    stamping = [pki.authority(ca, service="tsa") for ca in (P256, "ca-e")]
    trust = replace(
        world.app.trust.content(),
        authorities=(*(pki.authority(ca) for ca in CAS), *stamping),
        recognitions=(pki.recognition(P256, "CN-440100"),),
        issued=NOW - DAY,
        expires=NOW + 300 * DAY,
    )
    return Pool(world, pki, trust, PkiStamper(pki, "ca-e"))
