"""The whole answer about one certificate: which path stands at a moment, revocation judged, or why none does.

For people who set up trust and for the engineers of an authority; records are judged by ``ledger.verification``, with
the trust file and the proved times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.core.bundles import ValidationData
from ledger.core.verdicts import Outcome
from ledger.crypto import revocation
from ledger.crypto.certificate_facts import facts_of
from ledger.crypto.certificates import comparable, read_certificate
from ledger.crypto.path_rules import LOGIN, OCSP_SIGNING, SIGNING, TIME_STAMPING, Purpose
from ledger.crypto.paths import Candidate, CertificatePath, find_paths, search
from ledger.crypto.revocation import RevocationVerdict
from ledger.errors import InputError

PURPOSES: dict[str, Purpose] = {"signing": SIGNING, "login": LOGIN, "timestamp": TIME_STAMPING, "ocsp": OCSP_SIGNING}
_GRAVITY = (Outcome.PASSED, Outcome.UNDETERMINED, Outcome.FAILED)
_OF_VERDICT = {"good": Outcome.PASSED, "unknown": Outcome.UNDETERMINED, "revoked": Outcome.FAILED}


@dataclass(frozen=True, slots=True)
class PathAnswer:
    """``path``: the best that is valid, with its ``revocation``; ``fault``: why there is none, or what is wrong with
    the revocation data. ``candidates``: every chain looked at, the valid ones, too."""

    outcome: Outcome
    path: CertificatePath | None
    revocation: RevocationVerdict | None
    fault: InputError | None
    candidates: tuple[Candidate, ...]


def inquire(
    leaf: bytes,
    others: Sequence[bytes],
    roots: Sequence[bytes],
    data: tuple[Sequence[bytes], Sequence[bytes]],
    moment: int,
    purpose: Purpose = SIGNING,
) -> PathAnswer:
    """``data``: revocation lists and OCSP responses, DER; ``moment``: seconds UTC.

    No chain at all and no revocation data are undetermined: a part may be missing. Of several paths the one whose
    revocation is judged best counts.

    Raises:
        InputError: ``PATH_NO_ANCHORS``. ConfigError: ``SM2_UNAVAILABLE``.
    """
    candidates: tuple[Candidate, ...] = ()
    try:
        candidates = search(leaf, others, roots, moment, purpose).candidates
        paths = find_paths(leaf, others, roots, moment, purpose)
    except InputError as fault:
        if fault.code == "PATH_NO_ANCHORS":
            raise
        outcome = Outcome.UNDETERMINED if fault.code == "PATH_NONE" else Outcome.FAILED
        return PathAnswer(outcome, None, None, fault, candidates)
    lists, responses = data
    answers = [_judged(path, lists, responses, moment, candidates) for path in paths]
    return min(answers, key=lambda answer: _GRAVITY.index(answer.outcome))


def loose_ends(leaf: bytes, others: Sequence[bytes], roots: Sequence[bytes]) -> tuple[str, ...]:
    """Where the chains of ``leaf`` break off, by names alone: the authorities of which no certificate was given, or one
    that names itself as its issuer and is none of ``roots``. For people, most significant part first."""
    given = {der: read_certificate(der) for der in (leaf, *others, *roots)}
    found, queue, seen = [], [leaf], {leaf}
    for der in queue:
        issuer = comparable(given[der].issuer)
        above = [d for d, p in given.items() if comparable(p.subject) == issuer]
        if set(above) <= {der} and der not in roots:
            found.append(facts_of(der).issuer)
        queue += [d for d in above if d not in seen]
        seen.update(above)
    return tuple(dict.fromkeys(found))


def _judged(
    path: CertificatePath,
    lists: Sequence[bytes],
    responses: Sequence[bytes],
    moment: int,
    candidates: tuple[Candidate, ...],
) -> PathAnswer:
    data = ValidationData((), _sorted(lists), _sorted(responses))
    try:
        verdict = revocation.judge(path, data, moment)
    except InputError as fault:
        return PathAnswer(Outcome.FAILED, path, None, fault, candidates)
    return PathAnswer(_OF_VERDICT[verdict.outcome], path, verdict, None, candidates)


def _sorted(data: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(sorted(set(data)))
