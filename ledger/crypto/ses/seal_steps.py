"""Steps 2 to 9: the seal, at a moment (GM/T 0031-2014 section 6.1.2, GB/T 38540-2020, GM/T 0031-2025)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.core.verdicts import failed, noted, undetermined
from ledger.crypto.ses.holders import read_holder
from ledger.crypto.ses.judging import Findings, Judges, covers, judged, known, period_of, signed_by, without_critical
from ledger.crypto.ses.values import Seal, Version


@dataclass(frozen=True, slots=True)
class SealCase:
    seal: Seal
    when: int | None
    judges: Judges

    @property
    def moment(self) -> int:
        return known(self.when)

    @property
    def maker_moment(self) -> int:
        """When the maker's certificate must have been good: since 2025 when the seal was made, before then at the
        moment itself."""
        return self.seal.info.created if self.seal.version is Version.V5 else self.moment


def _seal_signature(case: SealCase) -> Findings:
    seal = case.seal
    return signed_by(seal.maker, seal.algorithm, seal.signature, seal.signed, "SES_SEAL_SIGNATURE")


def _maker_usage(case: SealCase) -> Findings:
    return () if read_holder(case.seal.maker).may_sign else (failed("SES_MAKER_USAGE"),)


def _maker_period(case: SealCase) -> Findings:
    maker = read_holder(case.seal.maker)
    if not covers(maker, case.maker_moment):
        return (failed("SES_MAKER_PERIOD", moment=case.maker_moment, **period_of(maker)),)
    return () if covers(maker, case.moment) else (noted("SES_MAKER_EXPIRED_SINCE", **period_of(maker)),)


def _maker_path(case: SealCase) -> Findings:
    return judged(case.judges.maker, case.seal.maker, case.maker_moment, "SES_MAKER_NOT_JUDGED")


def _seal_created(case: SealCase) -> Findings:
    """GM/T 0031-2025: a seal cannot come from the future, nor be made after its own end."""
    info = case.seal.info
    if case.seal.version is not Version.V5:
        return (noted("SES_RULE_LATER"),)
    if info.created > min(case.moment, info.valid_until):
        return (failed("SES_SEAL_CREATED", created=info.created, moment=case.moment),)
    return ()


def _seal_period(case: SealCase) -> Findings:
    info = case.seal.info
    if case.moment < info.valid_from:
        return (failed("SES_SEAL_NOT_YET", since=info.valid_from, moment=case.moment),)
    if case.moment > info.valid_until:
        return (failed("SES_SEAL_EXPIRED", until=info.valid_until, moment=case.moment),)
    return ()


def _seal_extensions(case: SealCase) -> Findings:
    return without_critical(case.seal.info.extensions, "SES_SEAL_EXTENSION")


def _seal_token(case: SealCase) -> Findings:
    if case.seal.token is None:
        return (noted("SES_TOKEN_NONE"),)
    if case.judges.token is None:
        return (undetermined("SES_SEAL_TOKEN_NOT_JUDGED"),)
    proved = case.judges.token(case.seal.token, case.seal.signature)
    if proved < case.seal.info.created:
        return (failed("SES_SEAL_TOKEN_EARLY", created=case.seal.info.created, proved=proved),)
    return ()


SEAL_STEPS: tuple[tuple[str, Callable[[SealCase], Findings]], ...] = (
    ("seal_signature", _seal_signature),
    ("maker_usage", _maker_usage),
    ("maker_period", _maker_period),
    ("maker_path", _maker_path),
    ("seal_created", _seal_created),
    ("seal_period", _seal_period),
    ("seal_extensions", _seal_extensions),
    ("seal_token", _seal_token),
)
"""Steps 2 to 9; step 1 is the format."""
