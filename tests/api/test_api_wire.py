"""The wire to the service: TLS by a certificate that the client verifies, a named proxy, and nobody else's word."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from api_kit import Office, running
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from ledger_world import OFFICE_A, ROOT, World

from api.app import create_app
from ledger.services.access import ACTIONS

SECONDS = 120
NUMBER = {"id": "1.2.3"}


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey, ca: bool
) -> bytes:
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), False)
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return builder.sign(by, SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A CA's certificate; beside it those of a server, and its key."""
    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "ca.pem").write_bytes(certificate("CA (TEST)", root, "CA (TEST)", root, ca=True))
    (tmp_path / "server.pem").write_bytes(certificate("server", own, "CA (TEST)", root, ca=False))
    key = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "server.key").write_bytes(key)
    return tmp_path / "ca.pem"


@pytest.fixture
def served(world: World, authority: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """`serve` on every address of this machine, by TLS: (process, port, token)."""
    _, token = world.app.access.add("", [OFFICE_A], ACTIONS, 300_000_000)
    world.close()
    with (world.home / "zhengyin.toml").open("a", encoding="utf-8") as settings:
        folder = authority.parent
        settings.write(f'bind = "0.0.0.0"\ntls_certificate = "{folder}/server.pem"\ntls_key = "{folder}/server.key"\n')
    command = [sys.executable, "-m", "ledger.cli", "--home", str(world.home), "serve", "--port", "0", "--no-worker"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ZHENGYIN_")} | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    assert "https://0.0.0.0:" in said, process.communicate()[1]
    yield process, int(said.rpartition(":")[2].split("/")[0]), token
    process.kill()
    process.communicate()


def test_tls_from_end_to_end(served: tuple[subprocess.Popen[str], int, str], authority: Path) -> None:
    process, port, token = served
    trusting = ssl.create_default_context(cafile=str(authority))
    for host in ("localhost", "127.0.0.1"):
        with httpx.Client(base_url=f"https://{host}:{port}", verify=trusting, timeout=SECONDS) as client:
            answer = client.get(f"/v1/records?issuer={OFFICE_A}", headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["items"]) == (200, [])
            assert "max-age=" in answer.headers["strict-transport-security"]
            assert client.get("/v1/records").status_code == 401
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://127.0.0.1:{port}/healthz", timeout=SECONDS)
    with pytest.raises(httpx.RemoteProtocolError):  # plain HTTP gets no answer, and no hint of what is behind
        httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=SECONDS)
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(b"\x16\x03\x01\xff\xff" + b"\x00" * 100)  # a ClientHello that is none
        assert len(connection.recv(1000)) < 20  # an alert at most
    with httpx.Client(base_url=f"https://localhost:{port}", verify=trusting, timeout=SECONDS) as client:
        assert client.get("/healthz").status_code == 200  # what others did has hurt nobody
    process.terminate()
    assert process.communicate(timeout=SECONDS)[1] == ""


def asked(address: tuple[str, int], source: str, forwarded: str | None) -> int:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source), timeout=SECONDS) as client:
        url = f"http://{address[0]}:{address[1]}/v1/verifications/number"
        return client.post(url, json=NUMBER, headers=headers).status_code


def test_behind_a_named_proxy_callers_are_told_apart_and_nobody_else_may_name_them(office: Office) -> None:
    app = office.world.app
    app.settings = app.settings.model_copy(update={"trusted_proxy": "127.0.0.2", "public_rate": 2})
    with running(create_app(app)) as address:
        for caller in ("203.0.113.1", "203.0.113.2", "2001:db8::1"):
            assert [asked(address, "127.0.0.2", caller) for _ in range(3)] == [200, 200, 429]
        # the caller's own words before the proxy's last entry change nothing
        assert asked(address, "127.0.0.2", "198.51.100.1, 203.0.113.1") == 429
        # another address is no proxy: whatever it claims, it counts as itself
        assert [asked(address, "127.0.0.3", f"203.0.113.{n}") for n in range(5, 8)] == [200, 200, 429]
        assert asked(address, "127.0.0.4", "203.0.113.1") == 200


def test_figures_are_for_clients_of_this_machine_and_not_for_what_a_proxy_passes_on(office: Office) -> None:
    app = office.world.app
    app.settings = app.settings.model_copy(update={"trusted_proxy": "127.0.0.1"})
    with running(create_app(app)) as (host, port), httpx.Client(base_url=f"http://{host}:{port}") as client:
        assert client.get("/metrics").status_code == 200
        for name_ in ("X-Forwarded-For", "Forwarded"):
            assert client.get("/metrics", headers={name_: "203.0.113.1"}).status_code == 401
