"""A signer as a process of its own, under another user where the tests run as root, and what it is asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[1]
NOBODY = 65534
"""The user that the signer runs as where one may choose."""


def own_user() -> int | None:
    return NOBODY if os.geteuid() == 0 else None


@dataclass
class SignerHome:
    """The signer's own folder: keys, rules, log. ``start`` may be called again after an end."""

    folder: Path
    process: subprocess.Popen[str] | None = None

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def log(self) -> Path:
        return self.folder / "signed.jsonl"

    @property
    def said(self) -> list[dict[str, Any]]:
        """What it told of its questions; they are announced before they are answered."""
        return [json.loads(line) for line in (self.folder / "stderr").read_text("utf-8").splitlines()]

    def write_rules(self, **rules: Any) -> None:
        lines = [f"{name} = {json.dumps(value)}" for name, value in rules.items()]
        (self.folder / "signer.toml").write_text("\n".join(lines), "utf-8")

    def start(self, now: float, *fault: str) -> str:
        """Returns its address."""
        self._give_away()
        command = [sys.executable, "-B", str(ROOT / "tests" / "signer_process.py"), str(self.folder / "signer.toml")]
        with (self.folder / "stderr").open("a") as said:
            self.process = subprocess.Popen(
                [*command, repr(now), str(own_user() or "-"), *fault],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, (self.folder / "stderr").read_text("utf-8")
        return str(json.loads(line)["address"])

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        assert self.process and self.process.stdout
        self.process.send_signal(by)
        code = self.process.wait(30)
        self.process.stdout.close()
        self.process = None
        return code

    def wait(self) -> int:
        """Until it ended by itself."""
        assert self.process and self.process.stdout
        code = self.process.wait(30)
        self.process.stdout.close()
        self.process = None
        return code

    def _give_away(self) -> None:
        user = own_user()
        for path in [self.folder, *self.folder.rglob("*")] if user else []:
            os.chown(path, user, user)  # type: ignore[arg-type]


@contextmanager
def signer_home() -> Iterator[SignerHome]:
    """A folder that another user reaches, which those of pytest are not; its process is ended."""
    folder = Path(tempfile.mkdtemp(prefix="zhengyin-signer-"))
    home = SignerHome(folder)
    try:
        yield home
    finally:
        if home.process is not None:
            home.end(signal.SIGKILL)
        shutil.rmtree(folder)


def tls_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for years around now, and its key: (certificate, key), PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, SHA256())
    )
    certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    secret.touch(0o600)
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, secret


def spoken(path: Path, pieces: Sequence[bytes]) -> bytes:
    """All that a signer on a Unix socket answers to raw bytes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        with suppress(ConnectionResetError):  # it left without having read all
            while piece := connection.recv(65_536):
                found += piece
        return found
