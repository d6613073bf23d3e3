"""Answering a login challenge by a key of this data folder, or by a person's own key file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ledger.core.login import Challenge
from ledger.crypto import cms
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.outside.issuer_chains import chain_above
from ledger.outside.signing_keys import SigningKey

if TYPE_CHECKING:
    from ledger.assembly.app import App


def sign_challenge(
    app: App, organisation: str, name: str, challenge: Challenge, certificates: Sequence[bytes] = ()
) -> bytes:
    """``respond`` by a key of the data folder, with the authorities' certificates that lie there or are to be had;
    entered in the log as ``login.sign``. The log is asked before the key: where it cannot be written nothing is signed.

    Raises:
        NotFoundError: KEYS_UNKNOWN. ConfigError: KEYS_…, SIGNER_…, PKCS11_…. UnavailableError: from the key; STORE_….
    """
    from ledger.services.operations import Act

    app.operations.require()
    key, now = app.signing_key(organisation, name), int(app.clock())
    given = [*certificates, *app.standing.require(key.certificate, now)]
    made = respond(key, challenge, now, given, app.revocation.certificates())
    after = {"name": name, "certificate": fingerprint(key.certificate).hex(), "system": challenge.audience.system}
    subject = hashlib.sha256(challenge.to_bytes()).hexdigest()
    app.operations.record(Act("login.sign", challenge.audience.organisation, subject, None, after))
    return made


def respond(
    key: SigningKey, challenge: Challenge, now: int, given: Sequence[bytes], known: Sequence[bytes] = ()
) -> bytes:
    """A detached CMS over the challenge with those of ``given`` and ``known`` (DER) that lead from the certificate to a
    root; where none is reached, with all that were given: the server may know the others.

    Raises:
        ConfigError: SIGNER_…, PKCS11_…. UnavailableError: from the key.
    """
    content = challenge.to_bytes()
    made = cms.verify_detached(key.sign_detached(content, now), content)
    above = list(dict.fromkeys(given))
    with suppress(UnavailableError):
        chain = chain_above(key.certificate, [*given, *known])
        above = [issuer.data for issuer in chain if issuer.parts.subject != issuer.parts.issuer]
    attributes = cms.signed_attributes(content, made.certificate, made.signing_time)
    return cms.assemble(made.certificate, attributes, made.signature, None, above)


def key_of_file(data: bytes, password: bytes | None) -> tuple[SigningKey, tuple[bytes, ...]]:
    """Key and certificate of a PKCS#12 file, and the other certificates (DER) in it.

    Raises:
        InputError: ``PKCS12_…``, ``KEY_ENCRYPTION``, ``LOGIN_KEY_FILE`` no certificate in it. ConfigError:
            ``KEYS_PASSPHRASE``, ``SIGNER_…``.
    """
    from ledger.outside.pkcs12 import read_pkcs12
    from ledger.outside.software_keys import SoftwareKey

    try:
        file = read_pkcs12(data, password)
    except InputError as error:
        if error.code == "KEY_PASSPHRASE":
            raise ConfigError("KEYS_PASSPHRASE") from error
        raise
    if file.certificate is None:
        raise InputError("LOGIN_KEY_FILE")
    return SigningKey(SoftwareKey(file.key), file.certificate), file.others
