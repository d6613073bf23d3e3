"""Facts: everything the procedure judges, gathered beforehand and frozen.

The gatherer does all reading of files, clocks and networks; the procedure does none. What the gatherer could
not get stands in ``problems`` and makes a step undetermined at worst: a network fault is never "forged".
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.core.bundles import StateProof, ValidationData
from ledger.core.records import FileDigest
from ledger.core.seal_uses import SealStanding
from ledger.core.trust import Trust
from ledger.core.trust_services import TrustListProof
from ledger.core.verdicts import Finding
from ledger.verification.sealed import SealedFile


@dataclass(frozen=True, slots=True)
class KnownAct:
    """A freeze or a disowning as the chain's events tell of it: ``event`` of the contract, who (and the second of
    two), and when (seconds UTC)."""

    event: str
    actor: str
    second: str
    time: int


@dataclass(frozen=True, slots=True)
class KnownRelation:
    """What an organisation said on the chain of the record: ``relation`` by its word, ``statement`` the leaf of the
    record that it names for it, ``time`` and ``block`` of the event. ``confirmed``: that record was read, is the
    organisation's own, and says so; ``False``: nobody has looked."""

    relation: str
    actor: str
    statement: bytes
    time: int
    block: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class UsedSeal:
    """A seal that the record says it uses: ``leaf`` of its record, how it stands by the chain's events, and ``holder``,
    which is ``None`` where the seal's record (and so its validity) cannot be read. ``holds``: the record's issuer is
    the holder, or succeeded it."""

    leaf: bytes
    standing: SealStanding
    holder: str | None
    holds: bool


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What an index that has followed the chain up to ``block`` knows beside the bundle.

    ``duplicates``: leaves of other records of the same issuer, kind and id that were never ended (32 bytes
    each).
    ``predecessors``: leaves that the record says it supersedes and whose own status does not say so yet.
    ``acts``: those that stand; they add who and when to what a state proves, and prove nothing themselves.
    ``relations``: of which nothing depends either. ``seals``: that the record, a use, was made with.
    """

    block: int
    duplicates: tuple[bytes, ...]
    predecessors: tuple[bytes, ...] = ()
    acts: tuple[KnownAct, ...] = ()
    relations: tuple[KnownRelation, ...] = ()
    seals: tuple[UsedSeal, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """One question to the procedure.

    ``bundle``: the bytes as received. ``documents``: digests of the files handed in with it, none if only the
    bundle was. ``now``: the verifier's clock; ``time_of_interest``: the instant asked about (``None`` = now), seconds
    UTC. ``as_of_bundle``: answer as of the state's own block, whatever the time of interest, and leave "now" open;
    ``max_age``: oldest state accepted, in seconds. ``jurisdiction``: whose policy and recognitions apply (``None`` =
    the accreditation's own). ``fresh_state``: a state gathered online, judged exactly like a stapled one; the newer
    of the two is used. ``problems``: what could not be gathered. ``sealed``: those of the documents that can hold
    seals; ``None`` where only digests were at hand, so that nobody could look. ``seal_data``: certificates, CRLs and
    OCSP responses for the seals' certificates, beside those of the bundle. ``listed``: what a node tells of the trust
    list on chain, and proves.
    """

    bundle: bytes
    documents: tuple[FileDigest, ...]
    trust: Trust
    now: int
    time_of_interest: int | None = None
    as_of_bundle: bool = False
    max_age: int | None = None
    jurisdiction: str | None = None
    fresh_state: StateProof | None = None
    problems: tuple[Finding, ...] = ()
    known: IndexFacts | None = None
    sealed: tuple[SealedFile, ...] | None = None
    seal_data: ValidationData | None = None
    listed: TrustListProof | None = None
