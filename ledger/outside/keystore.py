"""Keys of the organisations one acts for, in files: ``<root>/<organisation>/<name>.<purpose>.pem|hex``.

    signing   the office's CMS key (PKCS#8 PEM), with its certificate in ``<name>.signing.crt``
    council   a council member's key for the trust file (PKCS#8 PEM)
    account   a chain account, and
    node      the key of a sealing node: secp256k1 (PKCS#8 PEM)
    approval  32 bytes of one releasing source, whose name is the key's name (hex)
    index     32 bytes under which ids are looked up (hex)

PEM keys are encrypted where a passphrase is set. Nothing is ever overwritten: a new key has a new name.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from ledger.core.identifiers import organisation_id
from ledger.core.trust_lists import CouncilKey
from ledger.crypto.approvals import ApprovalKey
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError
from ledger.outside import private_files
from ledger.outside.accounts import AccountKey, make_account
from ledger.outside.key_material import (
    algorithm_of,
    certificate_for,
    load_pem,
    public_info,
    secret_scalar,
    signing_request,
)
from ledger.ports import Account

SECRET_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_PEM = ("signing", "council", "account", "node")
_HEX = ("approval", "index")
_MAKERS: dict[str, Callable[[], Any]] = {
    "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
}
_ALGORITHMS = {
    "signing": ("ecdsa-p256", "rsa-3072"),
    "council": ("ed25519", "ecdsa-p256"),
    "account": ("secp256k1",),
    "node": ("secp256k1",),
}


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key as it may be shown. ``fingerprint``: SHA-256 of the SubjectPublicKeyInfo; of a secret, a tagged
    digest that tells equal from different and nothing else."""

    organisation: str
    name: str
    purpose: str
    algorithm: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key object of ``cryptography`` with its certificate (DER)."""

    private_key: Any
    certificate: bytes

    def __repr__(self) -> str:
        return "SigningKey(…)"


def passphrase_from(environment: Mapping[str, str]) -> bytes | None:
    """The passphrase named by ZHENGYIN_KEY_PASSPHRASE, or in the file ZHENGYIN_KEY_PASSPHRASE_FILE.

    Raises:
        ConfigError: ``KEYS_PERMISSIONS``, ``KEYS_PASSPHRASE`` if empty. NotFoundError: ``KEYS_UNKNOWN``.
    """
    words = environment.get("ZHENGYIN_KEY_PASSPHRASE")
    file = environment.get("ZHENGYIN_KEY_PASSPHRASE_FILE")
    if words is None and file is None:
        return None
    found = words.encode() if words is not None else private_files.read_private(Path(file or "")).rstrip(b"\r\n")
    if not found:
        raise ConfigError("KEYS_PASSPHRASE")
    return found


class KeyStore:
    """The folder ``root``, mode 0700, with a folder for each organisation.

    Every method raises ConfigError ``KEYS_PERMISSIONS``, ``KEYS_NAME``, ``KEYS_PASSPHRASE``, ``KEYS_DAMAGED``
    or ``KEYS_ALGORITHM``; loading raises NotFoundError ``KEYS_UNKNOWN``; writing ConflictError
    ``KEYS_EXISTS``.
    """

    def __init__(self, root: Path, passphrase: bytes | None = None) -> None:
        self._root = root
        self._passphrase = passphrase
        self._loaded: dict[bytes, Any] = {}  # by the digest of the PEM: checking a key of RSA takes a tenth of a second

    def __repr__(self) -> str:
        return f"KeyStore({str(self._root)!r})"

    # ---- keys with a public half: signing, council, account, node

    def create(self, organisation: str, name: str, purpose: str, algorithm: str | None = None) -> bytes:
        """Make a key; returns its SubjectPublicKeyInfo, DER. Algorithms: ecdsa-p256, rsa-3072 for signing;
        ed25519, ecdsa-p256 for council; secp256k1 for account and node (the first is the default)."""
        allowed = _ALGORITHMS.get(purpose, ())
        chosen = algorithm or (allowed[0] if allowed else "")
        if chosen not in allowed:
            raise ConfigError("KEYS_ALGORITHM", algorithm=chosen, purpose=purpose)
        return self._store(organisation, name, purpose, _MAKERS[chosen]())

    def import_pem(self, organisation: str, name: str, purpose: str, pem: bytes, password: bytes | None) -> bytes:
        """Take over a PKCS#8 key; it is stored under this store's own passphrase."""
        return self._store(organisation, name, purpose, load_pem(pem, password, name))

    def import_account(self, organisation: str, name: str, secret: bytes) -> Account:
        """Take over a chain account by its 32-byte secret."""
        try:
            key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256K1())
        except ValueError as error:
            raise InputError("ACCOUNT_SECRET") from error
        self._store(organisation, name, "account", key)
        return self.account(organisation, name)

    def public(self, organisation: str, name: str, purpose: str) -> bytes:
        """SubjectPublicKeyInfo, DER, of a key that is there, with or without certificate."""
        return public_info(self._load(organisation, name, purpose))

    def request(self, organisation: str, name: str, organization_name: str) -> bytes:
        """A certification request (PKCS#10, RFC 2986, DER) for a signing key: what a CA wants to see."""
        return signing_request(self._load(organisation, name, "signing"), organisation, organization_name)

    def put_certificate(self, organisation: str, name: str, certificate: bytes) -> None:
        """Add the certificate (DER) that a CA issued for a signing key; it must hold that key. The same again is no
        change."""
        key = self._load(organisation, name, "signing")
        pem = certificate_for(key, certificate, name)
        path = self._path(organisation, name, "signing", "crt")
        try:
            private_files.write_new(path, pem)
        except ConflictError:
            if private_files.read_private(path) != pem:
                raise

    def signing(self, organisation: str, name: str) -> SigningKey:
        key = self._load(organisation, name, "signing")
        pem = private_files.read_private(self._path(organisation, name, "signing", "crt"))
        try:
            certificate = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
        except ValueError as error:
            raise ConfigError("KEYS_DAMAGED", name=name) from error
        certificate_for(key, certificate, name)
        return SigningKey(key, certificate)

    def account(self, organisation: str, name: str) -> Account:
        return make_account(secret_scalar(self._load(organisation, name, "account")))

    def node(self, organisation: str, name: str) -> AccountKey:
        """The key of a sealing node."""
        return AccountKey(secret_scalar(self._load(organisation, name, "node")))

    def council(self, organisation: str, name: str) -> tuple[CouncilKey, Any]:
        """The key as the trust file lists it (its name is its id), and the private key."""
        key = self._load(organisation, name, "council")
        algorithm = "Ed25519" if algorithm_of(key) == "ed25519" else "ES256"
        return CouncilKey(name, algorithm, public_info(key)), key

    # ---- plain secrets: approval, index

    def create_secret(self, organisation: str, name: str, purpose: str) -> bytes:
        """Make 32 random bytes; returns them."""
        return self.import_secret(organisation, name, purpose, secrets.token_bytes(SECRET_BYTES))

    def import_secret(self, organisation: str, name: str, purpose: str, secret: bytes) -> bytes:
        if purpose not in _HEX:
            raise ConfigError("KEYS_ALGORITHM", algorithm="bytes", purpose=purpose)
        if len(secret) != SECRET_BYTES:
            raise ConfigError("KEYS_DAMAGED", name=name)
        private_files.write_new(self._path(organisation, name, purpose, "hex"), secret.hex().encode() + b"\n")
        return secret

    def secret(self, organisation: str, name: str, purpose: str) -> bytes:
        try:
            text = private_files.read_private(self._path(organisation, name, purpose, "hex")).decode("ascii")
            found = bytes.fromhex(text)
        except ValueError as error:
            raise ConfigError("KEYS_DAMAGED", name=name) from error
        if len(found) != SECRET_BYTES:
            raise ConfigError("KEYS_DAMAGED", name=name)
        return found

    def approval_keys(self, organisation: str) -> list[ApprovalKey]:
        """The keys of every releasing source of the organisation.

        Raises:
            NotFoundError: ``KEYS_UNKNOWN`` if there is none.
        """
        names = list(self.names(organisation, "approval"))
        if not names:
            raise NotFoundError("KEYS_UNKNOWN", file="*.approval.hex")
        return [ApprovalKey(self.secret(organisation, name, "approval")) for name in names]

    # ---- what there is

    def list(self) -> list[KeyEntry]:
        """Every key of every organisation, without anything secret."""
        return [self._entry(who, *key) for who in self._organisations() for key in self._names(who)]

    def held(self, purpose: str) -> Iterator[tuple[str, str]]:
        """(organisation, name) of the keys of a purpose. None is opened: one that is damaged is named all the same."""
        return ((who, name) for who in self._organisations() for name in self.names(who, purpose))

    def names(self, organisation: str, purpose: str) -> Iterator[str]:
        """Names of the organisation's keys of a purpose, none of which is opened."""
        return (name for name, found in self._names(organisation) if found == purpose)

    def _organisations(self) -> Iterator[str]:
        for folder in sorted(self._root.iterdir()) if self._root.is_dir() else []:
            if folder.is_dir():
                yield folder.name.replace("_", "/")

    def _entry(self, organisation: str, name: str, purpose: str) -> KeyEntry:
        if purpose in _HEX:
            secret = self.secret(organisation, name, purpose)
            mark = sha256(f"zhengyin/key/1/{purpose}/".encode() + secret).digest()
            return KeyEntry(organisation, name, purpose, "hmac-sha256", mark)
        key = self._load(organisation, name, purpose)
        return KeyEntry(organisation, name, purpose, algorithm_of(key), sha256(public_info(key)).digest())

    def _names(self, organisation: str) -> Iterator[tuple[str, str]]:
        folder = self._folder(organisation)
        for file in sorted(folder.iterdir()) if folder.is_dir() else []:
            name, _, rest = file.name.partition(".")
            purpose, _, ending = rest.partition(".")
            if name and ending == ("pem" if purpose in _PEM else "hex" if purpose in _HEX else None):
                yield name, purpose

    def _folder(self, organisation: str) -> Path:
        # a foreign register's number may hold "/", which must not lead to another folder
        return self._root / organisation_id(organisation).replace("/", "_")

    def _path(self, organisation: str, name: str, purpose: str, ending: str) -> Path:
        # the name goes into a path: nothing but letters, digits and hyphens
        if not _NAME.fullmatch(name):
            raise ConfigError("KEYS_NAME", name=name)
        folder = self._folder(organisation)
        for level in (self._root, folder):
            if level.exists():
                private_files.require_private(level)
        return folder / f"{name}.{purpose}.{ending}"

    def _store(self, organisation: str, name: str, purpose: str, key: Any) -> bytes:
        if algorithm_of(key) not in _ALGORITHMS.get(purpose, ()):
            raise ConfigError("KEYS_ALGORITHM", algorithm=algorithm_of(key), purpose=purpose)
        encryption = (
            serialization.BestAvailableEncryption(self._passphrase)
            if self._passphrase
            else serialization.NoEncryption()
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        private_files.write_new(self._path(organisation, name, purpose, "pem"), pem)
        return public_info(key)

    def _load(self, organisation: str, name: str, purpose: str) -> Any:
        pem = private_files.read_private(self._path(organisation, name, purpose, "pem"))
        digest = sha256(pem).digest()
        if digest not in self._loaded:
            self._loaded[digest] = load_pem(pem, self._passphrase, name)
        return self._loaded[digest]
