"""The two chains of proof of a record in the suites with SM3, each by itself.

The *signature chain* (record – root by SM3 – signature by SM2 – time-stamp by SM2) is complete in national algorithms.
The *ledger chain* (order, uniqueness, status) rests on SHA-256, Keccak-256 and secp256k1, whatever the suite (why.md
F10): neither stands for the other, so the report names each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ledger.core.verdicts import Outcome, StepResult
from ledger.crypto.suites import SM2_SM3, key_algorithms
from ledger.verification.case import Case
from ledger.verification.lines import Line, Topic, make_line


def make_chains(case: Case, results: Sequence[StepResult], proved: dict[str, Any]) -> tuple[Line, ...]:
    """None for records of the suite without SM3."""
    if case.bundle is None or not case.bundle.manifest.suite.has_sm3:
        return ()
    national = make_line(Topic.NATIONAL_CHAIN, results, {})
    if national.outcome is Outcome.PASSED:
        national = _qualified(national, case, proved)
    return national, make_line(Topic.LEDGER_CHAIN, results, {})


def _qualified(line: Line, case: Case, proved: dict[str, Any]) -> Line:
    """The signature holds; whether all that it rests on is national is another question."""
    others = sorted(_algorithms(case, proved) - {SM2_SM3})
    if others:
        values = {"algorithms": ", ".join(others)}
        return replace(line, outcome=Outcome.UNDETERMINED, code="LINE_NATIONAL_CHAIN_MIXED", values=values)
    if case.bundle is not None and not case.bundle.manifest.expects.token:
        return replace(line, code="LINE_NATIONAL_CHAIN_BLOCK_TIME")
    return line


def _algorithms(case: Case, proved: dict[str, Any]) -> set[str]:
    """Names of the algorithms of every key on the path of the signature by SM2, which stands first, and on that of the
    time-stamp over it."""
    found = key_algorithms(case.paths[0].path.certificates if case.paths else ())
    for token in proved.get("time", {}).get("tokens", ())[:1]:
        found |= {token["algorithm"], *token["keys"]}
    return found
