"""Signing a file with a key of this data folder, outside of any batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from ledger.assembly.app import App
from ledger.core.bundles import ValidationData
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError
from ledger.outside.file_signatures import FileSignature, sign_detached
from ledger.services.crypto_content import require_foreign
from ledger.services.operations import Act

Level = Literal["b", "t", "lt"]


def sign_file(
    app: App, organisation: str, name: str, content: bytes, level: Level = "b", authorities: Sequence[str] = ()
) -> FileSignature:
    """A detached CMS by the key over ``content``, entered in the log as ``file.sign``. The log is
    asked for before the key: where it cannot be written nothing is signed. ``authorities``: addresses of time-stamp
    authorities, for those of the settings.

    Raises:
        NotFoundError: KEYS_UNKNOWN. ConfigError: KEYS_…, SIGNER_…, PKCS11_…, TIMESTAMP_NO_AUTHORITY, TIMESTAMP_URL.
        InputError: CRYPTO_CONTENT_OURS, CMS_LONG_TERM_SIZE. UnavailableError: from the key; TIMESTAMP_UNAVAILABLE;
            REVOCATION_…; STORE_….
    """
    app.operations.require()
    require_foreign(content)
    key, now = app.signing_key(organisation, name), int(app.clock())

    def collect(certificates: Sequence[bytes], known: Sequence[bytes]) -> ValidationData:
        return app.revocation.collect(certificates, now, known=known, to_sign=True)

    authority = None if level == "b" else app.timestamps(organisation, authorities)
    if level != "b" and authority is None:
        raise ConfigError("TIMESTAMP_NO_AUTHORITY")
    if level == "lt":  # what could not be proved for long is not signed at all
        collect((key.certificate,), ())
    above = app.standing.require(key.certificate, now)
    made = sign_detached(key, content, now, authority, collect if level == "lt" else None, above)
    after = {"name": name, "certificate": fingerprint(key.certificate).hex(), "level": level}
    app.operations.record(Act("file.sign", organisation, hashlib.sha256(content).hexdigest(), None, after))
    return made
