"""Time-stamp tokens and signed samples: verified as this ledger verifies what others made, their signers' paths like
all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.crypto import cms, der
from ledger.crypto.conformance.findings import Entry, Fit, Severity, broken, met
from ledger.crypto.foreign_cms import verify_foreign
from ledger.crypto.timestamps import verify_token
from ledger.crypto.tst_info import over
from ledger.errors import InputError

Signer = tuple[str, bytes]
"""What it signed, and its certificate, DER, which came with that."""


def check_token(entry: Entry, certificates: Sequence[bytes], signers: list[Signer]) -> Iterator[Fit]:
    about = entry.about
    try:
        found = verify_token(_token(entry.der), over(entry.data or b""), certificates)
    except InputError as cause:
        if cause.code == "TIMESTAMP_IMPRINT" and entry.data is None:  # judged last: all else fits
            yield met(about, "CA_TOKEN", True)
            yield met(about, "CA_TOKEN_DATA", False, Severity.MISSING)
        else:
            yield broken(about, "CA_TOKEN", cause)
        return
    yield met(about, "CA_TOKEN", True)
    yield met(about, "CA_TOKEN_DATA", True)
    yield met(about, "CA_TOKEN_ACCURACY", found.info.accuracy is not None, Severity.REMARK)
    signers.append((about, found.certificate))


def _token(data: bytes) -> bytes:
    """The token of a TimeStampResp, or what is one already."""
    try:
        first, *rest = der.read(data, der.SEQUENCE).children()
    except (InputError, ValueError):
        return data
    return rest[0].outer if first.tag == der.SEQUENCE and rest else data


def check_signature(entry: Entry, certificates: Sequence[bytes], signers: list[Signer]) -> Iterator[Fit]:
    about = entry.about
    try:
        found = verify_foreign(entry.der, entry.data, certificates)
    except InputError as cause:
        if cause.code == "CMS_CONTENT_ABSENT":
            yield met(about, "CA_CMS_DATA", False, Severity.MISSING)
        else:
            yield broken(about, "CA_CMS", cause)
        return
    yield met(about, "CA_CMS", True, algorithm=found.algorithm)
    signers.append((about, found.certificate))
    try:
        cms.verify_detached(entry.der, found.content)
    except InputError as cause:
        yield broken(about, "CA_CMS_FORM", cause, Severity.REMARK)
    else:
        yield met(about, "CA_CMS_FORM", True)
