"""A time-stamp authority of the tests: tokens and answers by any key, honest or not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ledger.crypto import der
from ledger.crypto.algorithms import algorithm_of, sign_raw
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.signed_data import DIGESTS, GM_SIGNED_DATA, NULL, SIGNED_DATA, digest_of

TST_INFO = der.write_oid("1.2.840.113549.1.9.16.1.4")
ESS_V1 = der.write_oid("1.2.840.113549.1.9.16.2.12")
ESS_V2 = der.write_oid("1.2.840.113549.1.9.16.2.47")
POLICY = "1.3.6.1.4.1.99999.1"
TRUE, FALSE = b"\x01\x01\xff", b"\x01\x01\x00"


def integer(value: int) -> bytes:
    return der.write(der.INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def attribute(oid: bytes, *values: bytes) -> bytes:
    return der.write(der.SEQUENCE, oid, der.write(der.SET, *values))


def generalized(instant: int, fraction: str = "") -> bytes:
    text = f"{datetime.fromtimestamp(instant, UTC):%Y%m%d%H%M%S}{fraction}Z"
    return der.write(der.GENERALIZED_TIME, text.encode())


def tst_info(
    imprint: bytes,
    time: int,
    digest: str = "sha256",
    nonce: int | None = None,
    policy: str = POLICY,
    accuracy: bytes | None = der.write(der.SEQUENCE, integer(1)),
    fraction: str = "",
    rest: bytes = b"",
    version: int = 1,
) -> bytes:
    algorithm = der.write(der.SEQUENCE, der.write_oid(DIGESTS[digest][0]), NULL)
    return der.write(
        der.SEQUENCE,
        integer(version),
        der.write_oid(policy),
        der.write(der.SEQUENCE, algorithm, der.write(der.OCTET_STRING, imprint)),
        integer(4711),
        generalized(time, fraction),
        accuracy or b"",
        b"" if nonce is None else integer(nonce),
        rest,
    )


def ess_v2(certificate: bytes) -> bytes:
    identifier = der.write(der.SEQUENCE, der.write(der.OCTET_STRING, fingerprint(certificate)))
    return attribute(ESS_V2, der.write(der.SEQUENCE, der.write(der.SEQUENCE, identifier)))


@dataclass
class Tsa:
    """``how``: what ``token`` does otherwise than an honest authority."""

    key: Any
    certificate: bytes
    how: dict[str, Any] = field(default_factory=dict)
    policy: str = POLICY
    publish: Callable[..., None] = lambda at, *revoked: None  # a new list of its root, taken then

    def stamp(self, data: bytes, time: int, digest: str = "sha256", **info: Any) -> bytes:
        """A token over ``data``."""
        return self.token(tst_info(digest_of(digest, data), time, digest, **{"policy": self.policy, **info}))

    def token(self, info: bytes) -> bytes:
        how, parts = self.how, read_certificate(self.certificate)
        algorithm = algorithm_of(parts.spki)
        digest = how.get("digest", algorithm.digest.identifier)
        attributes = how.get("attributes") or [
            attribute(der.write_oid("1.2.840.113549.1.9.3"), how.get("stated_type", TST_INFO)),
            attribute(
                der.write_oid("1.2.840.113549.1.9.4"),
                der.write(der.OCTET_STRING, how.get("hash", algorithm.digest.of)(info)),
            ),
            *how.get("named", [ess_v2(self.certificate)]),
        ]
        signed, sign = der.write_set(*attributes), how.get("sign", lambda d: sign_raw(self.key, d, parts.spki))
        signer = der.write(
            der.SEQUENCE,
            integer(1),
            how.get("signer", der.write(der.SEQUENCE, parts.issuer, parts.serial)),
            digest,
            b"" if how.get("bare") else der.write(0xA0, der.read(signed, der.SET).content),
            how.get("algorithm", algorithm.identifier),
            der.write(der.OCTET_STRING, sign(info if how.get("bare") else signed)),
            how.get("unsigned", b""),
        )
        certificates = how.get("certificates", [self.certificate])
        whole = der.write(
            der.SEQUENCE,
            integer(how.get("version", 3)),
            der.write(der.SET, digest),
            der.write(
                der.SEQUENCE,
                how.get("content_type", TST_INFO),
                b"" if how.get("detached") else der.write(0xA0, der.write(der.OCTET_STRING, info)),
            ),
            der.write(0xA0, *certificates) if certificates else b"",
            how.get("crls", b""),
            der.write(der.SET, *how.get("signers", [signer])),
        )
        return der.write(
            der.SEQUENCE, GM_SIGNED_DATA if how.get("gm") else SIGNED_DATA, der.write(0xA0, whole)
        ) + how.get("behind", b"")

    def answer(self, request: bytes, time: int, **changes: Any) -> bytes:
        """TimeStampResp to a request."""
        fields = der.read(request, der.SEQUENCE).children()
        algorithm, imprint = fields[1].children()
        nonce = next(int.from_bytes(f.content, "big") for f in fields[2:] if f.tag == der.INTEGER)
        name = next(n for n, (dotted, _) in DIGESTS.items() if der.write_oid(dotted) == algorithm.children()[0].outer)
        made = {"nonce": nonce, "imprint": imprint.content, "policy": self.policy, "digest": name, **changes}
        return granted(self.token(tst_info(made.pop("imprint"), time, made.pop("digest"), **made)))


def granted(token: bytes, status: int = 0) -> bytes:
    return der.write(der.SEQUENCE, der.write(der.SEQUENCE, integer(status)), token)


def rejected(*bits: int, status: int = 2, text: bytes = b"\x0c\x02no") -> bytes:
    """A refusal with bits of PKIFailureInfo."""
    value = sum(1 << (31 - bit) for bit in bits).to_bytes(4, "big")
    return der.write(
        der.SEQUENCE,
        der.write(
            der.SEQUENCE, integer(status), der.write(der.SEQUENCE, text), der.write(der.BIT_STRING, b"\0", value)
        ),
    )


# ---- with a hierarchy of its own, and over HTTP


def make_tsa(now: int, folder: Path | None = None) -> tuple[Tsa, bytes]:
    """An authority for time-stamps below a root, and that root, DER; its certificates and an empty list of a month are
    written to ``folder`` as a data folder's ``authorities/`` has them."""
    top, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=1)

    def certificate(name: str, public: Any, *extensions: Any) -> bytes:
        builder = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name("TSA root")).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=1000))
        for extension in extensions:
            builder = builder.add_extension(extension, True)
        return builder.sign(top, SHA256()).public_bytes(Encoding.DER)

    root = certificate(
        "TSA root", top.public_key(), x509.BasicConstraints(True, None), _usage("key_cert_sign", "crl_sign")
    )
    stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    made = certificate("TSA", key.public_key(), _usage("digital_signature"), stamping)

    def put(name: str, data: bytes) -> None:
        if folder is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    def publish(at: int, *revoked: bytes) -> None:
        taken = datetime.fromtimestamp(at, UTC)
        crl = x509.CertificateRevocationListBuilder().issuer_name(_name("TSA root"))
        crl = crl.last_update(taken).next_update(taken + timedelta(days=30))
        for certificate in revoked:
            serial = x509.load_der_x509_certificate(certificate).serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(taken)
            crl = crl.add_revoked_certificate(entry.build())
        put("crls/root.crl", crl.sign(top, SHA256()).public_bytes(Encoding.DER))

    put("certificates/root.der", root)
    publish(now - 3600)
    return Tsa(key, made, publish=publish), root


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])


def _usage(*names: str) -> x509.KeyUsage:
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    every += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{n: n in names for n in every})


class Server:
    """An authority on loopback. ``answer``: what requests get, or a ConnectionError to end the connection without one;
    ``seen``: media type and body of each."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer, self.status, self.seen = answer, 200, list[tuple[str, bytes]]()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.seen.append((self.headers["Content-Type"], body))
                try:
                    answer = server.answer(body)
                except ConnectionError:
                    return
                self.send_response(server.status)
                self.end_headers()
                for at in range(0, len(answer), 4096):
                    self.wfile.write(answer[at : at + 4096])

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}/tsa?key=secret"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
