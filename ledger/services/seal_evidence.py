"""Certificates between, lists and responses for seals, from their authorities: a sealed OFD, a seal and a seal
signature bring none along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.core.bundles import ValidationData
from ledger.crypto.ses.judging import merged
from ledger.crypto.ses.parties import parties_of
from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.ports import RevocationSource
from ledger.verification.sealed import SealedFile, format_named, format_of

MAX_ASKED = 32
"""Certificates whose authorities are asked: a file may name thousands."""


def parties(data: bytes) -> tuple[bytes, ...]:
    """Certificates (DER) on which the seals of a document, a seal or a seal signature rest."""
    form = format_of(data)
    return parties_of(data) if form is None else form.parties(data)


def parties_in(sealed: Iterable[SealedFile]) -> tuple[bytes, ...]:
    """As ``parties``, of files whose format is known."""
    found = (der for one in sealed if one.data is not None for der in format_named(one.format).parties(one.data))
    return tuple(dict.fromkeys(found))


def asked(
    certificates: Sequence[bytes], source: RevocationSource, now: int, known: ValidationData | None = None
) -> ValidationData:
    """``known``, and what the authorities of ``certificates`` give at ``now`` (seconds UTC). An authority that gives
    nothing makes nothing false: what hangs on it stays open."""
    found = [known]
    for certificate in certificates[:MAX_ASKED]:
        try:
            found.append(source.collect([certificate], now, known=known.certificates if known is not None else ()))
        except (UnavailableError, ConfigError, InputError):
            continue
    return merged(*found)
