"""Where the signer is asked, and who is let in: on a Unix socket by user and group, over TCP by certificates."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ledger.crypto import pem
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, InputError
from ledger.outside.private_files import read_private
from ledger.outside.signing_service.frames import Receive

BACKLOG = 16
HANDSHAKE = 5.0
"""Seconds: until then anyone on the network holds a place."""
PARTING = 1.0
_CREDENTIALS = struct.Struct("3i")
_MAX_FILE = 65_536


class Door(Protocol):
    """``listener``: where to accept; ``address``: as a ledger names it."""

    listener: socket.socket
    address: str

    def admit(self, connection: socket.socket) -> tuple[socket.socket, str]:
        """The connection as it may be used, and who asks. Raises ConfigError ``SIGNER_CLIENT``; OSError."""
        ...

    def close(self) -> None: ...


class UnixDoor:
    """``users``: that may ask, else the signer's own; ``group``: whose members (by their first group) may, too.

    Raises:
        ConfigError: ``SIGNER_BIND`` with the reason, also where another process answers there.
    """

    def __init__(self, path: Path, users: frozenset[int], group: int | None) -> None:
        self._path, self._users, self._group = path, users or frozenset({os.geteuid()}), group
        self.address = f"unix:{path.absolute()}"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)  # nobody else, until it is said who
        try:
            _remove_stale(path)
            self.listener.bind(str(path))
            if group is not None:
                os.chown(path, -1, group)
                path.chmod(0o660)
            self.listener.listen(BACKLOG)
        except OSError as error:
            self.listener.close()
            raise ConfigError("SIGNER_BIND", address=str(path), reason=error.strerror or str(error)) from error
        finally:
            os.umask(before)

    def admit(self, connection: socket.socket) -> tuple[socket.socket, str]:
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, user, group = _CREDENTIALS.unpack(raw)  # as the kernel saw it when the connection was made
        if user not in self._users and (self._group is None or group != self._group):
            raise ConfigError("SIGNER_CLIENT", client=f"uid {user}")
        return connection, f"uid {user}"

    def close(self) -> None:
        self.listener.close()
        self._path.unlink(missing_ok=True)


class TlsDoor:
    """TLS 1.3 alone; ``clients``: the very certificates that may ask. No CA decides: another certificate of the same
    issuer is a stranger.

    Raises:
        ConfigError: ``SIGNER_BIND``, ``SIGNER_TLS_FILES``, ``KEYS_PERMISSIONS``. NotFoundError: ``KEYS_UNKNOWN``.
    """

    def __init__(self, host: str, port: int, certificate: Path, key: Path, clients: Sequence[Path]) -> None:
        self._context = tls_context(ssl.PROTOCOL_TLS_SERVER, certificate, key, clients)
        self._pinned = frozenset(fingerprint(read_pinned(file)) for file in clients)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self.listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except (OSError, OverflowError) as error:
            raise ConfigError("SIGNER_BIND", address=f"{host}:{port}", reason=str(error)) from error
        bound = self.listener.getsockname()[1]
        self.address = f"tls://{f'[{host}]' if ':' in host else host}:{bound}"

    def admit(self, connection: socket.socket) -> tuple[socket.socket, str]:
        connection.settimeout(HANDSHAKE)
        wrapped = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            wrapped.do_handshake()
            found = fingerprint(wrapped.getpeercert(binary_form=True) or b"")
            if found not in self._pinned:
                raise ConfigError("SIGNER_CLIENT", client=f"certificate {found.hex()[:16]}")
        except BaseException:
            part(wrapped)
            wrapped.close()
            raise
        return wrapped, f"certificate {found.hex()[:16]}"

    def close(self) -> None:
        self.listener.close()


def receiver(connection: socket.socket, seconds: float, clock: Callable[[], float] = time.monotonic) -> Receive:
    """Reads from a connection; everything together within ``seconds``. Raises TimeoutError and other OSError."""
    until = clock() + seconds

    def receive(length: int) -> bytes:
        left = until - clock()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        return connection.recv(length)

    return receive


def part(connection: socket.socket) -> None:
    """Say no more, and let the other side finish: closing with bytes unread resets a connection of TCP, and the
    refusal on its way is never read."""
    receive = receiver(connection, PARTING)
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while receive(65_536):
            pass


def tls_context(side: int, certificate: Path, key: Path, pinned: Sequence[Path]) -> ssl.SSLContext:
    """TLS 1.3 with an own certificate, taking from the other side those in ``pinned`` alone, whoever issued them.

    Raises:
        ConfigError: ``SIGNER_TLS_FILES``, ``KEYS_PERMISSIONS``. NotFoundError: ``KEYS_UNKNOWN``.
    """
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the certificate itself is compared, which says more than a name
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a pinned certificate is its own anchor
    read_private(key)
    try:
        context.load_cert_chain(certificate, key, password="")  # else OpenSSL asks on the terminal, and waits
        for file in pinned:
            context.load_verify_locations(cadata=read_pinned(file))
    except OSError as error:  # ssl.SSLError among them, whose words may quote the file
        raise ConfigError("SIGNER_TLS_FILES", file=str(certificate)) from error
    return context


def read_pinned(file: Path) -> bytes:
    """The one certificate (DER) of a PEM file. Raises ConfigError ``SIGNER_TLS_FILES``."""
    try:
        with file.open("rb") as stream:
            ((label, found),) = pem.read(stream.read(_MAX_FILE))
    except (OSError, InputError, ValueError) as error:
        raise ConfigError("SIGNER_TLS_FILES", file=str(file)) from error
    if label != "CERTIFICATE":
        raise ConfigError("SIGNER_TLS_FILES", file=str(file))
    return found


def _remove_stale(path: Path) -> None:
    """The socket of a process that was killed, and nothing else."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return  # bind says what is wrong
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
