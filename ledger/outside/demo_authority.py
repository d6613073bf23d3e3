"""A test certification authority for demonstrations and tests: root, issuing authority, CRLs. Never for real
use.

Its folder has the layout that ``FileRevocation`` reads, so a second process can issue and collect:

    certificates/root.der issuing.der · crls/root.crl issuing.crl · keys/*.pem · revoked.json
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ledger.errors import ConfigError, InputError
from ledger.outside import private_files
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.key_material import algorithm_name

EARLIER = timedelta(minutes=5)  # validity starts a little before "now": clocks differ
ROOT_LIFE, ISSUING_LIFE, CRL_LIFE = timedelta(days=7300), timedelta(days=3650), timedelta(days=7)
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
_LEVELS = ("root", "issuing")
_MAKERS: dict[str, Callable[[], Any]] = {
    "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
}


class DemoAuthority:
    """Open an authority made by ``create``.

    Raises:
        NotFoundError: ``KEYS_UNKNOWN``; ConfigError: ``KEYS_PERMISSIONS``, ``DEMO_AUTHORITY_DAMAGED``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        pems = {level: private_files.read_private(folder / "keys" / f"{level}.pem") for level in _LEVELS}
        try:
            self._keys: dict[str, Any] = {level: load_pem_private_key(pems[level], None) for level in _LEVELS}
            self._certificates = {
                level: x509.load_der_x509_certificate((folder / "certificates" / f"{level}.der").read_bytes())
                for level in _LEVELS
            }
        except (ValueError, OSError) as error:
            raise ConfigError("DEMO_AUTHORITY_DAMAGED", folder=str(folder)) from error

    @classmethod
    def create(cls, folder: Path, name: str, algorithm: str, now: int, country: str = "CN") -> DemoAuthority:
        """Make root, issuing authority and their first CRLs. ``algorithm``: ecdsa-p256 or rsa-3072; ``now``:
        seconds UTC; ``country``: ISO 3166 code of the jurisdiction.

        Raises:
            ConfigError: ``KEYS_ALGORITHM``; ConflictError: ``KEYS_EXISTS``.
        """
        if algorithm not in _MAKERS:
            raise ConfigError("KEYS_ALGORITHM", algorithm=algorithm, purpose="demo authority")
        moment = datetime.fromtimestamp(now, UTC)
        keys = {level: _MAKERS[algorithm]() for level in _LEVELS}
        names = {level: _authority_name(name, level, country) for level in _LEVELS}
        public = {level: keys[level].public_key() for level in _LEVELS}
        root = _profile(names["root"], names["root"], public["root"], keys["root"], moment, ROOT_LIFE)
        root = _authority_profile(root, None)
        issuing = _profile(names["issuing"], names["root"], public["issuing"], keys["root"], moment, ISSUING_LIFE)
        issuing = _authority_profile(issuing, 0).add_extension(_distribution("root", keys["root"]), False)
        for part in ("keys", "certificates", "crls"):
            private_files.make_folder(folder / part)
        for level, builder in (("root", root), ("issuing", issuing)):
            pem = keys[level].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            private_files.write_new(folder / "keys" / f"{level}.pem", pem)
            certificate = builder.sign(keys["root"], SHA256()).public_bytes(Encoding.DER)
            private_files.write_new(folder / "certificates" / f"{level}.der", certificate)
        made = cls(folder)
        made.crls(now)
        return made

    @property
    def root(self) -> bytes:
        """The root certificate, DER: what a trust file lists."""
        return self._certificates["root"].public_bytes(Encoding.DER)

    @property
    def issuing(self) -> bytes:
        return self._certificates["issuing"].public_bytes(Encoding.DER)

    def revocation(self) -> FileRevocation:
        return FileRevocation(self._folder)

    def certify(self, spki: bytes, organization_name: str, organization_id: str, now: int, days: int) -> bytes:
        """As ``issue``, for a SubjectPublicKeyInfo (DER).

        Raises:
            ConfigError: ``KEYS_TEST_CA`` for a key that the library does not certify.
        """
        algorithm = algorithm_name(spki)
        if not certifies(algorithm):
            raise ConfigError("KEYS_TEST_CA", algorithm=algorithm)
        return self.issue(load_der_public_key(spki), organization_name, organization_id, now, days)

    def issue(self, public_key: Any, organization_name: str, organization_id: str, now: int, days: int) -> bytes:
        """A signing certificate (DER) for an office: document signing, valid ``days`` from ``now``."""
        subject = x509.Name(
            [
                self._certificates["issuing"].subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)[0],
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization_name),
                x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organization_id),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{short(organization_name)} (TEST)"),
            ]
        )
        issuer, key = self._certificates["issuing"].subject, self._keys["issuing"]
        moment = datetime.fromtimestamp(now, UTC)
        builder = (
            _profile(subject, issuer, public_key, key, moment, timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(_usage(digital_signature=True, content_commitment=True), True)
            .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), False)
            .add_extension(_distribution("issuing", key), False)
        )
        return builder.sign(key, SHA256()).public_bytes(Encoding.DER)

    def revoke(self, certificate: bytes, now: int, reason: str = "keyCompromise", since: int | None = None) -> None:
        """Enter a certificate of this authority in its list; ``crls`` publishes it. ``since``:
        invalidityDate.

        Raises:
            InputError: ``DEMO_AUTHORITY_OTHER`` for a certificate of another authority,
            ``DEMO_AUTHORITY_REASON``.
        """
        found = x509.load_der_x509_certificate(certificate)
        issuers = {self._certificates[level].subject: level for level in _LEVELS}
        level = issuers.get(found.issuer)
        if level is None:
            raise InputError("DEMO_AUTHORITY_OTHER")
        if reason not in {flag.value for flag in x509.ReasonFlags}:
            raise InputError("DEMO_AUTHORITY_REASON", reason=reason)
        entry = {"level": level, "serial": str(found.serial_number), "at": now, "reason": reason}
        entries = [*self._revoked(), {**entry, "since": since}]
        private_files.replace(self._folder / "revoked.json", json.dumps(entries, indent=1).encode())

    def crls(self, now: int) -> tuple[bytes, bytes]:
        """Publish new CRLs of root and issuing authority, taken at ``now``; returns them (DER)."""
        made = []
        for level in _LEVELS:
            crl = self._crl(level, now)
            private_files.replace(self._folder / "crls" / f"{level}.crl", crl)
            made.append(crl)
        return made[0], made[1]

    def _revoked(self) -> list[dict[str, Any]]:
        file = self._folder / "revoked.json"
        return list(json.loads(file.read_bytes())) if file.exists() else []

    def _crl(self, level: str, now: int) -> bytes:
        key, moment = self._keys[level], datetime.fromtimestamp(now, UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificates[level].subject)
            .last_update(moment)
            .next_update(moment + CRL_LIFE)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
            .add_extension(x509.CRLNumber(now), False)
        )
        for entry in self._revoked():
            if entry["level"] == level:
                builder = builder.add_revoked_certificate(_entry(entry))
        return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def _entry(entry: dict[str, Any]) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(int(entry["serial"]))
        .revocation_date(datetime.fromtimestamp(entry["at"], UTC))
        .add_extension(x509.CRLReason(x509.ReasonFlags(entry["reason"])), False)
    )
    if entry["since"] is not None:
        since = datetime.fromtimestamp(entry["since"], UTC)
        builder = builder.add_extension(x509.InvalidityDate(since), False)
    return builder.build()


def certifies(algorithm: str) -> bool:
    """Keys of this algorithm? The library that makes the certificates does not know all."""
    return algorithm != "sm2" and not algorithm.startswith("rsa-pss")


def short(name: str) -> str:
    """As much of ``name`` as a commonName takes beside a few words: 64 bytes in all, and Chinese has 3 a character."""
    return name.encode()[:48].decode(errors="ignore")


def _authority_name(name: str, level: str, country: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{name} (TEST)"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{short(name)} TEST {level.capitalize()} CA"),
        ]
    )


def _profile(
    subject: x509.Name, issuer: x509.Name, public_key: Any, issuer_key: Any, moment: datetime, life: timedelta
) -> x509.CertificateBuilder:
    """What all certificates share: names, number, validity and key identifiers."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - EARLIER)
        .not_valid_after(moment + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    )


def _authority_profile(builder: x509.CertificateBuilder, path_length: int | None) -> x509.CertificateBuilder:
    return builder.add_extension(x509.BasicConstraints(True, path_length), True).add_extension(
        _usage(key_cert_sign=True, crl_sign=True), True
    )


def _usage(**used: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: used.get(name, False) for name in names})


def _distribution(level: str, key: Any) -> x509.CRLDistributionPoints:
    mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:16]
    url = f"http://crl.test-authority.example/{mark}/{level}.crl"
    name = x509.UniformResourceIdentifier(url)
    return x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)])
