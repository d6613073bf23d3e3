"""Making an e-seal with a key of this data folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

from ledger.assembly.app import App
from ledger.core.registries import Suite
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.ses.making import NewSeal, Sign, make_seal
from ledger.crypto.ses.values import Picture, Version
from ledger.crypto.suites import SM2_SM3
from ledger.errors import InputError
from ledger.ports import TimestampAuthority
from ledger.services.operations import Act


@dataclass(frozen=True, slots=True)
class SealOrder:
    """``kind``: 1 organisation, 2 person; ``signers``: certificates, DER; instants: seconds UTC; ``key``: name of the
    maker's signing key; ``for_pdf``: signers may have keys that are not of SM2, by which they seal PDF alone."""

    version: Version
    vendor: str
    seal_id: str
    kind: int
    name: str
    signers: tuple[bytes, ...]
    since: int
    until: int
    picture: Picture
    by_digest: bool
    key: str
    for_pdf: bool = False


@dataclass(frozen=True, slots=True)
class MadeSeal:
    data: bytes
    sha256: bytes


def seal_stamps(authority: TimestampAuthority | None, suite: Suite) -> Sign | None:
    """Time-stamps on seals and their signatures, which are always by SM2: in the national suites by SM3, too."""
    if authority is None:
        return None
    return partial(authority.stamp, digest="sm3" if suite.has_sm3 else "sha256")


def _require_sm2(code: str, certificate: bytes) -> None:
    algorithm = algorithm_of(read_certificate(certificate).spki).name
    if algorithm != SM2_SM3:
        raise InputError(code, certificate=fingerprint(certificate).hex(), algorithm=algorithm)


def make_seal_file(app: App, maker: str, order: SealOrder) -> MadeSeal:
    """A seal (``.esl``), entered in the log as ``seal.make``; time-stamped in version 5 where the settings name
    authorities. The log is asked for before the key: where it cannot be written nothing is made.

    Raises:
        InputError: ``SEAL_SIGNER_ALGORITHM``, ``SEAL_MAKER_ALGORITHM``: seals know SM2 alone; ``SES_…`` the step that
            the seal would fail. NotFoundError: KEYS_UNKNOWN.
        ConfigError, UnavailableError: from the key, the authorities, the store.
    """
    if not order.for_pdf:
        for signer in order.signers:
            _require_sm2("SEAL_SIGNER_ALGORITHM", signer)
    app.operations.require()
    now = int(app.clock())
    key = app.signing_key(maker, order.key)
    _require_sm2("SEAL_MAKER_ALGORITHM", key.certificate)
    new = NewSeal(
        *(order.version, order.vendor, order.seal_id, order.kind, order.name, order.signers),
        *(now, order.since, order.until, order.picture, order.by_digest),
    )
    authority = app.timestamps(maker) if order.version is Version.V5 else None
    data = make_seal(new, key.certificate, key.private_key.sign, seal_stamps(authority, app.suite))
    sha256 = hashlib.sha256(data)
    after = {"name": order.key, "certificate": fingerprint(key.certificate).hex()}
    app.operations.record(Act("seal.make", maker, sha256.hexdigest(), None, after))
    return MadeSeal(data, sha256.digest())
