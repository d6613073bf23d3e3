"""A judge of makers and signers by authorities that the verifier names, without a trust list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.core.bundles import ValidationData
from ledger.core.verdicts import noted
from ledger.crypto import revocation
from ledger.crypto.paths import build_path
from ledger.crypto.ses.judging import Findings, Judges, merged
from ledger.errors import InputError, NotFoundError


def root_judges(roots: Sequence[bytes], data: ValidationData) -> Judges:
    """``path_judge`` of makers and of signers alike, and of what files bring along."""
    judge = path_judge(roots, data.certificates, data.crls, data.ocsps)
    return Judges(judge, judge, beside=lambda more: root_judges(roots, merged(data, more)))


def path_judge(
    roots: Sequence[bytes], certificates: Sequence[bytes], crls: Sequence[bytes], ocsps: Sequence[bytes] = ()
) -> Callable[[bytes, int], Findings]:
    """For ``Judges``: a path to one of ``roots`` and no revocation in it (DER each). Whether the authorities may
    certify makers or signers of seals in this jurisdiction is for the trust list to say.

    The judge raises InputError: ``PATH_…``, ``REVOCATION_REVOKED``; NotFoundError: ``REVOCATION_…`` where no list
    tells; ConfigError: ``SM2_UNAVAILABLE``.
    """

    def judge(certificate: bytes, moment: int) -> Findings:
        path = build_path(certificate, certificates, roots, moment)
        data = ValidationData(tuple(sorted(certificates)), tuple(sorted(crls)), tuple(sorted(ocsps)))
        found = revocation.judge(path, data, moment)
        if found.outcome == "revoked":
            raise InputError(found.code, **found.values)
        if found.outcome == "unknown":
            raise NotFoundError(found.code, **found.values)
        return (noted(found.code, **found.values),)

    return judge
