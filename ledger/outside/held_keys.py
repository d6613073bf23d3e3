"""Keys that lie in files, as they are used: opened when first asked for, listed without anything secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ledger.core.trust_lists import CouncilKey
from ledger.crypto import pem
from ledger.crypto.approvals import ApprovalKey
from ledger.crypto.certificates import read_certificate
from ledger.errors import ConfigError, InputError, NotFoundError
from ledger.outside import pkcs11_uris, private_files
from ledger.outside.accounts import AccountKey, make_account
from ledger.outside.data_keys import DataKeys
from ledger.outside.key_files import read_private_key
from ledger.outside.key_folders import DATA, HEX_PURPOSES, KeyFolders
from ledger.outside.key_material import (
    COUNCIL_ALGORITHMS,
    algorithm_name,
    certificate_pem,
)
from ledger.outside.pkcs11_keys import Pkcs11Key, Place
from ledger.outside.remote_keys import RemoteKey, is_remote_file, read_remote_file
from ledger.outside.signing_keys import SigningKey
from ledger.outside.software_keys import SoftwareKey
from ledger.ports import Account, PrivateKey

SECRET_BYTES = 32
FILE, TOKEN, SIGNER = "file", "pkcs11", "signer"
"""Where a key is kept."""

HeldKey = SoftwareKey | Pkcs11Key | RemoteKey
_KEPT: dict[type, str] = {SoftwareKey: FILE, Pkcs11Key: TOKEN, RemoteKey: SIGNER}


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key as it may be shown. ``fingerprint``: SHA-256 of the SubjectPublicKeyInfo; of a secret, a tagged
    digest that tells equal from different and nothing else. ``kept``: ``file``, ``pkcs11`` or ``signer``; ``version``:
    the newest; ``retired``: encrypts no more."""

    organisation: str
    name: str
    purpose: str
    algorithm: str
    fingerprint: bytes
    kept: str = FILE
    version: int = 1
    retired: bool = False


class HeldKeys:
    """The folder ``root``, mode 0700, with a folder for each organisation (``keystore``).

    Every method raises ConfigError ``KEYS_PERMISSIONS``, ``KEYS_NAME``, ``KEYS_PASSPHRASE``, ``KEYS_DAMAGED`` or
    ``KEYS_ALGORITHM``; loading raises NotFoundError ``KEYS_UNKNOWN``. No method asks a device.
    """

    def __init__(self, root: Path, passphrase: bytes | None = None) -> None:
        self._folders = KeyFolders(root)
        self._passphrase = passphrase
        self.data = DataKeys(self._folders, passphrase)
        self._loaded: dict[bytes, HeldKey] = {}  # by the digest of the file: a key of RSA takes a tenth of a second

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._folders.root)!r})"

    def public(self, organisation: str, name: str, purpose: str) -> bytes:
        """SubjectPublicKeyInfo, DER, of a key that is there, with or without certificate."""
        return self._load(organisation, name, purpose).spki

    def certificate(self, organisation: str, name: str, purpose: str = "signing") -> bytes:
        """The certificate (DER) of a signing key, which is not opened."""
        data = private_files.read_private(self._folders.path(organisation, name, purpose, "crt"))
        try:
            ((_, found),) = pem.read(data)
        except (InputError, ValueError) as error:
            raise ConfigError("KEYS_DAMAGED", name=name) from error
        return found

    def signing(self, organisation: str, name: str, purpose: str = "signing") -> SigningKey:
        key = self._load(organisation, name, purpose)
        certificate = self.certificate(organisation, name, purpose)
        certificate_pem(key.spki, certificate, name)
        return SigningKey(key.certified_as(read_certificate(certificate).spki), certificate)

    def account(self, organisation: str, name: str) -> Account:
        return make_account(self._secret(organisation, name, "account"))

    def node(self, organisation: str, name: str) -> AccountKey:
        """The key of a sealing node."""
        return AccountKey(self._secret(organisation, name, "node"))

    def council(self, organisation: str, name: str) -> tuple[CouncilKey, PrivateKey]:
        """The key as the trust file lists it (its name is its id), and the private key."""
        key = self._load(organisation, name, "council")
        algorithm = COUNCIL_ALGORITHMS.get(algorithm_name(key.spki))
        if algorithm is None:
            raise ConfigError("KEYS_DAMAGED", name=name)
        return CouncilKey(name, algorithm, key.spki), key

    def secret(self, organisation: str, name: str, purpose: str) -> bytes:
        try:
            text = private_files.read_private(self._folders.path(organisation, name, purpose, "hex")).decode("ascii")
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
        return [self._entry(who, *key) for who in self._folders.organisations() for key in self._folders.names(who)]

    def held(self, purpose: str) -> Iterator[tuple[str, str]]:
        """(organisation, name) of the keys of a purpose. None is opened: one that is damaged is named all the same."""
        return ((who, name) for who in self._folders.organisations() for name in self.names(who, purpose))

    def names(self, organisation: str, purpose: str) -> Iterator[str]:
        """Names of the organisation's keys of a purpose, none of which is opened."""
        return (name for name, found in self._folders.names(organisation) if found == purpose)

    def _entry(self, organisation: str, name: str, purpose: str) -> KeyEntry:
        if purpose == DATA:
            state = self.data.state(organisation, name)
            return KeyEntry(
                organisation, name, purpose, state.algorithm, state.mark, FILE, state.version, state.retired
            )
        if purpose in HEX_PURPOSES:
            secret = self.secret(organisation, name, purpose)
            mark = sha256(f"zhengyin/key/1/{purpose}/".encode() + secret).digest()
            return KeyEntry(organisation, name, purpose, "hmac-sha256", mark)
        key = self._load(organisation, name, purpose)
        fingerprint = sha256(key.spki).digest()
        return KeyEntry(organisation, name, purpose, algorithm_name(key.spki), fingerprint, _KEPT[type(key)])

    # ---- files

    def _secret(self, organisation: str, name: str, purpose: str) -> bytes:
        key = self._load(organisation, name, purpose)
        if not isinstance(key, SoftwareKey) or algorithm_name(key.spki) != "secp256k1":
            raise ConfigError("KEYS_DAMAGED", name=name)
        return key.reveal()

    def _load(self, organisation: str, name: str, purpose: str) -> HeldKey:
        data = private_files.read_private(self._folders.path(organisation, name, purpose, "pem"))
        digest = sha256(data).digest()
        if digest not in self._loaded:
            try:
                self._loaded[digest] = self._open(data)
            except InputError as error:
                code = "KEYS_PASSPHRASE" if error.code == "KEY_PASSPHRASE" else "KEYS_DAMAGED"
                raise ConfigError(code, name=name) from error
        return self._loaded[digest]

    def _open(self, data: bytes) -> HeldKey:
        if pkcs11_uris.is_pkcs11_file(data):
            where, spki = pkcs11_uris.read_pkcs11_file(data)
            return Pkcs11Key(Place(where), spki)
        if is_remote_file(data):
            return read_remote_file(data)
        return SoftwareKey(read_private_key(data, self._passphrase))
