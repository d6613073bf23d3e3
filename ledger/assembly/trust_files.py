"""Reading a trust file with nothing loaded that a verifier offline does not need."""

from __future__ import annotations

from pathlib import Path

from ledger.core.trust import TrustFile
from ledger.crypto.trust_signatures import verify_trust_file
from ledger.errors import NotFoundError


def read_trust_file(path: Path) -> TrustFile:
    """A self-consistent trust file: canonical, and signed by a threshold of the keys it lists.

    Raises:
        InputError: SHAPE_…, CANONICAL_…, TRUST_…. NotFoundError: TRUST_FILE_MISSING.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        raise NotFoundError("TRUST_FILE_MISSING", file=str(path)) from e
    found = TrustFile.from_bytes(data)
    verify_trust_file(found, None, None)
    return found
