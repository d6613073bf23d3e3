"""Who may make and use seals, by the trust file: makers end at a service ``sealMaker``, signers at a CA, both
recognised here for seals.

Seals are judged at the time that they claim; what is known to have happened before the record proves that they
existed is held against them.
"""

from __future__ import annotations

from functools import partial

from ledger.core.bundles import ValidationData
from ledger.core.registries import Kind
from ledger.core.trust_lists import CA, Authority
from ledger.core.trust_services import ServiceType
from ledger.core.verdicts import Finding, Outcome, noted
from ledger.crypto import revocation
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.paths import CertificatePath, find_paths
from ledger.crypto.revocation_info import COMPROMISES
from ledger.crypto.ses.judging import Findings, Judges, merged
from ledger.crypto.timestamps import over, verify_token
from ledger.errors import InputError, NotFoundError
from ledger.verification.case import Case
from ledger.verification.policies import require_recognised
from ledger.verification.tokens import judge_token

MAKER = ServiceType.SEAL_MAKER.word


def seal_judges(case: Case, brought: ValidationData | None = None) -> Judges:
    """For the seals of documents that belong to ``case``. ``brought``: certificates and lists out of the file, beside
    those of the bundle and those that the verifier brings along."""
    data = merged(case.bundle.validation if case.bundle is not None else None, case.facts.seal_data, brought)
    return Judges(
        maker=partial(_judge, case, data, MAKER),
        signer=partial(_judge, case, data, CA),
        token=partial(_token, case, data),
        beside=lambda more: seal_judges(case, merged(brought, more)),
    )


def existed_at(case: Case) -> int:
    """When the record's files are known to have existed: its anchor, else now; seconds UTC."""
    return case.times.anchored if case.times is not None else case.facts.now


def _judge(case: Case, data: ValidationData, service: str, certificate: bytes, moment: int) -> Findings:
    """A ``PathJudge`` for one kind of service.

    Raises:
        InputError: ``PATH_…``, ``REVOCATION_…``. NotFoundError: ``SEALS_NO_AUTHORITY`` the trust file lists no such
            service; ``SEALS_PATH_NONE`` no chain to one; ``SEALS_COMPROMISED_SINCE``; ``REVOCATION_…``.
    """
    listed = [a for a in case.facts.trust.authorities if a.service == service]
    if not listed:
        raise NotFoundError("SEALS_NO_AUTHORITY", service=service)
    named = [a for a in listed if a.certificate == certificate]
    if named:  # the list speaks of the certificate itself
        return _conditions(case, named, (certificate,), moment)
    faults: list[InputError | NotFoundError] = []
    for path in _paths(data, certificate, [a.certificate for a in listed], moment):
        ends = [a for a in listed if fingerprint(a.certificate) == path.anchor_sha256]
        try:
            return (*_conditions(case, ends, path.certificates[1:], moment), *_revocation(case, data, path, moment))
        except (InputError, NotFoundError) as fault:
            faults.append(fault)
    raise min(faults, key=lambda fault: isinstance(fault, InputError))  # any path that holds would be enough


def _paths(data: ValidationData, certificate: bytes, anchors: list[bytes], moment: int) -> tuple[CertificatePath, ...]:
    try:
        return find_paths(certificate, data.certificates, tuple(dict.fromkeys(anchors)), moment)
    except InputError as error:
        if error.code == "PATH_NONE":  # certificates between may be elsewhere: nothing is proved against the seal
            raise NotFoundError("SEALS_PATH_NONE", certificate=fingerprint(certificate).hex()) from error
        raise


def _conditions(case: Case, ends: list[Authority], above: tuple[bytes, ...], moment: int) -> Findings:
    """What the trust file says of the authorities in which a path ends, and of every key above the leaf."""
    for authority in ends:
        if authority.state_at(moment) != "granted":
            raise InputError("PATH_AUTHORITY_NOT_GRANTED", authority=authority.name, at=moment)
    _require_uncompromised(case, above, moment)
    level = case.policy.level if case.policy else None
    anchor = fingerprint(ends[0].certificate)
    require_recognised(case.facts.trust, anchor, Kind.SEAL, case.jurisdiction, level, moment)
    return ()


def _require_uncompromised(case: Case, above: tuple[bytes, ...], moment: int) -> None:
    keys = {read_certificate(der).spki for der in above}
    for authority in case.facts.trust.authorities:
        since = authority.compromised_since
        if since is None or _key(authority) not in keys:
            continue
        if since <= moment:
            raise InputError("PATH_AUTHORITY_COMPROMISED", authority=authority.name, since=since)
        if since <= existed_at(case):  # whoever has the key writes any time into a seal
            raise NotFoundError("SEALS_COMPROMISED_SINCE", authority=authority.name, since=since)


def _key(authority: Authority) -> bytes | None:
    try:
        return read_certificate(authority.certificate).spki
    except InputError:
        return None


def _revocation(case: Case, data: ValidationData, path: CertificatePath, moment: int) -> list[Finding]:
    found = revocation.judge(path, data, moment)
    if found.outcome == "revoked":
        raise InputError(found.code, **found.values)
    if found.outcome == "unknown":
        raise NotFoundError(found.code, **found.values)
    if found.provisional and case.policy is not None and case.policy.revocation == "final":
        raise NotFoundError("REVOCATION_FINAL_WANTED", asOf=found.as_of)
    for values in found.afterwards:  # as above: whoever has a stolen key dates back what he makes
        if values["reason"] in COMPROMISES and values["revoked"] <= existed_at(case):
            raise NotFoundError("REVOCATION_COMPROMISED", since=values["revoked"], **values)
    return [noted(found.code, **found.values), *(noted("REVOCATION_LATER", **values) for values in found.afterwards)]


def _token(case: Case, known: ValidationData, token: bytes, data: bytes) -> int:
    """The instant that ``token`` proves for ``data``, judged as a record's own token is, seconds UTC.

    Raises:
        InputError: ``CMS_…``, ``TIMESTAMP_…``, ``TIME_TOKEN_…``. NotFoundError: ``TIME_TOKEN_…`` what is open.
    """
    read = verify_token(token, over(data), known.certificates)
    beside = merged(known, ValidationData(read.certificates, read.crls, read.ocsps))
    final = case.policy is not None and case.policy.revocation == "final"
    found = judge_token(read, case.facts.trust.authorities, beside, existed_at(case), final).findings
    for outcome, error in ((Outcome.FAILED, InputError), (Outcome.UNDETERMINED, NotFoundError)):
        for finding in found:
            if finding.outcome is outcome:
                raise error(finding.code, **finding.values)
    return read.time
