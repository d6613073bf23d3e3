"""Entries in the log of operations for acts on the files of a data folder: keys, certificates, types, the trust file.

They are no database transactions: each entry is written right after its act, and a crash in between leaves the act
without it. The log is asked for before the act, so that where it cannot be written nothing is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.assembly.app import App
from ledger.core.trust import TrustFile
from ledger.core.typefiles import TypeDefinition
from ledger.errors import ZhengyinError
from ledger.outside import private_files
from ledger.services.operations import Act

PUBLIC = ("signing", "service", "council", "account", "node")
"""Purposes of keys that have a public half."""

Held = dict[tuple[str, str], dict[str, Any]]


@contextmanager
def keys_logged(app: App, act: str, organisation: str) -> Iterator[None]:
    """An entry ``act`` for every key or certificate of the organisation that is there at the end and was not before;
    also where what is done inside fails halfway: what it made stays. ``subject``: SHA-256 of the public key.

    Raises:
        UnavailableError: STORE_…: nothing was done.
    """
    app.operations.require()
    before = _held(app, organisation)
    try:
        yield
    finally:
        for key, found in _held(app, organisation).items():
            if found != before.get(key):
                app.operations.record(Act(act, organisation, _public(app, organisation, *key), before.get(key), found))


def _held(app: App, organisation: str) -> Held:
    """Its keys by name and purpose: of those that sign CMS with the certificate's digest, of data keys with the newest
    version."""
    found: Held = {}
    for purpose in (*PUBLIC, "approval"):
        for name in app.keys.names(organisation, purpose):
            certified = purpose in ("signing", "service")
            more = {"certificate": _certificate(app, organisation, name, purpose)} if certified else {}
            found[name, purpose] = {"name": name, "purpose": purpose} | more
    for name in app.keys.names(organisation, "data"):
        state = app.keys.data.state(organisation, name)
        facts = {"algorithm": state.algorithm, "version": state.version, "retired": state.retired}
        found[name, "data"] = {"name": name, "purpose": "data"} | facts
    return found


def _certificate(app: App, organisation: str, name: str, purpose: str) -> str | None:
    try:
        return hashlib.sha256(app.keys.signing(organisation, name, purpose).certificate).hexdigest()
    except ZhengyinError:
        return None  # none yet, or what is wrong with it is said to whoever uses it


def _public(app: App, organisation: str, name: str, purpose: str) -> str | None:
    if purpose not in PUBLIC:
        return None
    return hashlib.sha256(app.keys.public(organisation, name, purpose)).hexdigest()


def keep_authorities(app: App, certificates: Sequence[bytes]) -> int:
    """Put authorities' certificates (DER) that came with a key where those of others lie, so that paths and revocation
    are found by them; they make nobody trusted. Returns how many were new.

    Raises:
        ConfigError: KEYS_PERMISSIONS, REVOCATION_SOURCE_DAMAGED.
    """
    known = app.revocation.certificates()
    fresh = [certificate for certificate in certificates if certificate not in known]
    for certificate in fresh:
        name = f"{hashlib.sha256(certificate).hexdigest()}.der"
        private_files.write_new(app.home.imported_authorities / "certificates" / name, certificate)
    return len(fresh)


def add_type(app: App, path: Path) -> TypeDefinition:
    """``TypeFolder.add``, entered as ``type.add`` under the type's digest."""
    app.operations.require()
    definition = app.types.add(path)
    after = {"name": path.stem, "type": definition.code}
    app.operations.record(Act("type.add", None, definition.digest().hex(), None, after))
    return definition


def install_trust(app: App, file: TrustFile) -> None:
    """``TrustFolder.install``, entered as ``trust.install`` under the file's fingerprint."""
    app.operations.require()
    before = _version(app.trust.current()) if app.home.trust.exists() else None
    app.trust.install(file)
    app.operations.record(Act("trust.install", None, file.content.fingerprint().hex(), before, _version(file)))


def trust_signed(app: App, before: TrustFile, after: TrustFile) -> None:
    """The entry ``trust.sign`` for signatures that were added to a file."""
    subject = after.content.fingerprint().hex()
    app.operations.record(Act("trust.sign", None, subject, _version(before), _version(after)))


def _version(file: TrustFile) -> dict[str, Any]:
    return {
        "version": file.content.version,
        "fingerprint": file.content.fingerprint().hex(),
        "signatures": [s.key for s in file.signatures],
    }
