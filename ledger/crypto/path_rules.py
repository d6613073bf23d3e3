"""Is this chain, leaf first and anchor last, valid at a moment and for a purpose? (RFC 5280 section 6.1)

pyhanko-certvalidator judges it without any fetching. What it leaves to the application is added here: for what the
key may be used, which algorithms count, and what the anchor's own certificate constrains (RFC 5937).
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm

from ledger.crypto import issuer_signatures
from ledger.crypto.certificates import MALFORMED
from ledger.errors import InputError

KNOWN_CRITICAL = frozenset(
    {f"2.5.29.{n}" for n in (14, 15, 17, 19, 30, 31, 32, 33, 35, 36, 37, 46, 54)}
    | {"1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.3", "1.3.6.1.5.5.7.1.6", "1.3.6.1.5.5.7.48.1.5"}
)
"""Extensions that certvalidator understands, so that they may be critical."""

_USAGES = {"digital_signature", "non_repudiation"}
_ANY = "2.5.29.37.0"
MAX_COMPARISONS = 4096  # of names with constraints on names, each some microseconds

# The library writes names out of certificates into the log.
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the leaf's key is wanted for: ``extended`` key usages (OIDs, dotted) of which one must be allowed.

    A certificate without the extension is for everything (RFC 5280 section 4.2.1.12), unless ``alone``: then the
    extension must be there, critical, and allow nothing else.
    """

    extended: frozenset[str]
    alone: bool = False


SIGNING = Purpose(
    frozenset(
        {
            "1.3.6.1.5.5.7.3.36",  # documentSigning, RFC 9336
            "1.3.6.1.4.1.311.10.3.12",  # the same by Microsoft
            "1.2.840.113583.1.1.5",  # the same by Adobe
            "1.3.6.1.5.5.7.3.4",  # emailProtection: signed content, and what Chinese authorities write for signing keys
        }
    )
)
LOGIN = Purpose(SIGNING.extended | {"1.3.6.1.5.5.7.3.2"})  # clientAuth
TIME_STAMPING = Purpose(frozenset({"1.3.6.1.5.5.7.3.8"}), alone=True)  # RFC 3161 section 2.3
OCSP_SIGNING = Purpose(frozenset({"1.3.6.1.5.5.7.3.9"}))


def judge_chain(chain: Sequence[Any], moment: int, purpose: Purpose) -> None:
    """``chain``: certificates of asn1crypto; ``moment``: seconds UTC.

    Raises:
        InputError: ``PATH_KEY_USAGE``, ``PATH_PURPOSE``, ``PATH_ALGORITHM``, ``PATH_NAMES_MANY``, ``PATH_EXPIRED``,
            ``PATH_NOT_YET_VALID``, ``PATH_SIGNATURE``, ``PATH_CERTIFICATE``, ``PATH_INVALID`` with the reason.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    try:
        _require_unambiguous(chain)
        _require_usage(chain[0], purpose)
        for authority in chain[1:-1]:
            # a subordinate that was licensed for something else only; the anchor is what the trust file says
            _require_purpose(authority, purpose.extended)
        _require_algorithms(chain)
        _require_few_names(chain)
        _validate(chain, moment)
    except NotImplementedError as error:  # constraints on kinds of names, or minima, that nobody reads
        raise InputError("PATH_INVALID", reason=f"name constraints: {error}") from error
    except MALFORMED as error:
        raise InputError("PATH_CERTIFICATE") from error


def _require_unambiguous(chain: Sequence[Any]) -> None:
    """No extension twice (RFC 5280 section 4.2): of two, one reader believes the first and another the last."""
    for certificate in chain:
        found = [extension["extn_id"].contents for extension in certificate["tbs_certificate"]["extensions"]]
        if len(set(found)) < len(found):
            raise InputError("PATH_INVALID", reason="an extension stands twice in a certificate")


def _require_usage(leaf: Any, purpose: Purpose) -> None:
    usage = leaf.key_usage_value
    if usage is None or not _USAGES & usage.native:
        raise InputError("PATH_KEY_USAGE")
    _require_purpose(leaf, purpose.extended, any_allowed=not purpose.alone)
    if not purpose.alone:
        return
    extended = leaf.extended_key_usage_value
    if extended is None or len(extended) != 1 or "extended_key_usage" not in leaf.critical_extensions:
        raise InputError("PATH_PURPOSE", found=", ".join(_purposes(leaf)) or "–")


def _require_purpose(certificate: Any, wanted: frozenset[str], any_allowed: bool = True) -> None:
    if certificate.extended_key_usage_value is None:
        return
    found = _purposes(certificate)
    if not wanted & set(found) and not (any_allowed and _ANY in found):
        raise InputError("PATH_PURPOSE", found=", ".join(found))


def _purposes(certificate: Any) -> list[str]:
    return sorted(purpose.dotted for purpose in certificate.extended_key_usage_value or ())


def _require_algorithms(chain: Sequence[Any]) -> None:
    """Every key is one that is allowed, and every signature but the anchor's own, which nobody needs to believe."""
    try:
        for position, certificate in enumerate(chain):
            issuer_signatures.require_key(certificate.public_key.dump())
            if position < len(chain) - 1:
                issuer_signatures.scheme_of(certificate["signature_algorithm"].dump())
    except InputError as error:
        raise InputError("PATH_ALGORITHM") from error


def _require_few_names(chain: Sequence[Any]) -> None:
    """Each name is compared with each constraint above it: thousands of both would take seconds."""
    constraints = sum(len(trees) for authority in chain[1:] for trees in _subtrees(authority) if trees is not None)
    names = max(1 + len(certificate.subject_alt_name_value or ()) for certificate in chain[:-1])
    if constraints * names > MAX_COMPARISONS:
        raise InputError("PATH_NAMES_MANY", limit=MAX_COMPARISONS)


def _subtrees(authority: Any) -> tuple[Any, Any]:
    """Permitted and excluded ones, ``None`` where there are none."""
    from asn1crypto import x509

    names = authority.name_constraints_value
    if names is None:
        return None, None
    found = names["permitted_subtrees"], names["excluded_subtrees"]
    permitted, excluded = (trees if isinstance(trees, x509.GeneralSubtrees) else None for trees in found)
    return permitted, excluded


def _validate(chain: Sequence[Any], moment: int) -> None:
    from pyhanko_certvalidator import errors
    from pyhanko_certvalidator.authority import CertTrustAnchor
    from pyhanko_certvalidator.context import ValidationContext
    from pyhanko_certvalidator.path import ValidationPath
    from pyhanko_certvalidator.policy_decl import NO_REVOCATION, AcceptAllAlgorithms, CertRevTrustPolicy
    from pyhanko_certvalidator.validate import async_validate_path

    from ledger.crypto.path_signatures import PathSignatures

    context = ValidationContext(
        trust_roots=[],
        other_certs=[],
        allow_fetching=False,
        moment=datetime.fromtimestamp(moment, UTC),
        time_tolerance=timedelta(0),
        revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
        signature_validator=PathSignatures(),
        algorithm_usage_policy=AcceptAllAlgorithms(),  # a table of what is allowed was before it
    )
    path = ValidationPath(CertTrustAnchor(chain[-1], _constraints(chain[-1])), chain[-2:0:-1], chain[0])
    try:
        _run(async_validate_path(context, path))
    except errors.ExpiredError as error:
        raise InputError("PATH_EXPIRED", expired=int(error.expired_dt.timestamp()), moment=moment) from error
    except errors.NotYetValidError as error:
        since = int(error.valid_from.timestamp())
        raise InputError("PATH_NOT_YET_VALID", since=since, moment=moment) from error
    except UnsupportedAlgorithm as error:
        raise InputError("PATH_ALGORITHM") from error
    except errors.ValidationError as error:
        if "signature of" in error.failure_msg:
            raise InputError("PATH_SIGNATURE") from error
        raise InputError("PATH_INVALID", reason=error.failure_msg) from error


def _constraints(anchor: Any) -> Any:
    """Length and names of the paths below the anchor, by its own certificate (RFC 5937 section 3). Neither its dates
    nor its policies: the trust file dates its authorities and says what they are recognised for."""
    from pyhanko_certvalidator.authority import TrustQualifiers
    from pyhanko_certvalidator.name_trees import process_general_subtrees
    from pyhanko_certvalidator.policy_decl import PKIXValidationParams

    permitted, excluded = (t if t is None else process_general_subtrees(t) for t in _subtrees(anchor))
    parameters = PKIXValidationParams(initial_permitted_subtrees=permitted, initial_excluded_subtrees=excluded)
    longest = anchor.max_path_length
    return TrustQualifiers(parameters, max_path_length=longest, max_aa_path_length=longest)


def _run(work: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that never waits, since nothing is fetched: no event loop is needed, nor disturbed."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("path validation waited for something although nothing may be fetched")
