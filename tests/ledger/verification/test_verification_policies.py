"""Whose rules apply, and what a compromise touches."""

from __future__ import annotations

import sys
from typing import Any

import bundle_factory as f
import pytest

from ledger.core.registries import Kind
from ledger.core.trust_lists import Recognition
from ledger.core.verdicts import Outcome, worst
from ledger.errors import InputError
from ledger.verification.case import Times
from ledger.verification.compromise import fallen
from ledger.verification.policies import (
    TOLERANCES,
    enclosing,
    is_takeover,
    policy_for,
    recognitions_for,
    require_recognised,
)

CA = f.certificate(f.ROOT).sha256


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


def test_an_open_recognition_does_not_end() -> None:
    trust = f.make_trust(recognitions=(f.make_recognition(Kind.LICENSE, since=100),))
    assert len(recognitions_for(trust, CA, Kind.LICENSE, "CN", 2**40)) == 1
    assert recognitions_for(trust, CA, Kind.LICENSE, "CN", 99) == ()


def recognised(*which: Recognition, at: int = 150, level: int | None = 2, purpose: Kind | str = Kind.LICENSE) -> Any:
    return require_recognised(f.make_trust(recognitions=which), CA, purpose, "CN-ZJ", level, at)


def of_level(level: int, **changes: Any) -> Recognition:
    return f.make_recognition(Kind.LICENSE, **{"since": 100, "level": level, **changes})


def test_of_several_recognitions_the_highest_level_counts() -> None:
    low, high = of_level(1), of_level(3)
    for which in ((low, high), (high, low)):
        assert recognised(*which, level=3) == high
        assert recognised(*which, level=None) == high
        assert recognised(*which, level=2) == high


@pytest.mark.parametrize(("wanted", "passes"), [(None, True), (1, True), (2, True), (3, False), (4, False)])
def test_the_level_asked_for_is_the_least(wanted: int | None, passes: bool) -> None:
    if passes:
        assert recognised(of_level(2), level=wanted) == of_level(2)
        return
    with pytest.raises(InputError) as low:
        recognised(of_level(2), level=wanted)
    assert low.value.code == "PATH_LEVEL_TOO_LOW"
    assert (low.value.values["level"], low.value.values["wanted"]) == (2, wanted)


def refusal(*which: Recognition, **question: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(InputError) as refused:
        recognised(*which, **question)
    values = dict(refused.value.values)
    assert (values.pop("kind"), values.pop("jurisdiction")) == ("license", "CN-ZJ")
    assert values.pop("authority") == CA.hex()
    return refused.value.code, values


def test_what_was_recognised_at_another_time_is_told_with_the_day() -> None:
    ended = ("PATH_RECOGNITION_ENDED", {"until": 150, "at": 150})
    assert refusal(of_level(2, until=150)) == ended  # the end itself is outside
    assert recognised(of_level(2, until=151)) == of_level(2, until=151)
    assert refusal(of_level(2, until=150), of_level(2, until=120)) == ended  # the last end is told
    assert refusal(of_level(2, until=150), of_level(2, since=200)) == ended
    later = ("PATH_RECOGNISED_LATER", {"since": 151, "at": 150})
    assert refusal(of_level(2, since=151), of_level(2, since=160)) == later
    assert refusal(of_level(2, since=151, until=180)) == later
    assert recognised(of_level(2, since=150)) == of_level(2, since=150)


@pytest.mark.parametrize(
    "change", [{"purpose": "evidence"}, {"jurisdiction": "CN-SC"}, {"jurisdiction": "FR"}, {"authority": b"\x01" * 32}]
)
def test_what_was_recognised_for_others_is_not_recognised(change: dict[str, Any]) -> None:
    assert refusal(of_level(2, **change)) == ("PATH_NOT_RECOGNISED", {})
    assert refusal(of_level(2, until=120, **change)) == ("PATH_NOT_RECOGNISED", {})
    assert recognised(of_level(2, **change), of_level(3)) == of_level(3)


def test_a_person_is_recognised_by_the_word_of_the_purpose() -> None:
    identity = of_level(2, purpose="identity")
    assert recognised(identity, purpose="identity") == identity
    assert refusal(identity) == ("PATH_NOT_RECOGNISED", {})


def test_the_strictest_answer_is_taken_question_by_question() -> None:
    mild, strict = f.make_policy(level=1), f.make_policy(finality="bft", token="required", revocation="final", level=4)
    for policies in ((mild, strict), (strict, mild)):
        found = policy_for(f.make_trust(policies=policies), "CN")
        assert found == strict
    assert policy_for(f.make_trust(policies=(mild,)), "CN-ZJ") == mild
    assert policy_for(f.make_trust(policies=(mild,)), None) == mild
    assert policy_for(f.make_trust(policies=()), None) is None


def test_an_empty_name_of_a_jurisdiction_is_nobodys() -> None:
    """Where nobody is named all policies count, where an odd one is, none does."""
    assert policy_for(f.make_trust(), "") is None
    assert recognitions_for(f.make_trust(), CA, Kind.LICENSE, "", f.T) == ()
    assert recognitions_for(f.make_trust(), CA, Kind.LICENSE, None, f.T)


def test_clocks_may_differ_by_what_formats_says() -> None:
    assert (TOLERANCES.clock_skew, TOLERANCES.late, TOLERANCES.freshness) == (120, 86_400, 300)


def test_only_what_was_taken_over_is_read_leniently() -> None:
    assert is_takeover(f.make_record(origin="takenOver"))
    assert not is_takeover(f.make_record())


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
