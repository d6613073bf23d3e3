"""What the doctor says of keys, of their certificates, and of what revocation is known by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptography import x509

from ledger.assembly.app import App
from ledger.errors import ConfigError, NotFoundError, ZhengyinError
from ledger.outside.file_revocation import FileRevocation, ListSpan
from ledger.outside.held_keys import SIGNER
from ledger.outside.key_material import CERTIFIED
from ledger.outside.remote_signer import require_at_signer
from ledger.verification.words import instant

OK, WARNING, FAILED = "ok", "warning", "failed"
SOON = 30 * 86_400
SIGNER_PATIENCE = 5.0
Line = tuple[str, str, dict[str, Any]]
"""Outcome, code, values."""


def keys(app: App) -> Iterator[Line]:
    yield OK, "DOCTOR_KEYS", {"count": len(app.keys.list())}


def certificates(app: App) -> Iterator[Line]:
    """Signing certificates that end soon: an office that notices too late cannot issue for days. One that signs no more
    is a fault where the organisation has no other."""
    now, lasting = int(app.clock()), 0
    ended: list[tuple[tuple[str, str], str, dict[str, Any]]] = []
    able: set[tuple[str, str]] = set()
    for entry in app.keys.list():
        if entry.purpose not in CERTIFIED:
            continue
        values: dict[str, Any] = {"organisation": entry.organisation, "name": entry.name}
        try:
            der = app.keys.signing(entry.organisation, entry.name, entry.purpose).certificate
        except NotFoundError:
            yield WARNING, "DOCTOR_CERTIFICATE_WAITS", values
            continue
        code, more = _standing(app, der, now)
        if code in (None, "DOCTOR_CERTIFICATE_ENDS"):
            able.add((entry.organisation, entry.purpose))
        if code is None:
            lasting += 1
        elif code in _GONE:
            ended.append(((entry.organisation, entry.purpose), code, values | more))
        else:
            yield WARNING, code, values | more
    for whose, code, values in ended:
        yield WARNING if whose in able else FAILED, code, values
    if lasting:
        yield OK, "DOCTOR_CERTIFICATES", {"count": lasting, "days": SOON // 86_400}


_GONE = ("DOCTOR_CERTIFICATE_REVOKED", "DOCTOR_CERTIFICATE_ENDED")


def _standing(app: App, der: bytes, now: int) -> tuple[str | None, dict[str, Any]]:
    """What is to be said of a certificate (DER), if anything."""
    found = x509.load_der_x509_certificate(der)
    since, until = int(found.not_valid_before_utc.timestamp()), int(found.not_valid_after_utc.timestamp())
    if until < now:
        return "DOCTOR_CERTIFICATE_ENDED", {"days": (now - until) // 86_400}
    if now < since:
        return "DOCTOR_CERTIFICATE_EARLY", {"since": instant(since)}
    try:
        app.standing.require(der, now)
    except ConfigError as e:
        return "DOCTOR_CERTIFICATE_REVOKED", {"reason": e.values["reason"]}
    return ("DOCTOR_CERTIFICATE_ENDS", {"days": (until - now) // 86_400}) if until - now < SOON else (None, {})


def signers(app: App) -> Iterator[Line]:
    """Signers of their own: does each answer, and have the key of the certificate that lies here?"""
    for entry in app.keys.list():
        if entry.kept != SIGNER or entry.purpose != "signing":
            continue
        key = app.keys.signing(entry.organisation, entry.name)
        try:
            address = require_at_signer(key, entry.organisation, entry.name, SIGNER_PATIENCE)
        except ZhengyinError as e:
            yield FAILED, e.code, e.values
        else:
            values = {"organisation": entry.organisation, "name": entry.name, "address": address.shown}
            yield OK, "DOCTOR_SIGNER", values


def crls(app: App) -> Iterator[Line]:
    """How long the revocation lists of each CA last: no batch is signed without current ones, fetched or not."""
    online = app.settings.revocation == "online"
    for folder in app.home.authority_folders():
        if (folder / "keys").is_dir():  # a test CA, whose lists are made anew when they are needed
            yield OK, "DOCTOR_CRLS_TEST", {"folder": folder.name}
            continue
        for span in FileRevocation(folder).spans():
            if online and span.until is None:
                continue  # what nobody put here is fetched
            level, code, values = _crl(folder.name, span, app.clock())
            yield WARNING if online and level == FAILED else level, code, values


def _crl(folder: str, span: ListSpan, now: float) -> Line:
    if span.since is None or span.until is None:
        return WARNING, "DOCTOR_CRL_NONE", {"folder": folder, "issuer": span.issuer}
    values = {"folder": folder, "issuer": span.issuer, "until": instant(span.until)}
    if now >= span.until:
        return FAILED, "DOCTOR_CRL_ENDED", values
    late = (span.until - now) * 4 < span.until - span.since  # lists live a day or a year: its last quarter
    return (WARNING, "DOCTOR_CRL_ENDS", values) if late else (OK, "DOCTOR_CRL", values)
