"""Certificate paths to an authority of the trust file, as of a moment in the past (RFC 5280 section 6).

Candidates are found here within a fixed budget, since a hostile set of cross-certificates has factorially
many paths; each is judged by ``path_rules``. Revocation is judged in ``revocation``.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ledger.crypto.certificates import MALFORMED, CertificateParts, comparable, fingerprint, read_certificate
from ledger.crypto.path_rules import SIGNING, Purpose, judge_chain
from ledger.errors import InputError

MAX_LENGTH = 8  # certificates in a path, anchor included
MAX_STEPS = 64  # certificates looked at while searching
MAX_CHAINS = 16  # chains judged: each costs up to eight checks of a signature
MAX_KEPT = 32  # authorities' certificates kept parsed, by each thread
MAX_NAME = 2048  # bytes of a Name, DER: comparing names as RFC 5280 wants costs a look at each character


@dataclass(frozen=True, slots=True)
class CertificatePath:
    """``certificates``: DER, leaf first, anchor last. ``unused``: supplied certificates that are not in the
    path."""

    certificates: tuple[bytes, ...]
    anchor_sha256: bytes
    unused: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chain by names, DER, leaf first, anchor last, and why it is no path; None: it is one."""

    certificates: tuple[bytes, ...]
    fault: InputError | None


@dataclass(frozen=True, slots=True)
class Search:
    """All candidates, shortest first. ``complete``: none was left out for the budget's sake."""

    candidates: tuple[Candidate, ...]
    complete: bool


def build_path(
    leaf: bytes, others: Sequence[bytes], anchors: Sequence[bytes], moment: int, purpose: Purpose = SIGNING
) -> CertificatePath:
    """The shortest of ``find_paths``, and raises as it does."""
    return find_paths(leaf, others, anchors, moment, purpose)[0]


def find_paths(
    leaf: bytes, others: Sequence[bytes], anchors: Sequence[bytes], moment: int, purpose: Purpose = SIGNING
) -> tuple[CertificatePath, ...]:
    """The valid paths of ``leaf`` over some of ``others`` to some of ``anchors`` (DER each) at ``moment`` (seconds
    UTC), shortest first, at least one.

    Authorities that certify each other, or renew their certificates, give one leaf several. The anchor's own validity
    is not judged (RFC 5280 section 6.1.1 d): the trust file dates its authorities.

    Raises:
        InputError: as ``search``; ``PATH_NONE`` no chain to an anchor; and where there are chains but no path, why the
            likeliest is none: ``PATH_EXPIRED``, ``PATH_NOT_YET_VALID`` with the date; ``PATH_SIGNATURE``;
            ``PATH_ALGORITHM``; ``PATH_KEY_USAGE``; ``PATH_PURPOSE``; ``PATH_NAMES_MANY``; ``PATH_INVALID`` another rule
            of RFC 5280 section 6, with the reason; ``PATH_TOO_COMPLEX`` more certificates than the budget.
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check a signature by SM2.
    """
    found = search(leaf, others, anchors, moment, purpose)
    paths = tuple(
        CertificatePath(c.certificates, fingerprint(c.certificates[-1]), _without(others, c.certificates))
        for c in found.candidates
        if c.fault is None
    )
    if paths:
        return paths
    if not found.complete:
        raise InputError("PATH_TOO_COMPLEX", limit=MAX_STEPS)
    faults = [c.fault for c in found.candidates if c.fault is not None]
    if not faults:
        raise InputError("PATH_NONE")
    # of two authorities of one name the other one's key says nothing about this certificate
    raise min(faults, key=lambda fault: fault.code == "PATH_SIGNATURE")


def search(
    leaf: bytes, others: Sequence[bytes], anchors: Sequence[bytes], moment: int, purpose: Purpose = SIGNING
) -> Search:
    """Every chain that the budget allows, judged.

    Raises:
        InputError: ``PATH_NO_ANCHORS`` no anchor at all; ``PATH_LEAF_IS_ANCHOR`` the certificate is itself an
            authority's; ``PATH_CERTIFICATE`` one that is supplied cannot be read.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    if not anchors:
        raise InputError("PATH_NO_ANCHORS")
    if leaf in anchors:
        raise InputError("PATH_LEAF_IS_ANCHOR")
    return _search(leaf, tuple(others), tuple(anchors), moment, purpose)


def _without(others: Sequence[bytes], used: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple(data for data in others if data not in used)


# A pure function of its bytes, and a batch's records share them: a checker of many bundles pays once.
@lru_cache(64)
def _search(
    leaf: bytes, others: tuple[bytes, ...], anchors: tuple[bytes, ...], moment: int, purpose: Purpose
) -> Search:
    parts = {data: _read(data) for data in dict.fromkeys((leaf, *others))}
    others = tuple(parts)[1:]
    found: list[Candidate] = []
    complete = True
    for chain in _chains(leaf, others, _by_subject(anchors), parts):
        if chain is None or len(found) == MAX_CHAINS:
            complete = False
            break
        found.append(Candidate(chain, _fault(chain, moment, purpose)))
    return Search(tuple(found), complete)


def _fault(chain: tuple[bytes, ...], moment: int, purpose: Purpose) -> InputError | None:
    from asn1crypto import x509

    try:
        leaf = x509.Certificate.load(chain[0], strict=True)
        judge_chain([leaf, *map(_SHELF.authority, chain[1:])], moment, purpose)
    except InputError as error:
        return error
    except MALFORMED:
        return InputError("PATH_CERTIFICATE")
    return None


class _Shelf(threading.local):
    """Authorities' certificates as parsed, half the cost of a path; a thread's own, since asn1crypto goes on parsing
    where it is asked."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Any] = {}

    def authority(self, data: bytes) -> Any:
        from asn1crypto import x509

        found = self.kept.get(data)
        if found is None:
            if len(self.kept) >= MAX_KEPT:
                self.kept.clear()
            found = self.kept[data] = x509.Certificate.load(data, strict=True)
        return found


_SHELF = _Shelf()


def _chains(
    leaf: bytes,
    others: Sequence[bytes],
    anchors: dict[Hashable, tuple[bytes, ...]],
    parts: dict[bytes, CertificateParts],
) -> Iterator[tuple[bytes, ...] | None]:
    """Chains from leaf to an anchor by name, shortest first; anchors before other certificates of one name. None: the
    budget is spent."""
    waiting: list[tuple[bytes, ...]] = [(leaf,)]
    steps = 0
    while waiting:
        chain = waiting.pop(0)
        issuer = comparable(parts[chain[-1]].issuer)
        yield from ((*chain, anchor) for anchor in anchors.get(issuer, ()) if anchor not in chain)
        for other in others:
            if comparable(parts[other].subject) != issuer or _repeats(parts, chain, other):
                continue
            steps += 1
            if steps > MAX_STEPS:
                yield None
                return
            if len(chain) + 2 <= MAX_LENGTH:
                waiting.append((*chain, other))


def _repeats(parts: dict[bytes, CertificateParts], chain: tuple[bytes, ...], other: bytes) -> bool:
    """Would the chain pass the same authority's same key twice? It would be a loop, whatever the certificates."""
    key, name = parts[other].spki, comparable(parts[other].subject)
    return any(parts[data].spki == key and comparable(parts[data].subject) == name for data in chain)


def _read(data: bytes) -> CertificateParts:
    try:
        parts = read_certificate(data)
        if max(len(parts.subject), len(parts.issuer)) > MAX_NAME:
            raise InputError("CERTIFICATE_SYNTAX")
        comparable(parts.subject), comparable(parts.issuer)
    except InputError as error:
        raise InputError("PATH_CERTIFICATE") from error
    return parts


# A trust file names hundreds of authorities, of which a path needs one. Only values are kept that no thread changes.
@lru_cache(16)
def _by_subject(anchors: tuple[bytes, ...]) -> dict[Hashable, tuple[bytes, ...]]:
    """One that cannot be read ends no path; it must not make forgeries of the records of all others."""
    found: dict[Hashable, tuple[bytes, ...]] = {}
    for data in anchors:
        with suppress(InputError):
            subject = comparable(_read(data).subject)
            found[subject] = (*found.get(subject, ()), data)
    return found
