"""A seal that is to be registered or used, and its maker, by this folder's trust file and what the authorities say
now."""

from __future__ import annotations

from ledger.assembly.app import App
from ledger.core.registries import Kind
from ledger.services.seal_evidence import asked, parties
from ledger.services.seal_files import SealFile, read_seal_file
from ledger.verification.seal_trust import SealRules, judges_by


def read_for_register(app: App, registrar: str, data: bytes) -> SealFile:
    """``data``: a seal file; ``registrar``: whose jurisdiction decides which makers are recognised.

    Raises:
        InputError: as `read_seal_file`, with ``PATH_…``, ``REVOCATION_…``, ``TIME_TOKEN_…``. NotFoundError:
            ``SEALS_PATH_NONE``, ``SEALS_ISSUER_UNLISTED``, ``SEALS_COMPROMISED_SINCE``.
    """
    return _read(app, registrar, Kind.SEAL, data, used=False)


def read_for_use(app: App, user: str, data: bytes) -> SealFile:
    """A seal that ``user`` is about to put on a document: its maker has to stand now as well, and not only when the
    seal was made. What cannot be told is among its doubts.

    Raises as `read_for_register`.
    """
    return _read(app, user, Kind.SEAL_USE, data, used=True)


def _read(app: App, who: str, kind: Kind, data: bytes, used: bool) -> SealFile:
    now = int(app.clock())
    material = asked(parties(data), app.revocation, now)
    jurisdiction = _jurisdiction(app, who, kind, now)
    rules = SealRules(app.trust.content(), jurisdiction, now, material, standing=now if used else None)
    return read_seal_file(data, now, judges_by(rules))


def _jurisdiction(app: App, who: str, kind: Kind, now: int) -> str | None:
    """Where it may write such records; ``None`` where it may not, which they will show."""
    with app.store.read() as unit:
        found = [a for a in unit.chain.accreditations(who) if a.kind is kind and now < a.until]
    return found[-1].jurisdiction if found else None
