"""Judges of seals and of their time-stamps by authorities that the verifier names, without a trust list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger.core.bundles import ValidationData
from ledger.crypto.ses.judging import Judges, merged, refuse
from ledger.crypto.ses.paths import root_judges
from ledger.crypto.timestamps import over, verify_token
from ledger.services.token_reports import judge_under


def judges_under(roots: Sequence[bytes], data: ValidationData, now: int) -> Judges:
    """As `root_judges`; tokens, too, are believed under ``roots`` (DER). ``now``: as in `report_token`."""

    def token(token: bytes, stamped: bytes) -> int:
        """When it says; raises InputError ``CMS_…``, ``TIMESTAMP_…``, ``TIME_TOKEN_…``, NotFoundError for what is
        open."""
        read = verify_token(token, over(stamped), data.certificates)
        refuse(judge_under(read, roots, data, now))
        return read.time

    return replace(
        root_judges(roots, data), token=token, beside=lambda more: judges_under(roots, merged(data, more), now)
    )
