"""A seal that is to be registered, and its maker, by this folder's trust file and what the authorities say now."""

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
    now = int(app.clock())
    material = asked(parties(data), app.revocation, now)
    rules = SealRules(app.trust.content(), _jurisdiction(app, registrar, now), now, material)
    return read_seal_file(data, now, judges_by(rules))


def _jurisdiction(app: App, registrar: str, now: int) -> str | None:
    """Where it may register seals; ``None`` where it may not, which its record will show."""
    with app.store.read() as unit:
        found = [a for a in unit.chain.accreditations(registrar) if a.kind is Kind.SEAL and now < a.until]
    return found[-1].jurisdiction if found else None
