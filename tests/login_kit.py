"""People with certificates of the ten test authorities, and a ledger where they log in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_der_x509_certificate
from ledger_world import World
from pki_kit import CAS, NOW, YEAR, Kit

from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.bundles import ValidationData
from ledger.core.canonical import decode
from ledger.core.login import Audience, Challenge
from ledger.core.trust import Trust
from ledger.core.trust_lists import Recognition
from ledger.core.trust_services import IDENTITY
from ledger.crypto import cms
from ledger.errors import InputError, UnavailableError, ZhengyinError
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.signing_keys import SigningKey
from ledger.outside.software_keys import SoftwareKey
from ledger.ports import RevocationSource
from ledger.ports.login import SessionRow
from ledger.services.login import Login
from ledger.services.login_proof import LoginProver

SERVER, HERE = "http://office.example", "CN-440100"
HALL = Audience(OFFICE_A, "hall")
ZHANG, LI = "440106199001011235", "32010019851231123X"
"""Numbers of people who do not exist."""


@dataclass(frozen=True)
class Person:
    """``name``: the certificate's at its authority; ``above``: authorities between it and the root, DER."""

    name: str
    signer: SigningKey
    above: tuple[bytes, ...]

    @property
    def signing_time(self) -> int:
        """`NOW`, or the nearest instant at which the certificate is valid: no honest program signs at another."""
        found = load_der_x509_certificate(self.signer.certificate)
        since, until = (int(at.timestamp()) for at in (found.not_valid_before_utc, found.not_valid_after_utc))
        return min(max(NOW, since), until)

    def respond(self, challenge: Challenge, now: int = NOW) -> bytes:
        return self.sign(challenge.to_bytes(), now)

    def sign(self, content: bytes, now: int = NOW) -> bytes:
        """A detached CMS with the certificates that a verifier needs."""
        made = cms.verify_detached(self.signer.sign_detached(content, now), content)
        attributes = cms.signed_attributes(content, made.certificate, now)
        return cms.assemble(made.certificate, attributes, made.signature, None, self.above)


_numbers = count()  # the authorities are this worker's: names are given once


class People:
    """Issues certificates, each once."""

    def __init__(self, pki: Kit) -> None:
        self.pki = pki
        self._known: dict[str, Person] = {}
        self._keys: dict[str, SoftwareKey] = {}

    def __call__(
        self,
        ca: str,
        number: str = ZHANG,
        attribute: str = "serial-number",
        revoked: bool = False,
        **changes: Any,
    ) -> Person:
        known = repr((ca, number, attribute, revoked, changes))
        if known not in self._known:
            name = f"login-{next(_numbers)}"
            algorithm = self.pki.pki.authority(ca).algorithm
            key = self._keys.setdefault(algorithm, SoftwareKey.generate(algorithm))
            subject = {"common-name": name, attribute: number}
            wanted = {"issuer": "issuing"} | changes
            certificate = self.pki.pki.issue(ca, name, key.spki, subject, NOW, **wanted)
            if revoked:
                self.pki.pki.revoke(ca, name, NOW - 60)
            above = self.pki.intermediates(ca, wanted["issuer"])
            self._known[known] = Person(name, SigningKey(key, certificate), above)
        return self._known[known]


@dataclass
class Rules:
    """What the office believes now: a trust file, and lists in a folder for each authority. ``asked``: how often for
    revocation."""

    trust: Trust
    pki: Kit
    folder: Path
    cas: Sequence[str]
    asked: int = 0

    def files(self) -> FileRevocation:
        folders = (self.folder / ca for ca in self.cas if (self.folder / ca).is_dir())
        return FileRevocation(*folders, anchors=[self.pki.root(ca) for ca in self.cas])

    def certificates(self) -> list[bytes]:
        return self.files().certificates()

    def collect(
        self,
        certificates: Sequence[bytes],
        now: int,
        after: int | None = None,
        known: Sequence[bytes] = (),
        *,
        to_sign: bool = False,
    ) -> ValidationData:
        self.asked += 1
        return self.files().collect(certificates, now, after, known, to_sign=to_sign)

    def publish(self, *cas: str, at: int = NOW) -> None:
        """Put the authorities' newest lists where the office looks for them."""
        for ca in cas:
            for part in ("certificates", "crls"):
                (self.folder / ca / part).mkdir(parents=True, exist_ok=True)
            for number, der in enumerate((*self.pki.intermediates(ca), self.pki.root(ca))):
                (self.folder / ca / "certificates" / f"{number}.der").write_bytes(der)
            for number, der in enumerate(self.pki.pki.lists(ca, at, "issuing")):
                (self.folder / ca / "crls" / f"{number}.crl").write_bytes(der)

    def silence(self, ca: str) -> None:
        """No list of the authority is here."""
        shutil.rmtree(self.folder / ca / "crls")


@dataclass
class Door:
    """The login of a world, by rules that a test may change."""

    world: World
    rules: Rules
    login: Login

    def challenge(self, **changed: Any) -> Challenge:
        wanted: dict[str, Any] = {"audience": HALL, "jurisdiction": HERE, "level": 2, "subject": "person"}
        return self.login.challenge(**({**wanted, "session": 3600} | changed))

    def enter(self, person: Person, **changed: Any) -> tuple[SessionRow, str]:
        challenge = self.challenge(**changed)
        return self.login.answer(challenge.nonce, person.respond(challenge, person.signing_time))


def recognition(pki: Kit, ca: str, level: int = 2, jurisdiction: str = HERE) -> Recognition:
    return replace(pki.recognition(ca, jurisdiction, IDENTITY), level=level)


def open_door(
    world: World, pki: Kit, folder: Path, cas: Sequence[str] = CAS, revocation: RevocationSource | None = None
) -> Door:
    """By a trust file that lists these authorities, each recognised here for identity at level 2; ``revocation``: asked
    instead of the lists in the folder."""
    authorities = tuple(pki.authority(ca) for ca in cas)
    trust = replace(
        world.app.trust.content(),
        authorities=authorities,
        recognitions=tuple(recognition(pki, ca) for ca in cas),
        expires=NOW + YEAR,
    )
    rules = Rules(trust, pki, folder, cas)
    rules.publish(*cas)
    app = world.app
    prover = LoginProver(lambda: rules.trust, revocation or rules, rules.certificates, lambda *_: None)
    login = Login(app.store, app.operations, app.login_key, prover, SERVER, app.clock, os.urandom)
    return Door(world, rules, login)


def refused(door: Door, person: Any, **changed: Any) -> str:
    with pytest.raises(ZhengyinError) as caught:
        door.enter(person, **changed)
    assert not any(number in str(caught.value.values) for number in (ZHANG, LI))
    if isinstance(caught.value, UnavailableError):
        assert caught.value.code == "LOGIN_UNDECIDED"
        return f"? {caught.value.values['cause']}"
    assert isinstance(caught.value, InputError)
    return caught.value.code


def log(door: Door) -> list[Any]:
    with door.world.app.store.read() as unit:
        return [decode(entry) for _, entry, _ in unit.access.all_operations()]
