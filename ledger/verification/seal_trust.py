"""Who may make and use seals, by the trust file: makers end at a service ``sealMaker`` or are one, signers end at a CA,
all recognised here for seals.

Seals are judged at the time that they claim; what is known to have happened before the record proves that they
existed is held against them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ledger.core.bundles import ValidationData
from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trust_lists import CA, Authority, Policy
from ledger.core.trust_services import ServiceType
from ledger.core.verdicts import Finding, noted
from ledger.crypto import revocation
from ledger.crypto.certificates import fingerprint
from ledger.crypto.paths import CertificatePath, find_paths
from ledger.crypto.revocation_info import COMPROMISES, is_self_signed
from ledger.crypto.ses.judging import Findings, Judges, merged, refuse
from ledger.crypto.timestamps import over, verify_token
from ledger.errors import InputError, NotFoundError
from ledger.verification.authority_keys import compromised, fallen_keys, struck
from ledger.verification.case import Case, Times
from ledger.verification.policies import policy_for, require_recognised
from ledger.verification.shortening import TOKEN, against_services, shortened
from ledger.verification.tokens import judge_token

MAKER = ServiceType.SEAL_MAKER.word
_PART_MISSING = frozenset({"PATH_NONE", "PATH_NO_ANCHORS"})
Shorten = Callable[[tuple[bytes, ...], bytes, Times], list[Finding]]


@dataclass(frozen=True, slots=True)
class SealRules:
    """What seals are held against. ``existed``: when they are known to have existed, seconds UTC; ``data``:
    certificates, CRLs and OCSP responses at hand; ``shorten(chain, listed, times)``, for time-stamps
    ``shorten_token(chain, times)``: what has been taken back since the trust file was made; ``standing``: an instant at
    which authorities have to be granted beside that of which they are judged."""

    trust: Trust
    jurisdiction: str | None
    existed: int
    data: ValidationData
    shorten: Shorten = lambda chain, listed, times: []
    shorten_token: Callable[[Sequence[bytes], Times], list[Finding]] = lambda chain, times: []
    standing: int | None = None

    @property
    def policy(self) -> Policy | None:
        return policy_for(self.trust, self.jurisdiction)


def judges_by(rules: SealRules) -> Judges:
    return Judges(
        maker=partial(_judge, rules, MAKER),
        signer=partial(_judge, rules, CA),
        token=partial(_token, rules),
        beside=lambda more: judges_by(replace(rules, data=merged(rules.data, more))),
    )


def seal_judges(case: Case) -> Judges:
    """For the seals of documents that belong to ``case``, with the certificates and lists of its bundle, and those
    that the verifier brings along."""
    data = merged(case.bundle.validation if case.bundle is not None else None, case.facts.seal_data)
    shorten = partial(shortened, case, Kind.SEAL)
    tokens = partial(against_services, case, codes=TOKEN)
    return judges_by(SealRules(case.facts.trust, case.jurisdiction, existed_at(case), data, shorten, tokens))


def existed_at(case: Case) -> int:
    """When the record's files are known to have existed: its anchor, else now; seconds UTC."""
    return case.times.anchored if case.times is not None else case.facts.now


def _judge(rules: SealRules, service: str, certificate: bytes, moment: int) -> Findings:
    """A ``PathJudge`` for one kind of service. A maker may be listed itself; who issued its certificate is judged all
    the same, since that authority may have revoked it.

    Raises:
        InputError: ``PATH_…``, ``REVOCATION_…``, ``SIGNER_COMPROMISED``. NotFoundError: ``SEALS_NO_AUTHORITY`` the
            trust file lists no such service; ``SEALS_PATH_NONE`` no chain to one; ``SEALS_ISSUER_UNLISTED``;
            ``SEALS_COMPROMISED_SINCE``, ``SIGNER_COMPROMISED``; ``PATH_…_ON_CHAIN``; ``REVOCATION_…``.
    """
    listed = [a for a in rules.trust.authorities if a.service == service]
    if not listed:
        raise NotFoundError("SEALS_NO_AUTHORITY", service=service)
    named = [a for a in listed if a.certificate == certificate] if service == MAKER else []
    above = [a for a in rules.trust.authorities if a.service in (service, CA)] if named else listed
    anchors = dict.fromkeys(a.certificate for a in above if not (named and a.certificate == certificate))
    try:
        paths = find_paths(certificate, rules.data.certificates, tuple(anchors), moment)
    except InputError as error:
        if error.code not in _PART_MISSING:
            raise
        # certificates between may be elsewhere: nothing is proved against the seal
        return _without_path(rules, named, certificate, moment)
    faults: list[InputError | NotFoundError] = []
    for path in paths:
        ends = named or [a for a in listed if fingerprint(a.certificate) == path.anchor_sha256]
        try:
            _require_trusted(rules, service, ends, path.certificates, moment)
            return tuple(_revocation(rules, path, moment))
        except (InputError, NotFoundError) as fault:
            faults.append(fault)
    raise min(faults, key=lambda fault: isinstance(fault, InputError))  # any path that holds would be enough


def _without_path(rules: SealRules, named: list[Authority], certificate: bytes, moment: int) -> Findings:
    """The trust file's word on a certificate that signed itself is all there is; of another, whose issuer could have
    revoked it, the word alone is not enough."""
    if not named:
        raise NotFoundError("SEALS_PATH_NONE", certificate=fingerprint(certificate).hex())
    _require_trusted(rules, MAKER, named, (certificate,), moment)
    if not is_self_signed(certificate):
        raise NotFoundError("SEALS_ISSUER_UNLISTED", authority=named[0].name)
    return ()


def _require_trusted(
    rules: SealRules, service: str, ends: list[Authority], chain: tuple[bytes, ...], moment: int
) -> None:
    """What the trust file says of the authorities by which a chain (leaf first) is trusted, and of every key in it."""
    for at in (moment,) if rules.standing is None else (moment, rules.standing):
        for authority in ends:
            if authority.state_at(at) != "granted":
                raise InputError("PATH_AUTHORITY_NOT_GRANTED", authority=authority.name, at=at)
        _require_not_struck(rules, service, chain, at)
    _require_uncompromised(rules, chain, moment)
    level = rules.policy.level if rules.policy else None
    listed = fingerprint(ends[0].certificate)
    require_recognised(rules.trust, listed, Kind.SEAL, rules.jurisdiction, level, moment)
    refuse(rules.shorten(chain, listed, Times(moment, moment, rules.existed)))


def _require_not_struck(rules: SealRules, service: str, chain: tuple[bytes, ...], moment: int) -> None:
    """Nor does the holder of a struck key come back under a new certificate of it."""
    for authority in struck(rules.trust.authorities, (service, CA), chain[:-1], moment):
        raise InputError("PATH_AUTHORITY_NOT_GRANTED", authority=authority.name, at=moment)


def _require_uncompromised(rules: SealRules, chain: tuple[bytes, ...], moment: int) -> None:
    """Whoever has a stolen key writes any time into a seal."""
    for authority, since in compromised(rules.trust.authorities, chain):
        if since <= moment:
            raise InputError("PATH_AUTHORITY_COMPROMISED", authority=authority.name, since=since)
        if since <= rules.existed:
            raise NotFoundError("SEALS_COMPROMISED_SINCE", authority=authority.name, since=since)
    for signer in rules.trust.compromised_signers:
        values = {"certificate": signer.certificate.hex(), "since": signer.since, "at": rules.existed}
        if signer.certificate != fingerprint(chain[0]) or signer.since > rules.existed:
            continue
        raise (InputError if signer.since <= moment else NotFoundError)("SIGNER_COMPROMISED", **values)


def _revocation(rules: SealRules, path: CertificatePath, moment: int) -> list[Finding]:
    found = revocation.judge(path, rules.data, moment, fallen_keys(rules.trust.authorities))
    if found.outcome == "revoked":
        raise InputError(found.code, **found.values)
    if found.outcome == "unknown":
        raise NotFoundError(found.code, **found.values)
    if found.provisional and rules.policy is not None and rules.policy.revocation == "final":
        raise NotFoundError("REVOCATION_FINAL_WANTED", asOf=found.as_of)
    for values in found.afterwards:  # as above: whoever has a stolen key dates back what he makes
        if values["reason"] in COMPROMISES and values["revoked"] <= rules.existed:
            raise NotFoundError("REVOCATION_COMPROMISED", since=values["revoked"], **values)
    return [noted(found.code, **found.values), *(noted("REVOCATION_LATER", **values) for values in found.afterwards)]


def _token(rules: SealRules, token: bytes, data: bytes) -> int:
    """The instant that ``token`` proves for ``data``, judged as a record's own token is, seconds UTC.

    Raises:
        InputError: ``CMS_…``, ``TIMESTAMP_…``, ``TIME_TOKEN_…``. NotFoundError: ``TIME_TOKEN_…`` what is open.
    """
    read = verify_token(token, over(data), rules.data.certificates)
    beside = merged(rules.data, ValidationData(read.certificates, read.crls, read.ocsps))
    final = rules.policy is not None and rules.policy.revocation == "final"
    times = Times(read.time, read.time, rules.existed)

    def on_chain(chain: Sequence[bytes]) -> list[Finding]:
        return rules.shorten_token(chain, times)

    refuse(judge_token(read, rules.trust.authorities, beside, rules.existed, final, on_chain).findings)
    return read.time
