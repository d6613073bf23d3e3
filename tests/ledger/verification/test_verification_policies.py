"""Whose rules apply, and what a compromise touches."""

from __future__ import annotations

import sys

import bundle_factory as f
import pytest

from ledger.core.registries import Kind
from ledger.core.verdicts import Outcome, worst
from ledger.verification.case import Times
from ledger.verification.compromise import fallen
from ledger.verification.policies import enclosing, policy_for, recognitions_for


def test_enclosing_is_nearest_first_and_never_a_namesake() -> None:
    assert enclosing("CN-ZJ-HZ") == ("CN-ZJ-HZ", "CN-ZJ", "CN")
    assert "CN-Z" not in enclosing("CN-ZJ")


def test_nearest_policy_applies() -> None:
    national, own = f.make_policy(), f.make_policy(jurisdiction="CN-ZJ", level=4)
    trust = f.make_trust(policies=(national, own))
    assert policy_for(trust, "CN-ZJ-HZ") == own
    assert policy_for(trust, "CN-SC") == national
    assert policy_for(trust, "FR") is None


def test_nobody_asking_gets_the_strictest_answer() -> None:
    policies = (f.make_policy(finality="bft"), f.make_policy(jurisdiction="FR", token="required", level=4))
    found = policy_for(f.make_trust(policies=policies), None)
    assert found is not None
    assert (found.finality, found.token, found.revocation, found.level) == ("bft", "required", "provisional", 4)


@pytest.mark.parametrize("others", [("optional", "required", "independent"), ("independent", "required", "optional")])
def test_a_token_of_a_stranger_is_the_strictest_wish(others: tuple[str, ...]) -> None:
    found = policy_for(f.make_trust(policies=tuple(f.make_policy(token=word) for word in others)), "CN")
    assert found is not None and found.token == "independent"


def test_two_policies_of_one_jurisdiction_never_soften_each_other() -> None:
    policies = (f.make_policy(finality="bft"), f.make_policy())
    found = policy_for(f.make_trust(policies=policies), "CN")
    assert found is not None and found.finality == "bft"


def test_recognition_is_dated_and_by_purpose() -> None:
    trust = f.make_trust(recognitions=(f.make_recognition(Kind.LICENSE, since=100, until=200),))
    ca = f.certificate(f.ROOT).sha256

    def count(kind: Kind, jurisdiction: str | None, at: int) -> int:
        return len(recognitions_for(trust, ca, kind, jurisdiction, at))

    assert [count(Kind.LICENSE, "CN-ZJ", at) for at in (99, 100, 199, 200)] == [0, 1, 1, 0]
    assert count(Kind.EVIDENCE, "CN-ZJ", 150) == count(Kind.LICENSE, "FR", 150) == 0
    assert count(Kind.LICENSE, None, 150) == 1
    assert len(recognitions_for(trust, ca, "license", "CN", 150)) == 1
    assert recognitions_for(trust, ca, "identity", "CN", 150) == ()
    assert recognitions_for(trust, b"\x01" * 32, Kind.LICENSE, "CN", 150) == ()


@pytest.mark.parametrize(
    ("signature", "anchored", "expected"),
    [
        (98, 99, Outcome.PASSED),
        (99, 100, Outcome.UNDETERMINED),
        (100, 100, Outcome.FAILED),
        (100, 101, Outcome.FAILED),
        (101, 99, Outcome.FAILED),
    ],
)
def test_compromise_compares_both_proved_times(signature: int, anchored: int, expected: Outcome) -> None:
    found = fallen("SIGNER_COMPROMISED", 100, Times(0, signature, anchored))
    assert worst(tuple(found)) is expected


def test_verification_loads_no_chain_client_database_or_web_framework() -> None:
    import subprocess

    code = (
        "import ledger.verification, sys;"
        "bad = {'web3', 'sqlalchemy', 'fastapi', 'pyhanko', 'eth', 'pyhanko_certvalidator'} & set(sys.modules);"
        "sys.exit(', '.join(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
