"""One X.509 certificate in a file, as people hand it over."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from ledger.crypto.certificate_files import MAX_BYTES, leaf_first, read_certificates
from ledger.errors import InputError


def read_certificate_file(path: Path) -> bytes:
    """The certificate, DER; of several that are a chain the one that issued none of the others.

    Raises:
        InputError: CERTIFICATE_FILE.
    """
    try:
        with path.open("rb") as stream:
            found = leaf_first(read_certificates(stream.read(MAX_BYTES + 1)))[0]
        x509.load_der_x509_certificate(found)  # which reads all of it
        return found
    except (OSError, ValueError, InputError) as e:
        raise InputError("CERTIFICATE_FILE", file=path.name) from e
