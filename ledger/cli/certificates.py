"""X.509 certificates in files, as people hand them over: PEM or DER."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.errors import InputError


def read_certificate_file(path: Path) -> bytes:
    """The certificate, DER.

    Raises:
        InputError: CERTIFICATE_FILE.
    """
    try:
        data = path.read_bytes()
        load = x509.load_pem_x509_certificate if b"-----BEGIN" in data else x509.load_der_x509_certificate
        return load(data).public_bytes(Encoding.DER)
    except (OSError, ValueError) as e:
        raise InputError("CERTIFICATE_FILE", file=path.name) from e
