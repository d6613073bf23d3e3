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
from collections.abc import Callable

from ledger.crypto.certificates import read_certificate
from ledger.errors import ConfigError, ConflictError, InputError
from ledger.outside import pkcs11_keys, pkcs11_uris, private_files
from ledger.outside.held_keys import SECRET_BYTES, HeldKey, HeldKeys
from ledger.outside.issuer_chains import above_among
from ledger.outside.key_files import read_private_key
from ledger.outside.key_folders import HEX_PURPOSES
from ledger.outside.key_material import (
    CERTIFIED,
    DEFAULTS,
    certificate_pem,
    require_algorithm,
    require_purpose,
    signing_request,
)
from ledger.outside.pkcs11_making import make_key
from ledger.outside.remote_keys import RemoteKey, SignerAddress
from ledger.outside.software_keys import SoftwareKey, account_pkcs8
from ledger.ports import Account


class KeyStore(HeldKeys):
    """``HeldKeys``, and how keys come there: made, or brought in. Writing raises ConflictError ``KEYS_EXISTS``; only
    methods with ``token`` in their name ask a device."""

    def create(self, organisation: str, name: str, purpose: str, algorithm: str | None = None) -> bytes:
        """Make a key; returns its SubjectPublicKeyInfo, DER. Algorithms: those of ``software_keys.MAKERS``: for signing
        and service all that ``crypto.algorithms`` has (ecdsa-p256 if not said), for council ed25519, ecdsa-p256 or sm2,
        for account and node secp256k1."""
        key = SoftwareKey.generate(algorithm or DEFAULTS.get(purpose, ""))
        return self._store(organisation, name, purpose, key.spki, key.to_pem(self._passphrase))

    def import_key(
        self,
        organisation: str,
        name: str,
        purpose: str,
        data: bytes,
        password: bytes | None,
        keep: Callable[[tuple[bytes, ...]], None] = lambda above: None,
    ) -> bytes:
        """Take over a private key (PKCS#8, SEC 1, PKCS#1, PKCS#12; PEM or DER), which is stored under this store's own
        passphrase, and of PKCS#12 for signing and service the certificate; returns its SubjectPublicKeyInfo, DER.
        ``keep``: given, before anything is stored, the authorities' certificates of the file that lead up from that.

        Raises:
            InputError: ``KEY_FILE_FORM``, ``KEY_ENCRYPTION``, ``PKCS12_…``; ConfigError: ``KEYS_CERTIFICATE``.
        """
        from ledger.outside.pkcs12 import KeyFile, is_pkcs12, read_pkcs12  # with asn1crypto, which others do not need

        try:
            sealed = is_pkcs12(data)
            file = read_pkcs12(data, password) if sealed else KeyFile(read_private_key(data, password), None, ())
        except InputError as error:
            if error.code == "KEY_PASSPHRASE":
                raise ConfigError("KEYS_PASSPHRASE") from error
            raise
        key = SoftwareKey(file.key)
        require_purpose(purpose, key.spki)
        self._require_free(organisation, name, purpose)
        if file.certificate is not None and file.others and purpose in CERTIFIED:
            keep(above_among(file.certificate, file.others))
        return self._take(organisation, name, purpose, key, file.certificate, key.to_pem(self._passphrase))

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

    def request(self, organisation: str, name: str, organization_name: str, purpose: str = "signing") -> bytes:
        """A certification request (PKCS#10, RFC 2986, DER) for a signing key: what a CA wants to see."""
        return signing_request(self._load(organisation, name, purpose), organisation, organization_name)

    def put_certificate(self, organisation: str, name: str, certificate: bytes, purpose: str = "signing") -> None:
        """Add the certificate (DER) that a CA issued for a signing key; it must hold that key. The same again is no
        change."""
        self._put(organisation, name, purpose, self._load(organisation, name, purpose), certificate)

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
