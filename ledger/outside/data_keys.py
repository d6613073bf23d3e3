"""Symmetric keys that encrypt for other systems: ``<name>.data.<version>.pem``, versions from 1 without a gap.

    rotating   adds a version; the newest encrypts, all decrypt
    retiring   adds ``<name>.data.retired``: nothing is encrypted any more

Nothing is overwritten but ``<name>.data.<version>.uses``, how often the version may have encrypted: nonces are random,
so one key is for at most 2^32 envelopes (NIST SP 800-38D section 8.3). Uses are taken in blocks, which a process that
ends early throws away: the number may be too high, never too low. Of a key from a backup it is not known, nor whether
the key was retired since: it encrypts nothing before it is rotated.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from ledger.crypto import der, envelopes, pem
from ledger.crypto.sealed_keys import open_key, seal_key
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError, UnavailableError
from ledger.outside import private_files
from ledger.outside.key_folders import DATA, KeyFolders

MAX_USES = 1 << 32
BLOCK = 1 << 16
LABEL, SEALED_LABEL = "DATA KEY", "ENCRYPTED DATA KEY"
RETIRED = "retired"
UNKNOWN = b"unknown\n"
"""Uses of a version that came out of a backup."""
_UTF8 = 0x0C


@dataclass(frozen=True, slots=True)
class DataKeyState:
    """The newest version, as it may be shown. ``mark``: tagged digest that tells equal from different."""

    algorithm: str
    version: int
    retired: bool
    mark: bytes


class UseCounter:
    """How often each version has encrypted, over all processes of this machine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[Path, int] = {}

    def take(self, path: Path) -> None:
        """Raises ConflictError ``KEYS_USED_UP``, ``KEYS_RESTORED``; UnavailableError ``KEYS_USES`` where the file
        cannot be written."""
        with self._lock:
            left = self._left.get(path, 0) or _take_block(path)
            self._left[path] = left - 1


def _take_block(path: Path) -> int:
    try:
        with _locked(path.parent):
            used = _used(path)
            if used + BLOCK > MAX_USES:
                raise ConflictError("KEYS_USED_UP", limit=MAX_USES)
            private_files.replace(path, f"{used + BLOCK}\n".encode())
    except OSError as error:
        raise UnavailableError("KEYS_USES", file=path.name, reason=error.strerror) from error
    return BLOCK


def _used(path: Path) -> int:
    try:
        text = private_files.read_private(path).decode("ascii")
        if text == UNKNOWN.decode():
            raise ConflictError("KEYS_RESTORED", name=path.name.partition(".")[0])
    except NotFoundError:
        return 0
    except ValueError as error:
        raise ConfigError("KEYS_DAMAGED", name=path.name) from error
    if not text.strip().isdecimal():  # an unknown number of uses is not none
        raise ConfigError("KEYS_DAMAGED", name=path.name)
    return int(text)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class StoredDataKey:
    """``ports.crypto.DataKey``. It neither shows, compares nor pickles its secret."""

    __slots__ = ("_secret", "_uses", "_uses_file", "algorithm", "version")

    def __init__(self, algorithm: str, version: int, secret: bytes, uses: UseCounter, uses_file: Path) -> None:
        self.algorithm = algorithm
        self.version = version
        self._secret = secret
        self._uses = uses
        self._uses_file = uses_file

    def __repr__(self) -> str:
        return f"StoredDataKey({self.algorithm}, {self.version})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a data key is not pickled")

    def mark(self) -> bytes:
        return sha256(b"zhengyin/key/1/data/" + self._secret).digest()

    def encrypt(self, plaintext: bytes, associated: bytes) -> bytes:
        """A use is taken before the nonce is drawn: a crash between loses the use alone."""
        self._uses.take(self._uses_file)
        return envelopes.encrypt(self.algorithm, self._secret, plaintext, associated)

    def decrypt(self, envelope: bytes, associated: bytes) -> bytes:
        return envelopes.decrypt(self.algorithm, self._secret, envelope, associated)


class DataKeys:
    """Every method raises ConfigError ``KEYS_PERMISSIONS``, ``KEYS_NAME``, ``KEYS_PASSPHRASE``, ``KEYS_DAMAGED``; all
    but ``create`` NotFoundError ``KEYS_UNKNOWN``."""

    def __init__(self, folders: KeyFolders, passphrase: bytes | None) -> None:
        self._folders = folders
        self._passphrase = passphrase
        self._uses = UseCounter()
        self._opened: dict[bytes, tuple[str, bytes]] = {}  # by the digest of the file, as in `held_keys`

    def __repr__(self) -> str:
        return f"DataKeys({str(self._folders.root)!r})"

    def create(self, organisation: str, name: str, algorithm: str) -> None:
        """Make version 1; ``algorithm`` of ``envelopes.ENCRYPTIONS``.

        Raises:
            ConfigError: ``KEYS_ALGORITHM``. ConflictError: ``KEYS_EXISTS``.
        """
        if algorithm not in envelopes.ENCRYPTIONS:
            raise ConfigError("KEYS_ALGORITHM", algorithm=algorithm, purpose=DATA)
        self._write(organisation, name, 1, algorithm)

    def rotate(self, organisation: str, name: str) -> int:
        """Make the next version and return its number; what is under earlier ones stays readable.

        Raises:
            ConflictError: ``KEYS_RETIRED``; ``KEYS_EXISTS`` where somebody else rotates at this moment.
        """
        self._require_current(organisation, name)
        newest = self.newest(organisation, name)
        self._write(organisation, name, newest + 1, self.version(organisation, name, newest).algorithm)
        return newest + 1

    def retire(self, organisation: str, name: str) -> None:
        """From now on the key decrypts only; the same again is no change."""
        self.newest(organisation, name)
        if not self._retired(organisation, name):
            private_files.write_new(self._path(organisation, name, RETIRED), b"")

    def forget_uses(self) -> int:
        """Have every key here encrypt no more until it is rotated: they came out of a backup. Returns how many
        there are that are not retired."""
        count = 0
        for organisation in self._folders.organisations():
            for name in [name for name, purpose in self._folders.names(organisation) if purpose == DATA]:
                if self._retired(organisation, name):
                    continue
                newest = self.newest(organisation, name)
                private_files.replace(self._path(organisation, name, f"{newest}.uses"), UNKNOWN)
                count += 1
        return count

    def newest(self, organisation: str, name: str) -> int:
        found = 0
        while self._path(organisation, name, f"{found + 1}.pem").exists():
            found += 1
        if not found:
            raise NotFoundError("KEYS_UNKNOWN", file=f"{name}.data.1.pem")
        return found

    def current(self, organisation: str, name: str) -> StoredDataKey:
        """The version that encrypts. Raises ConflictError ``KEYS_RETIRED``."""
        newest = self.newest(organisation, name)
        self._require_current(organisation, name)
        return self.version(organisation, name, newest)

    def version(self, organisation: str, name: str, version: int) -> StoredDataKey:
        data = private_files.read_private(self._path(organisation, name, f"{version}.pem"))
        digest = sha256(data).digest()
        if digest not in self._opened:
            self._opened[digest] = self._open(data, name)
        uses_file = self._path(organisation, name, f"{version}.uses")
        return StoredDataKey(self._opened[digest][0], version, self._opened[digest][1], self._uses, uses_file)

    def state(self, organisation: str, name: str) -> DataKeyState:
        key = self.version(organisation, name, self.newest(organisation, name))
        return DataKeyState(key.algorithm, key.version, self._retired(organisation, name), key.mark())

    def _require_current(self, organisation: str, name: str) -> None:
        if self._retired(organisation, name):
            raise ConflictError("KEYS_RETIRED", name=name)

    def _retired(self, organisation: str, name: str) -> bool:
        return self._path(organisation, name, RETIRED).exists()

    def _path(self, organisation: str, name: str, ending: str) -> Path:
        return self._folders.path(organisation, name, DATA, ending)

    def _write(self, organisation: str, name: str, version: int, algorithm: str) -> None:
        secret = secrets.token_bytes(envelopes.ENCRYPTIONS[algorithm].key_bytes)
        plain = der.write(der.SEQUENCE, der.write(_UTF8, algorithm.encode()), der.write(der.OCTET_STRING, secret))
        if self._passphrase is None:
            text = pem.write(LABEL, plain)
        else:
            text = pem.write(SEALED_LABEL, seal_key(plain, self._passphrase))
        private_files.write_new(self._path(organisation, name, f"{version}.pem"), text.encode())

    def _open(self, data: bytes, name: str) -> tuple[str, bytes]:
        """Algorithm and secret. No error has a cause: what was read is a secret."""
        try:
            ((label, found),) = pem.read(data)
            if label == SEALED_LABEL:
                if self._passphrase is None:
                    raise InputError("KEY_PASSPHRASE")
                found = open_key(found, self._passphrase)
            word, secret = der.members(der.read(found, der.SEQUENCE), _UTF8, der.OCTET_STRING)
            algorithm = word.content.decode("ascii")
            if len(secret.content) != envelopes.ENCRYPTIONS[algorithm].key_bytes:
                raise InputError("DER_SHAPE")
        except InputError as error:
            code = "KEYS_PASSPHRASE" if error.code == "KEY_PASSPHRASE" else "KEYS_DAMAGED"
            raise ConfigError(code, name=name) from None
        except (ValueError, KeyError):
            raise ConfigError("KEYS_DAMAGED", name=name) from None
        return algorithm, secret.content
