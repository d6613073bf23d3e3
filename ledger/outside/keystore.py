"""Keys of the organisations one acts for, in files: ``<root>/<organisation>/<name>.<purpose>.pem|hex``.

    signing   the office's CMS key, with its certificate in ``<name>.signing.crt``
    service   a key that signs CMS for other systems and never issues; its certificate in ``<name>.service.crt``
    council   a council member's key for the trust file
    account   a chain account, and
    node      the key of a sealing node: secp256k1
    approval  32 bytes of one releasing source, whose name is the key's name (hex)
    index     32 bytes under which ids are looked up (hex)
    data      a symmetric key that encrypts for other systems: ``data_keys``

A ``pem`` is the key itself (PKCS#8, encrypted where a passphrase is set) or says where it lies: in which token
(PKCS#11), or with which signer. Nothing is ever overwritten: a new key has a new name.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ledger.core.trust_lists import CouncilKey
from ledger.crypto import pem
from ledger.crypto.approvals import ApprovalKey
from ledger.crypto.certificates import read_certificate
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError
from ledger.outside import pkcs11_keys, pkcs11_uris, private_files
from ledger.outside.accounts import AccountKey, make_account
from ledger.outside.data_keys import DataKeys
from ledger.outside.key_files import read_private_key
from ledger.outside.key_folders import DATA, HEX_PURPOSES, KeyFolders
from ledger.outside.key_material import (
    CERTIFIED,
    COUNCIL_ALGORITHMS,
    DEFAULTS,
    algorithm_name,
    certificate_pem,
    require_algorithm,
    require_purpose,
    signing_request,
)
from ledger.outside.pkcs11_keys import Pkcs11Key, Place
from ledger.outside.pkcs11_making import make_key
from ledger.outside.remote_keys import RemoteKey, SignerAddress, is_remote_file, read_remote_file
from ledger.outside.signing_keys import SigningKey
from ledger.outside.software_keys import SoftwareKey, account_pkcs8
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


class KeyStore:
    """The folder ``root``, mode 0700, with a folder for each organisation.

    Every method raises ConfigError ``KEYS_PERMISSIONS``, ``KEYS_NAME``, ``KEYS_PASSPHRASE``, ``KEYS_DAMAGED``
    or ``KEYS_ALGORITHM``; loading raises NotFoundError ``KEYS_UNKNOWN``; writing ConflictError
    ``KEYS_EXISTS``. No method but those with ``token`` in their name asks a device.
    """

    def __init__(self, root: Path, passphrase: bytes | None = None) -> None:
        self._folders = KeyFolders(root)
        self._passphrase = passphrase
        self.data = DataKeys(self._folders, passphrase)
        self._loaded: dict[bytes, HeldKey] = {}  # by the digest of the file: a key of RSA takes a tenth of a second

    def __repr__(self) -> str:
        return f"KeyStore({str(self._folders.root)!r})"

    # ---- keys with a public half: signing, council, account, node

    def create(self, organisation: str, name: str, purpose: str, algorithm: str | None = None) -> bytes:
        """Make a key; returns its SubjectPublicKeyInfo, DER. Algorithms: those of ``software_keys.MAKERS``: for signing
        and service all that ``crypto.algorithms`` has (ecdsa-p256 if not said), for council ed25519, ecdsa-p256 or sm2,
        for account and node secp256k1."""
        key = SoftwareKey.generate(algorithm or DEFAULTS.get(purpose, ""))
        return self._store(organisation, name, purpose, key.spki, key.to_pem(self._passphrase))

    def import_key(self, organisation: str, name: str, purpose: str, data: bytes, password: bytes | None) -> bytes:
        """Take over a private key (PKCS#8, SEC 1, PKCS#1, PKCS#12; PEM or DER), which is stored under this store's own
        passphrase, and of PKCS#12 for signing and service the certificate; returns its SubjectPublicKeyInfo, DER.

        Raises:
            InputError: ``KEY_FILE_FORM``, ``KEY_ENCRYPTION``, ``PKCS12_…``; ConfigError: ``KEYS_CERTIFICATE``.
        """
        from ledger.outside.pkcs12 import is_pkcs12, read_pkcs12  # with asn1crypto, which other acts do not need

        try:
            sealed = is_pkcs12(data)
            pkcs8, certificate = read_pkcs12(data, password) if sealed else (read_private_key(data, password), None)
        except InputError as error:
            if error.code == "KEY_PASSPHRASE":
                raise ConfigError("KEYS_PASSPHRASE") from error
            raise
        key = SoftwareKey(pkcs8)
        return self._take(organisation, name, purpose, key, certificate, key.to_pem(self._passphrase))

    def import_token(
        self, organisation: str, name: str, purpose: str, uri: str, certificate: bytes | None = None
    ) -> bytes:
        """Take over a key that lies in a token, by its PKCS#11 URI (RFC 7512): the key stays there. ``certificate``
        (DER) is that of the token where it holds one.

        Raises:
            InputError: ``PKCS11_URI``, ``PKCS11_URI_PIN``. ConfigError, UnavailableError: ``PKCS11_…``.
        """
        where = pkcs11_uris.KeyUri.parse(uri)
        given = None if certificate is None else read_certificate(certificate).spki
        key, found = pkcs11_keys.open_key(where, given)
        return self._take(organisation, name, purpose, key, certificate or found, where.to_pem(key.spki))

    def create_in_token(self, organisation: str, name: str, purpose: str, uri: str, algorithm: str | None) -> bytes:
        """Make a key in a token and take it over. A crash between leaves it to ``import_token``.

        Raises:
            As ``import_token``; ConflictError ``PKCS11_EXISTS``.
        """
        where, chosen = pkcs11_uris.KeyUri.parse(uri), algorithm or DEFAULTS.get(purpose, "")
        require_algorithm(purpose, chosen)
        self._require_free(organisation, name, purpose)
        make_key(where, chosen)
        return self.import_token(organisation, name, purpose, uri)

    def import_remote(self, organisation: str, name: str, address: SignerAddress, certificate: bytes) -> bytes:
        """As ``import_token`` for a signing key that lies with a signer, which named its ``certificate`` (DER)."""
        spki = read_certificate(certificate).spki
        key = RemoteKey(address, spki)
        return self._take(organisation, name, "signing", key, certificate, address.to_pem(spki))

    def import_account(self, organisation: str, name: str, secret: bytes) -> Account:
        """Take over a chain account by its 32-byte secret."""
        key = SoftwareKey(account_pkcs8(secret))
        self._store(organisation, name, "account", key.spki, key.to_pem(self._passphrase))
        return self.account(organisation, name)

    def public(self, organisation: str, name: str, purpose: str) -> bytes:
        """SubjectPublicKeyInfo, DER, of a key that is there, with or without certificate."""
        return self._load(organisation, name, purpose).spki

    def request(self, organisation: str, name: str, organization_name: str, purpose: str = "signing") -> bytes:
        """A certification request (PKCS#10, RFC 2986, DER) for a signing key: what a CA wants to see."""
        return signing_request(self._load(organisation, name, purpose), organisation, organization_name)

    def put_certificate(self, organisation: str, name: str, certificate: bytes, purpose: str = "signing") -> None:
        """Add the certificate (DER) that a CA issued for a signing key; it must hold that key. The same again is no
        change."""
        self._put(organisation, name, purpose, self._load(organisation, name, purpose), certificate)

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

    # ---- plain secrets: approval, index

    def create_secret(self, organisation: str, name: str, purpose: str) -> bytes:
        """Make 32 random bytes; returns them."""
        return self.import_secret(organisation, name, purpose, secrets.token_bytes(SECRET_BYTES))

    def import_secret(self, organisation: str, name: str, purpose: str, secret: bytes) -> bytes:
        if purpose not in HEX_PURPOSES:
            raise ConfigError("KEYS_ALGORITHM", algorithm="bytes", purpose=purpose)
        if len(secret) != SECRET_BYTES:
            raise ConfigError("KEYS_DAMAGED", name=name)
        private_files.write_new(self._folders.path(organisation, name, purpose, "hex"), secret.hex().encode() + b"\n")
        return secret

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

    def _take(
        self, organisation: str, name: str, purpose: str, key: HeldKey, certificate: bytes | None, data: bytes
    ) -> bytes:
        """The certificate first: a crash leaves one without key, which nobody sees and the same import completes."""
        require_purpose(purpose, key.spki)
        self._require_free(organisation, name, purpose)
        if certificate is not None and purpose in CERTIFIED:
            self._put(organisation, name, purpose, key, certificate)
        return self._store(organisation, name, purpose, key.spki, data)

    def _require_free(self, organisation: str, name: str, purpose: str) -> None:
        path = self._folders.path(organisation, name, purpose, "pem")
        if path.exists():
            raise ConflictError("KEYS_EXISTS", file=path.name)

    def _put(self, organisation: str, name: str, purpose: str, key: HeldKey, certificate: bytes) -> None:
        data = certificate_pem(key.spki, certificate, name)
        path = self._folders.path(organisation, name, purpose, "crt")
        try:
            private_files.write_new(path, data)
        except ConflictError:
            if private_files.read_private(path) != data:
                raise

    def _store(self, organisation: str, name: str, purpose: str, spki: bytes, data: bytes) -> bytes:
        require_purpose(purpose, spki)
        private_files.write_new(self._folders.path(organisation, name, purpose, "pem"), data)
        return spki

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
