"""A signing key that lies in the signer, a process of its own: where that is asked, and the file that says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qsl, quote

from ledger.crypto import der, pem
from ledger.errors import ConfigError, InputError
from ledger.outside.key_material import algorithm_name, certified_key

LABEL, PUBLIC = "ZHENGYIN SIGNER", "PUBLIC KEY"
MAX_ADDRESS = 2048
_DESCRIPTION = der.write(0x1A, b"zhengyin/signer/1")
_UTF8 = 0x0C
_TLS = re.compile(r"tls://(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):([0-9]{1,5})\?(.{1,1500})")
_FILES = ("server", "certificate", "key")


@dataclass(frozen=True, slots=True)
class TlsPlace:
    """``server``: PEM file with the signer's certificate; ``certificate``, ``key``: PEM files of the ledger's own."""

    host: str
    port: int
    server: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class SignerAddress:
    """``unix:`` and an absolute path; or ``tls://HOST:PORT?server=…&certificate=…&key=…`` with absolute paths."""

    where: Path | TlsPlace

    @classmethod
    def parse(cls, text: str) -> SignerAddress:
        """Raises InputError ``SIGNER_ADDRESS``."""
        if not text.isprintable() or len(text) > MAX_ADDRESS:
            raise InputError("SIGNER_ADDRESS")
        if text.startswith("unix:"):
            return cls(_path(text.removeprefix("unix:")))
        match = _TLS.fullmatch(text)
        if match is None or not 0 < int(match[3]) < 65_536:
            raise InputError("SIGNER_ADDRESS")
        try:
            named = parse_qsl(match[4], strict_parsing=True, errors="strict", max_num_fields=len(_FILES))
        except ValueError as error:
            raise InputError("SIGNER_ADDRESS") from error
        if sorted(name for name, _ in named) != sorted(_FILES):
            raise InputError("SIGNER_ADDRESS")
        files = {name: _path(value) for name, value in named}
        return cls(TlsPlace(match[1] or match[2], int(match[3]), *(files[name] for name in _FILES)))

    def __str__(self) -> str:
        if isinstance(self.where, Path):
            return f"unix:{self.where}"
        files = "&".join(f"{name}={quote(str(getattr(self.where, name)))}" for name in _FILES)
        return f"{self.shown}?{files}"

    @property
    def shown(self) -> str:
        """For people: without the files."""
        if isinstance(self.where, Path):
            return f"unix:{self.where}"
        host = f"[{self.where.host}]" if ":" in self.where.host else self.where.host
        return f"tls://{host}:{self.where.port}"

    def to_pem(self, spki: bytes) -> bytes:
        """The file of a key whose public half is ``spki`` (DER)."""
        held = der.write(der.SEQUENCE, _DESCRIPTION, der.write(_UTF8, str(self).encode()))
        return (pem.write(LABEL, held) + pem.write(PUBLIC, spki)).encode()


class RemoteKey:
    """``ports.PrivateKey`` by its form alone: the signer signs batches that it checked, and no bytes of our choice."""

    __slots__ = ("address", "spki")

    def __init__(self, address: SignerAddress, spki: bytes) -> None:
        self.address, self.spki = address, spki

    def __repr__(self) -> str:
        return f"RemoteKey({algorithm_name(self.spki)}, {self.address.shown})"

    def certified_as(self, spki: bytes) -> RemoteKey:
        """As of ``SoftwareKey``. Raises InputError ``SIGNATURE_KEY``."""
        return RemoteKey(self.address, certified_key(self.spki, spki))

    def sign(self, data: bytes) -> NoReturn:
        """Raises ConfigError ``SIGNER_BATCHES_ONLY``, whatever the ``data``."""
        raise ConfigError("SIGNER_BATCHES_ONLY", address=self.address.shown)


def is_remote_file(data: bytes) -> bool:
    return data.startswith(f"-----BEGIN {LABEL}-----".encode())


def read_remote_file(data: bytes) -> RemoteKey:
    """The key of a file that ``SignerAddress.to_pem`` made. Raises InputError ``SIGNER_ADDRESS``, ``PEM_BASE64``,
    ``DER_…``."""
    blocks = pem.read(data)
    if [label for label, _ in blocks] != [LABEL, PUBLIC]:
        raise InputError("SIGNER_ADDRESS")
    description, address = der.members(der.read(blocks[0][1], der.SEQUENCE), _DESCRIPTION[0], _UTF8)
    if description.outer != _DESCRIPTION:
        raise InputError("SIGNER_ADDRESS")
    try:
        return RemoteKey(SignerAddress.parse(address.content.decode()), blocks[1][1])
    except UnicodeDecodeError as error:
        raise InputError("SIGNER_ADDRESS") from error


def _path(text: str) -> Path:
    if not text.startswith("/") or len(text) > 1024:
        raise InputError("SIGNER_ADDRESS")
    return Path(text)
