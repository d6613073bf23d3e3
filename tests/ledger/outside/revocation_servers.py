"""Small authorities, and servers on loopback that answer for them as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import ocsp_kit as kit
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID
from pki_kit import DAY, NOW

HOUR = 3600


def key() -> Any:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authority:
    """A root that issues offices' certificates naming a server of ours."""

    key: Any
    root: bytes
    leaf: bytes
    bare: bytes

    @classmethod
    def make(cls, url: str) -> Authority:
        own = key()
        root = certificate("Root", own.public_key(), "Root", own, True)
        place = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri(url + "ocsp"))
        described = x509.AuthorityInformationAccess([place])
        points = x509.CRLDistributionPoints([x509.DistributionPoint([uri(url + "crl")], None, None, None)])
        leaf = certificate("Office", key().public_key(), "Root", own, False, described, points)
        return cls(own, root, leaf, certificate("Office", key().public_key(), "Root", own, False))

    def response(self, status: bytes = kit.GOOD, taken: int = NOW - 60, until: int | None = NOW + HOUR) -> bytes:
        about = kit.single(self.leaf, self.root, status, taken, until)
        return kit.response(self.root, kit.ecdsa(self.key), about, produced=taken)

    def crl(self, taken: int = NOW - 60, signed_by: Any = None) -> bytes:
        builder = x509.CertificateRevocationListBuilder().issuer_name(_name("Root"))
        builder = builder.last_update(_at(taken)).next_update(_at(taken + DAY))
        return builder.sign(signed_by or self.key, SHA256()).public_bytes(Encoding.DER)


def uri(url: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(url)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, text)])


def _at(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def certificate(
    subject: str, public: Any, issuer: str, signer: Any, ca: bool, *extensions: x509.ExtensionType
) -> bytes:
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer)).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(_at(NOW - DAY))
    builder = builder.not_valid_after(_at(NOW + 30 * DAY)).add_extension(x509.BasicConstraints(ca, None), True)
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    return builder.sign(signer, SHA256()).public_bytes(Encoding.DER)


Answer = Callable[[str, str], tuple[int, bytes, dict[str, str]]]


@dataclass
class Server:
    """Answers by ``answer(method, path)``; ``seen``: what was asked."""

    url: str
    answer: Answer
    seen: list[str] = field(default_factory=list)


@contextmanager
def serving(answer: Answer = lambda method, path: (404, b"", {})) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            served.seen.append(f"{self.command} {self.path}")
            status, body, headers = served.answer(self.command, self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):  # a reader that had enough
                self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Server(f"http://127.0.0.1:{http.server_port}/", answer)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield served
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
