"""Using a seal: put it on a document, and enter the use.

Order of writes, and what a crash after each leaves:
1. look whether the seal may be used, and whether its maker still stands – nothing
2. seal in memory                        – nothing; the signature is lost with the process
3. the record of the use, accepted       – a use whose file nobody has: one too many, which its holder can see
4. the file                              – done
So a sealed file never exists without its record, and what cannot be sealed (no such page, no time-stamp) enters no use.
The record names the document as it came and as it went, so that either leads to it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ledger.assembly.app import App
from ledger.assembly.seal_judging import read_for_use
from ledger.assembly.seal_making import seal_stamps
from ledger.core.bundles import ValidationData
from ledger.core.records import FileDigest
from ledger.core.registries import Kind
from ledger.core.verdicts import Finding
from ledger.crypto.digests import sm3
from ledger.crypto.ofd.making import Place, stamp_ofd
from ledger.crypto.ofd.package import is_package
from ledger.crypto.ses.values import SealInfo
from ledger.crypto.timestamps import stamper_of
from ledger.errors import InputError, NotFoundError
from ledger.outside.pdf_seals import Placement, Sealing, field_name, seal_pdf
from ledger.outside.signing_keys import SigningKey
from ledger.ports import TimestampAuthority
from ledger.services.issuing import Accepted
from ledger.services.seal_files import require_signer
from ledger.services.seals import RegisteredSeal, use_values

PROVIDER = "zhengyin"


@dataclass(frozen=True, slots=True)
class StampOrder:
    """``seal``: a seal file; ``key``: name of the signing key; ``operator``: who does it, kept as a pseudonym.
    ``field``: of the signature in a PDF; ``validation``: store revocation data in a PDF."""

    seal: bytes
    document: bytes
    key: str
    reason: str
    operator: str
    place: Place
    field: str | None = None
    validation: bool = True


@dataclass(frozen=True, slots=True)
class Stamped:
    """``form``: pdf or ofd; ``data``: the sealed document, which is nowhere else yet; ``doubts``: what could not be
    told of the seal."""

    form: str
    data: bytes
    seal: RegisteredSeal
    use: Accepted
    timestamped: bool
    doubts: tuple[Finding, ...]


def stamp(app: App, user: str, order: StampOrder) -> Stamped:
    """Seal a document and enter the use. Whoever is given the result writes the file.

    Raises:
        NotFoundError: SEAL_UNKNOWN; of the seal's maker as `read_for_use`. ConflictError: SEAL_NOT_HELD,
            SEAL_NOT_IN_FORCE, SEAL_USE_NOT_ACCREDITED.
        InputError: SES_…, OFD_…, PDF_…, SEAL_DOCUMENT_FORM. ConfigError, UnavailableError: from the key, the time-stamp
            authorities, the sources of revocation data.
    """
    app.indexing.run()  # a suspension counts from its block on, and not from when this ledger had read that
    app.operations.require()
    now = int(app.clock())
    registered = _registered(app, user, order.seal, now)
    found = read_for_use(app, user, order.seal)
    key, info = app.signing_key(user, order.key), found.seal.info
    require_signer(info, key.certificate)
    authority = app.timestamps(user)
    form, data = _sealed(app, order, key, info, now, authority)
    values = {
        "seal": registered.leaf.hex(),
        "usedAt": now,
        "reason": order.reason,
        "operator": order.operator,
        **use_values(digest_of(order.document)),
    }
    files = (digest_of(order.document), digest_of(data))
    definition = app.types.of_kind(Kind.SEAL_USE)
    use = app.issuing.issue(user, definition, values, files=files)
    return Stamped(form, data, registered, use, authority is not None, found.doubts)


def _registered(app: App, user: str, seal: bytes, now: int) -> RegisteredSeal:
    """Its registration. Of several, which other software may have made, every one is in force."""
    found = app.seals.of_file(hashlib.sha256(seal).digest())
    if not found:
        raise NotFoundError("SEAL_UNKNOWN")
    app.seals.require_holder(user, found[-1])
    app.seals.require_in_force(found, now)
    return found[-1]


def _sealed(
    app: App, order: StampOrder, key: SigningKey, info: SealInfo, now: int, authority: TimestampAuthority | None
) -> tuple[str, bytes]:
    document, place = order.document, order.place
    if document.startswith(b"%PDF-"):
        placement = Placement(place.page, place.left, place.bottom)
        sealing = Sealing(key, info.picture, placement, order.field or field_name(key.certificate, now), order.reason)

        def collect(certificate: bytes, token: bytes | None) -> ValidationData:
            wanted = [certificate, *([stamper_of(token)] if token is not None else [])]
            return app.revocation.collect(wanted, now, to_sign=True)

        return "pdf", seal_pdf(document, sealing, now, authority, collect if order.validation else None)
    if is_package(document) and order.field is None:  # fields are a matter of PDF
        stamps = seal_stamps(authority, app.suite)
        sign = key.private_key.sign
        key.require_valid(now)
        return "ofd", stamp_ofd(document, order.seal, key.certificate, sign, now, place, PROVIDER, stamps)
    raise InputError("SEAL_DOCUMENT_FORM" if order.field is None else "SEAL_FIELD_FORM")


def digest_of(data: bytes) -> FileDigest:
    return FileDigest(len(data), hashlib.sha256(data).digest(), sm3(data))
