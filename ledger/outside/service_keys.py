"""``ports.crypto.ServiceKeys`` over a key store: of the purposes ``service`` and ``data``, and of no other."""

from __future__ import annotations

from ledger.outside.data_keys import StoredDataKey
from ledger.outside.keystore import KeyStore
from ledger.outside.signing_keys import SigningKey


class ServiceKeyring:
    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def service(self, organisation: str, name: str) -> SigningKey:
        return self._keys.signing(organisation, name, "service")

    def newest_data_key(self, organisation: str, name: str) -> StoredDataKey:
        return self._keys.data.current(organisation, name)

    def data_key(self, organisation: str, name: str, version: int) -> StoredDataKey:
        return self._keys.data.version(organisation, name, version)
