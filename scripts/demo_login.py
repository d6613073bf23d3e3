"""The login of the demonstration: one person, certificates of two authorities, one identity."""

from __future__ import annotations

from ledger.assembly.app import App
from ledger.assembly.challenge_signing import respond
from ledger.assembly.demo_plan import CITY_A, OFFICE_A
from ledger.core.login import Audience
from ledger.outside.demo_pki import plan as pki
from ledger.outside.demo_pki.pki import DemoPki
from ledger.outside.signing_keys import SigningKey
from ledger.outside.software_keys import SoftwareKey
from scripts import demo_data as data

HALL = Audience(OFFICE_A, "hall")
SECONDS = 600


def log_in_twice(app: App) -> set[bytes]:
    """Pseudonyms that the system learnt: one, if all is well. Before anything else asks the authorities: their services
    know what had been issued when they began."""
    labels = ("ca-a" if "ca-a" in pki.usable() else "ca-e", "ca-j")
    certifier = DemoPki(app.home.authorities)
    signers = [_certified(certifier, label, int(app.clock())) for label in labels]
    above = [certifier.intermediates(label) for label in labels]
    return {_log_in(app, *one) for one in zip(signers, above, strict=True)}


def _certified(certifier: DemoPki, label: str, now: int) -> SigningKey:
    key = SoftwareKey.generate(certifier.authority(label).algorithm)
    subject = {"common-name": "示范当事人", "serial-number": data.citizen_number(1)}
    return SigningKey(key, certifier.issue(label, "person", key.spki, subject, now))


def _log_in(app: App, signer: SigningKey, above: tuple[bytes, ...]) -> bytes:
    challenge = app.login.challenge(HALL, CITY_A, 1, "person", SECONDS)
    answer = respond(signer, challenge, int(app.clock()), above, ())
    row, _ = app.login.answer(challenge.nonce, answer)
    return row.subject
