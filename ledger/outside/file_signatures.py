"""Detached signatures over files: CAdES-B-B, B-T and B-LT (ETSI EN 319 122-1 clause 6).

Unlike a batch's signature, which has one form and its proofs beside it, what a file has must travel in one piece: the
path to the root (clause 5.1: the full one should be there), the token as its authority wrote it, and in B-LT all that a
verifier without a network needs, in certificates and crls of SignedData (clause 6.3; OCSP responses as RFC 5940 wants
them).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.core.bundles import ValidationData
from ledger.crypto import cms
from ledger.crypto.foreign_cms import ForeignSignature, verify_foreign
from ledger.crypto.service_cms import digest_for
from ledger.crypto.signed_data import MAX_BYTES, revocation_choices
from ledger.crypto.timestamps import TimestampToken, over, verify_token
from ledger.errors import ConfigError, InputError
from ledger.outside.signing_keys import SigningKey
from ledger.ports import TimestampAuthority


@dataclass(frozen=True, slots=True)
class FileSignature:
    """``cms``: DER; ``found``: what it says; ``time``: of the time-stamp, seconds UTC, or ``None``."""

    cms: bytes
    found: ForeignSignature
    time: int | None


Collect = Callable[[Sequence[bytes], Sequence[bytes]], ValidationData]
"""Certificates (DER) that are relied on, and others at hand → what proves them."""


def sign_detached(
    key: SigningKey,
    content: bytes,
    now: int,
    authority: TimestampAuthority | None = None,
    collect: Collect | None = None,
    above: Sequence[bytes] = (),
) -> FileSignature:
    """A detached CMS over ``content``: B-B, with ``authority`` B-T, with ``collect`` besides B-LT. ``now``: the time it
    claims, seconds UTC; ``above``: certificates (DER) between the signer's and its root, which B-B and B-T enclose.

    Raises:
        ConfigError: ``TIMESTAMP_NO_AUTHORITY`` for ``collect`` alone.
        InputError: ``CMS_LONG_TERM_SIZE`` what proves the certificates is more than a signature may have.
        ConfigError, UnavailableError: as ``SigningKey.sign_parts``, and from the authority and ``collect``.
    """
    attributes, signature = key.sign_parts(content, now)
    token = None if authority is None else _stamped(key, signature, authority)
    known = ValidationData(tuple(above), (), ())
    if collect is not None:
        if token is None:
            raise ConfigError("TIMESTAMP_NO_AUTHORITY")
        known = collect((key.certificate, token.certificate), token.certificates)
    others = [other for other in known.certificates if other != key.certificate]
    received = None if token is None else token.received
    revocation = revocation_choices(known.crls, known.ocsps)
    made = cms.assemble(key.certificate, attributes, signature, received, others, revocation)
    if len(made) > MAX_BYTES:
        raise InputError("CMS_LONG_TERM_SIZE", size=len(made), limit=MAX_BYTES)
    return FileSignature(made, verify_foreign(made, content), None if token is None else token.time)


def _stamped(key: SigningKey, signature: bytes, authority: TimestampAuthority) -> TimestampToken:
    digest = "sm3" if digest_for(key.certificate) == "sm3" else "sha256"
    return verify_token(authority.stamp(signature, digest), over(signature))
