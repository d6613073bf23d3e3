"""Documents that a verifier hands in with a bundle: their digests, and the whole of those that can hold seals."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ledger.core.bundles import ValidationData
from ledger.core.records import FileDigest
from ledger.crypto import pem
from ledger.crypto.certificates import read_certificate
from ledger.crypto.digests import digest_stream
from ledger.errors import InputError
from ledger.verification.sealed import PREFIX, SealedFile, format_of, may_be_sealed

MAX_SEAL_DATA = 16 << 20  # bytes of one file; lists of a whole country have some megabytes


def read_documents(paths: Sequence[Path]) -> dict[str, Any]:
    """The members ``documents`` and ``sealed`` of a question.

    Raises:
        InputError: ``DIGEST_FILE`` if a file cannot be read.
    """
    found = [_read(path) for path in paths]
    return {
        "documents": tuple(document for document, _ in found),
        "sealed": tuple(sealed for _, sealed in found if sealed is not None) if found else None,
    }


def _read(path: Path) -> tuple[FileDigest, SealedFile | None]:
    try:
        with path.open("rb") as stream:
            return read_document(stream)
    except OSError as error:
        raise InputError("DIGEST_FILE", file=path.name, reason=error.strerror) from error


def read_document(stream: BinaryIO) -> tuple[FileDigest, SealedFile | None]:
    """Digest of a file from its beginning to its end; what is judged is what was digested, read once."""
    forms = may_be_sealed(stream.read(PREFIX))
    stream.seek(0)
    if not forms:
        return digest_stream(stream), None
    most = max(form.most for form in forms)
    data = stream.read(most + 1)
    if len(data) > most:
        stream.seek(0)
        digest = digest_stream(stream)
        return digest, SealedFile(digest, forms[0].name, None)
    digest, found = digest_stream(io.BytesIO(data)), format_of(data)
    return digest, SealedFile(digest, found.name, data) if found is not None else None


def read_seal_data(files: Sequence[bytes]) -> ValidationData | None:
    """Certificates, CRLs and OCSP responses, PEM or DER, told by their content; ``None`` for no file.

    Raises:
        InputError: ``SEALS_DATA`` something else; ``PEM_BASE64``.
    """
    found: dict[str, set[bytes]] = {"certificates": set(), "crls": set(), "ocsps": set()}
    for data in files:
        parts = [der for _, der in pem.read(data)] if pem.is_pem(data) else [data]
        for der in parts:
            found[_kind(der)].add(der)
        if not parts:
            raise InputError("SEALS_DATA")
    return ValidationData(**{kind: tuple(sorted(ders)) for kind, ders in found.items()}) if files else None


def _kind(der: bytes) -> str:
    from ledger.crypto.crls import read_crl
    from ledger.crypto.ocsp import read_response

    for kind, read in (("certificates", read_certificate), ("crls", read_crl), ("ocsps", read_response)):
        try:
            if read(der) is not None:
                return kind
        except InputError:
            continue
    raise InputError("SEALS_DATA")
