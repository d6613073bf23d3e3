"""Certificate paths to an authority of the trust file, as of a moment in the past (RFC 5280 section 6).

Candidates are found here within a fixed budget, since a hostile set of cross-certificates has factorially
many paths; each candidate is judged by pyhanko-certvalidator without any fetching. Revocation is judged in
``revocation``.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm

from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import InputError, ZhengyinError

MAX_LENGTH = 8  # certificates in a path, anchor included
MAX_STEPS = 64  # certificates looked at while searching
RSA_LEAST_BITS = 2048
_SIGNING_USAGES = {"digital_signature", "non_repudiation"}
_MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class CertificatePath:
    """``certificates``: DER, leaf first, anchor last. ``unused``: supplied certificates that are not in the
    path."""

    certificates: tuple[bytes, ...]
    anchor_sha256: bytes
    unused: tuple[bytes, ...]


def build_path(leaf: bytes, others: Sequence[bytes], anchors: Sequence[bytes], moment: int) -> CertificatePath:
    """The path of ``leaf`` over some of ``others`` to one of ``anchors`` (DER each) at ``moment`` (seconds
    UTC).

    The anchor's own validity is not judged (RFC 5280 section 6.1.1 d): the trust file dates its authorities.

    Raises:
        InputError: ``PATH_NO_ANCHORS`` for no anchor at all; ``PATH_NONE`` no chain to an anchor;
            ``PATH_LEAF_IS_ANCHOR`` the signing certificate is itself an authority's; ``PATH_EXPIRED``,
            ``PATH_NOT_YET_VALID`` with the date; ``PATH_SIGNATURE``; ``PATH_ALGORITHM``; ``PATH_KEY_USAGE``;
            ``PATH_INVALID`` another rule of RFC 5280 section 6, with the reason; ``PATH_CERTIFICATE``
            unreadable; ``PATH_TOO_COMPLEX`` more certificates than the budget.
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check a signature by SM2.
    """
    if not anchors:
        raise InputError("PATH_NO_ANCHORS")
    if leaf in anchors:
        raise InputError("PATH_LEAF_IS_ANCHOR")
    return _build(leaf, tuple(others), tuple(anchors), moment)


# A pure function of its bytes, and a batch's records share them: a checker of many bundles pays once.
@lru_cache(64)
def _build(leaf: bytes, others: tuple[bytes, ...], anchors: tuple[bytes, ...], moment: int) -> CertificatePath:
    try:
        certificates = {data: _load(data) for data in (leaf, *others)} | _readable(anchors)
        _require_usage(certificates[leaf])
        anchors = tuple(data for data in anchors if data in certificates)
        faults: list[ZhengyinError] = []
        for candidate in _candidates(leaf, others, anchors, certificates):
            try:
                _judge([certificates[data] for data in candidate], moment)
            except InputError as fault:
                faults.append(fault)
                continue
            unused = tuple(data for data in others if data not in candidate)
            return CertificatePath(candidate, fingerprint(candidate[-1]), unused)
    except _MALFORMED as error:
        raise InputError("PATH_CERTIFICATE") from error
    raise faults[0] if faults else InputError("PATH_NONE")


def _load(data: bytes) -> Any:
    from asn1crypto import x509

    try:
        read_certificate(data)
    except InputError as error:
        raise InputError("PATH_CERTIFICATE") from error
    return x509.Certificate.load(data, strict=True)


def _readable(anchors: Sequence[bytes]) -> dict[bytes, Any]:
    """An authority that cannot be read ends no path; it must not make forgeries of the records of all others."""
    found = {}
    for data in anchors:
        with suppress(InputError, *_MALFORMED):
            found[data] = _load(data)
    return found


def _require_usage(leaf: Any) -> None:
    usage = leaf.key_usage_value
    if usage is None or not _SIGNING_USAGES & usage.native:
        raise InputError("PATH_KEY_USAGE")


def _candidates(
    leaf: bytes, others: Sequence[bytes], anchors: Sequence[bytes], certificates: dict[bytes, Any]
) -> Iterator[tuple[bytes, ...]]:
    """Chains from leaf to an anchor by name, shortest first; anchors before other certificates of one
    name."""
    waiting: list[tuple[bytes, ...]] = [(leaf,)]
    steps = 0
    while waiting:
        chain = waiting.pop(0)
        issuer = certificates[chain[-1]].issuer.hashable
        for anchor in anchors:
            if certificates[anchor].subject.hashable == issuer:
                yield (*chain, anchor)
        for other in others:
            if other in chain or other in anchors or certificates[other].subject.hashable != issuer:
                continue
            steps += 1
            if steps > MAX_STEPS:
                raise InputError("PATH_TOO_COMPLEX", limit=MAX_STEPS)
            if len(chain) + 2 <= MAX_LENGTH:
                waiting.append((*chain, other))


def _judge(chain: list[Any], moment: int) -> None:
    from pyhanko_certvalidator import errors
    from pyhanko_certvalidator.authority import CertTrustAnchor
    from pyhanko_certvalidator.context import ValidationContext
    from pyhanko_certvalidator.path import ValidationPath
    from pyhanko_certvalidator.policy_decl import NO_REVOCATION, CertRevTrustPolicy
    from pyhanko_certvalidator.validate import async_validate_path

    from ledger.crypto.path_signatures import PathSignatures

    for certificate in chain:
        if certificate.public_key.algorithm == "rsa" and certificate.public_key.bit_size < RSA_LEAST_BITS:
            raise InputError("PATH_ALGORITHM")
    context = ValidationContext(
        trust_roots=[chain[-1]],
        other_certs=[],
        allow_fetching=False,
        moment=datetime.fromtimestamp(moment, UTC),
        time_tolerance=timedelta(0),
        revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
        signature_validator=PathSignatures(),
    )
    path = ValidationPath(CertTrustAnchor(chain[-1]), chain[-2:0:-1], chain[0])
    try:
        _run(async_validate_path(context, path))
    except errors.ExpiredError as error:
        raise InputError("PATH_EXPIRED", expired=int(error.expired_dt.timestamp()), moment=moment) from error
    except errors.NotYetValidError as error:
        since = int(error.valid_from.timestamp())
        raise InputError("PATH_NOT_YET_VALID", since=since, moment=moment) from error
    except (errors.DisallowedAlgorithmError, UnsupportedAlgorithm) as error:
        raise InputError("PATH_ALGORITHM") from error
    except errors.ValidationError as error:
        if "signature" in error.failure_msg:
            raise InputError("PATH_SIGNATURE") from error
        raise InputError("PATH_INVALID", reason=error.failure_msg) from error


def _run(work: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that never waits, since nothing is fetched: no event loop is needed, nor disturbed."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("path validation waited for something although nothing may be fetched")
