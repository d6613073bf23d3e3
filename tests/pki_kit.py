"""Ten certification authorities for tests, made once a worker: certificates, lists, responses and tokens of each, for
each thing that can be wrong with them. The fixture ``pki`` gives the `Kit`; everything is relative to `NOW`.

    ca-a sm2 plain · ca-b sm2 cross-certified by ca-a · ca-c sm2 deep (a policy authority between) · ca-d sm2 local
    ca-e rsa plain · ca-f rsa renewed root · ca-g rsa revoked intermediate ("second"; "issuing" stands)
    ca-h p256 compromised · ca-i p256 evil · ca-j ed25519 plain
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.core.bundles import ValidationData
from ledger.core.trust_lists import Authority, DatedState, Recognition
from ledger.outside.demo_pki import plan, server
from ledger.outside.demo_pki.pki import DemoPki, revocation
from ledger.outside.signing_keys import SigningKey
from ledger.outside.software_keys import SoftwareKey

NOW, DAY, YEAR = 1_790_000_000, 86_400, 365 * 86_400
LONG_AGO = NOW - 8 * YEAR
OFFICE, OTHER_OFFICE = "114401000700000148", "11320100070001017R"
ROLES = {ca.label: ca.role for ca in plan.authorities().values()}
CAS = plan.usable()
"""Labels of the authorities that work on this machine: ten, without SM2 six."""
TOO_SHORT = rsa.RSAPublicNumbers(65537, (1 << 1023) + 0x2BAD).public_key()
"""Of 1,024 bits; nobody signs by it."""


def _usage(*uses: str) -> dict[str, Any]:
    return {"id": "key_usage", "critical": True, "smart-value": {"schema": "key-usage", "params": list(uses)}}


SCENARIOS: dict[str, dict[str, Any]] = {
    "good": {},
    "expired": {"validity": (NOW - 2 * YEAR, NOW - DAY)},  # good until a day before NOW
    "future": {"validity": (NOW + DAY, NOW + 2 * YEAR)},
    "revoked": {"revoked": (NOW, "cessation_of_operation", None)},
    "stolen": {"revoked": (NOW, "key_compromise", NOW - 5 * DAY)},  # reported at NOW, invalid since five days
    "purpose": {"extensions": [_usage("key_encipherment")]},
    "weak": {"spki": TOO_SHORT.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)},
    "impostor": {"organisation": OTHER_OFFICE},  # the same key, in the name of an office that never asked
}
"""What the certificates of `Kit.leaf` are. The rest of the matrix is a matter of trust file and moment: `authority`,
`recognition`, `tampered`."""


@dataclass(frozen=True)
class Leaf:
    """An office's certificate, DER, with its key. ``issuer``: which of the authority's own issued it."""

    ca: str
    name: str
    certificate: bytes
    key: SoftwareKey
    issuer: str

    @property
    def sha256(self) -> bytes:
        return sha256(self.certificate).digest()

    @property
    def signer(self) -> SigningKey:
        """Signs detached CMS: ``leaf.signer.sign_detached(content, now)``. Not for ``weak``."""
        return SigningKey(self.key, self.certificate)


@dataclass
class Kit:
    """``pki``: the authorities as the demonstration has them (``revoke``, ``issue``, ``url`` …)."""

    pki: DemoPki
    folder: Path
    keys: Path
    _leaves: dict[tuple[str, str, str], Leaf] = field(default_factory=dict)
    _office_keys: dict[str, SoftwareKey] = field(default_factory=dict)
    _renewed: dict[str, bytes] = field(default_factory=dict)

    # ---- certificates, DER

    def root(self, ca: str) -> bytes:
        """The trust anchor; of ``ca-f`` the new one."""
        return self.pki.certificate(ca, "root")

    @cached_property
    def expired_root(self) -> bytes:
        """Of ``ca-f``: the same name and key, expired a year before `NOW`."""
        return self.pki.certificate("ca-f", "root-expired")

    def renewed_root(self, ca: str) -> bytes:
        """Another certificate of the root's name and key, from a year before `NOW`; the authority keeps the first."""
        if ca not in self._renewed:
            self._renewed[ca] = self.pki.renew_root(ca, "root-renewed", NOW - YEAR, NOW + 20 * YEAR)
        return self._renewed[ca]

    @cached_property
    def cross_certificate(self) -> bytes:
        """The root of ``ca-b`` as certified by the root of ``ca-a``."""
        return self.pki.certificate("ca-a", "cross-ca-b")

    def intermediates(self, ca: str, issuer: str = "issuing") -> tuple[bytes, ...]:
        """Issuing authority first, without the root."""
        return self.pki.intermediates(ca, issuer)

    def leaf(self, ca: str, scenario: str = "good", issuer: str = "issuing", algorithm: str | None = None) -> Leaf:
        """An office's certificate of one of `SCENARIOS`; its key is of the authority's algorithm, or of another one
        (``software_keys.MAKERS``). ``issuer``: for ``ca-g`` also "second", which was revoked ten days before `NOW`."""
        chosen = algorithm or self.pki.authority(ca).algorithm
        known = ca, scenario, f"{issuer}-{chosen}"
        if known not in self._leaves:
            self._leaves[known] = self._issue(ca, scenario, issuer, chosen)
        return self._leaves[known]

    # ---- what proves that they stand

    def crl(self, ca: str, issuer: str = "issuing", at: int = NOW) -> bytes:
        """A complete list of ``issuer`` (root, issuing; in ca-c policy, in ca-g second), good for a week."""
        return self.pki.crl(ca, issuer, at)

    def ocsp(self, leaf: Leaf, at: int = NOW) -> bytes:
        """OCSPResponse by the delegated responder, good for a day from ``at``; not for the issuer "second"."""
        from asn1crypto import ocsp, x509

        issuer = x509.Certificate.load(self.pki.certificate(leaf.ca, "issuing"))
        named = {
            "hash_algorithm": {"algorithm": "sha1"},
            "issuer_name_hash": issuer.subject.sha1,
            "issuer_key_hash": issuer.public_key.sha1,
            "serial_number": x509.Certificate.load(leaf.certificate).serial_number,
        }
        request = ocsp.OCSPRequest({"tbs_request": {"request_list": [{"req_cert": named}]}})
        return self.pki.respond(leaf.ca, "issuing", request.dump(), at)

    def validation(self, leaf: Leaf, at: int = NOW, by_ocsp: bool = False) -> ValidationData:
        """All that a bundle carries for the leaf: intermediates, and lists of each authority of the path; ``by_ocsp``:
        a response for the leaf itself."""
        lists = self.pki.lists(leaf.ca, at, leaf.issuer)[1 if by_ocsp else 0 :]
        ocsps = (self.ocsp(leaf, at),) if by_ocsp else ()
        return ValidationData(tuple(sorted(self.intermediates(leaf.ca, leaf.issuer))), tuple(sorted(lists)), ocsps)

    def token(self, ca: str, data: bytes, at: int = NOW) -> bytes:
        """An RFC 3161 token over ``data``, ContentInfo DER; SM2 authorities digest by SM3, the others by SHA-256."""
        from asn1crypto import tsp

        from ledger.crypto.digests import sm3

        name = "sm3" if self.pki.authority(ca).algorithm == "sm2" else "sha256"
        digest = sm3(data) if name == "sm3" else sha256(data).digest()
        imprint = {"hash_algorithm": {"algorithm": name}, "hashed_message": digest}
        request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
        return bytes(tsp.TimeStampResp.load(self.pki.stamp(ca, request.dump(), at))["time_stamp_token"].dump())

    # ---- what a trust file says of them

    def authority(self, ca: str, **changes: Any) -> Authority:
        """The root as granted since ever; ``changes``: members of ``Authority``."""
        listed = Authority(ca, self.root(ca), (DatedState("granted", LONG_AGO),), None)
        return replace(listed, **changes)

    def recognition(
        self, ca: str, jurisdiction: str, purpose: str = "license", since: int = LONG_AGO, until: int | None = None
    ) -> Recognition:
        return Recognition(jurisdiction, sha256(self.root(ca)).digest(), purpose, 2, since, until, "test")

    # ---- the services over HTTP

    @contextmanager
    def serving(self, clock: Callable[[], float] = lambda: NOW) -> Iterator[DemoPki]:
        """OCSP, lists, certificates and time-stamps at the URLs that the certificates name, at the clock's time."""
        with server.served(self.folder, clock):
            yield self.pki

    # ---- within

    def _issue(self, ca: str, scenario: str, issuer: str, algorithm: str) -> Leaf:
        wanted = dict(SCENARIOS[scenario])
        key, name = self._office_key(algorithm), f"{scenario}-{issuer}-{algorithm}"
        organisation = wanted.pop("organisation", OFFICE)
        subject = {"organization-name": "示范登记中心", "organization-identifier": organisation, "common-name": name}
        spki = wanted.pop("spki", key.spki)
        if "validity" in wanted:
            since, until = wanted["validity"]
            wanted["validity"] = {"valid-from": plan.iso(since), "valid-to": plan.iso(until)}
        if "revoked" in wanted:
            wanted["revocation"] = revocation(*wanted.pop("revoked"))
        certificate = self.pki.issue(ca, name, spki, subject, NOW, issuer=issuer, **wanted)
        return Leaf(ca, name, certificate, key, issuer)

    def _office_key(self, algorithm: str) -> SoftwareKey:
        if algorithm not in self._office_keys:
            self._office_keys[algorithm] = SoftwareKey.generate(algorithm)
        return self._office_keys[algorithm]


def tampered(certificate: bytes, at: int = -1) -> bytes:
    """One bit changed: of the signature, unless ``at`` names another byte."""
    changed = bytearray(certificate)
    changed[at] ^= 1
    return bytes(changed)


def make_kit(folder: Path, shared: Path) -> Kit:
    """``folder``: of this worker's own; ``shared``: where workers find each other's keys, the slow part."""
    keys = shared / "pki-keys"
    with (shared / "pki-keys.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pki = DemoPki.create(folder, NOW, server.free_port(), CAS, keys)
    return Kit(pki, folder, keys)
