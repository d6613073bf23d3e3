"""Step 9 with a token: T1, what it moves, and that nothing about it can be taken out or changed."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import bundle_factory as f
import pytest
import time_factory as t
from test_verification_removal import places, taken_out, written

from ledger.core.bundles import Bundle
from ledger.core.trust_lists import DatedState
from ledger.core.verdicts import Indication, Outcome, Step
from ledger.crypto import sm2
from ledger.crypto.cms import verify_detached
from ledger.errors import ConfigError
from ledger.verification import Report, verify
from ledger.verification.policies import TOLERANCES

PASSED, OPEN, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED


def codes(report: Report, step: Step = Step.TIME) -> set[str]:
    return {found.code for r in report.steps if r.step is step for found in r.findings}


def test_a_token_gives_the_time_of_the_signature() -> None:
    report = verify(t.facts())
    assert report.indication is PASSED
    time = report.proved["time"]
    assert (time["notBefore"], time["signature"], time["anchored"]) == (f.T - 60, t.STAMPED, f.T)
    (token,) = time["tokens"]
    assert (token["authority"], token["accuracy"], token["algorithm"]) == (t.ROOT, 1, "ecdsa-sha256")
    assert time["source"] == "token" and token["asOf"] == f.T - 3600
    assert codes(report) == {"TIME_TOKEN_REVOCATION_PROVISIONAL"}


def test_a_token_that_does_not_say_how_accurate_it_is() -> None:
    report = verify(t.facts(t.stamped(accuracy=None)))
    assert report.indication is PASSED and report.proved["time"]["tokens"][0]["accuracy"] is None


def test_a_token_where_the_file_has_no_policy_is_judged_like_any_other() -> None:
    report = verify(t.facts(jurisdiction="HK"))
    assert report.indication is OPEN and codes(report) == {"TIME_TOKEN_REVOCATION_PROVISIONAL"}


def test_without_a_token_the_block_stands_for_it() -> None:
    report = verify(f.facts(f.stapled()))
    assert report.proved["time"] | {"tokens": None} == {
        "notBefore": f.T - 60,
        "signature": f.T,
        "anchored": f.T,
        "source": "chain",
        "tokens": None,
    }
    assert codes(report) == {"TIME_NO_TOKEN"}


SKEW, LATE = TOLERANCES.clock_skew, TOLERANCES.late


@pytest.mark.parametrize(
    ("issue", "facts", "expected"),
    [
        ({"after_time": f.T + SKEW, "manifest": {"closed": f.T}}, {}, set()),
        ({"after_time": f.T + SKEW + 1, "manifest": {"closed": f.T + 1}}, {}, {"TIME_ORDER"}),
        ({}, {"now": f.T - SKEW}, set()),
        ({}, {"now": f.T - SKEW - 1}, {"TIME_IN_FUTURE"}),
        ({"manifest": {"closed": f.T - 60 - SKEW}}, {}, set()),
        ({"manifest": {"closed": f.T - 61 - SKEW}}, {}, {"TIME_CLOSED_IMPLAUSIBLE"}),
        ({"manifest": {"closed": f.T + SKEW}}, {}, set()),
        ({"manifest": {"closed": f.T + SKEW + 1}}, {}, {"TIME_CLOSED_IMPLAUSIBLE"}),
        ({"after_time": f.T - LATE, "manifest": {"closed": f.T - LATE}}, {}, set()),
        ({"after_time": f.T - LATE - 1, "manifest": {"closed": f.T - LATE - 1}}, {}, {"TIME_LATE"}),
    ],
)
def test_clocks_may_differ_so_much_and_no_more(issue: Any, facts: Any, expected: set[str]) -> None:
    report = verify(f.facts(f.stapled(f.issue(**issue)), **facts))
    found = codes(report) & {"TIME_ORDER", "TIME_IN_FUTURE", "TIME_CLOSED_IMPLAUSIBLE", "TIME_LATE"}
    assert found == expected


def test_a_token_that_may_be_hours_off_gives_no_time() -> None:
    report = verify(t.facts(t.stamped(accuracy=b"\x30\x04\x02\x02\x0e\x10")))
    assert codes(report) >= {"TIME_TOKEN_INACCURATE"}
    assert (report.proved["time"]["source"], report.proved["time"]["signature"]) == ("chain", f.T)


@pytest.mark.parametrize("time", [f.T - 60 - SKEW, f.T + SKEW])
def test_a_token_s_clock_may_differ_as_well(time: int) -> None:
    assert "TIME_TOKEN_ORDER" not in codes(verify(t.facts(t.stamped(time=time))))
    accurate = t.stamped(accuracy=b"\x30\x03\x02\x01" + bytes((SKEW,)))
    assert "TIME_TOKEN_INACCURATE" not in codes(verify(t.facts(accurate)))


@pytest.mark.parametrize("policy", ["required", "independent"])
def test_a_policy_that_wants_a_token_has_it(policy: str) -> None:
    trust = t.trust(t.authority(provider=f.DEFINER), policies=(f.make_policy(token=policy),))
    assert verify(t.facts(trust=trust)).indication is PASSED
    assert verify(f.facts(f.stapled(), trust=trust)).cause_code == "TIME_TOKEN_REQUIRED"


def test_independent_means_of_every_operator_of_the_chain() -> None:
    policies = (f.make_policy(token="independent"),)
    trust = t.trust(t.authority(provider=f.OPERATORS[3]), policies=policies)
    assert verify(t.facts(trust=trust)).indication is PASSED  # of another chain's
    bundle = f.stapled(t.stamped(t.promised(chain=f.QBFT)), chain=f.QBFT)
    four = replace(trust, chains=(f.make_chain(f.QBFT),))
    assert verify(f.facts(bundle, trust=four)).cause_code == "TIME_TOKEN_NOT_INDEPENDENT"


def test_two_signatures_need_two_tokens_and_exist_at_the_later() -> None:
    bundle = t.promised(2)
    first, second = t.stamped(bundle), t.stamped(bundle, t.STAMPED + 4)
    both = replace(bundle, signatures=(second.signatures[0], first.signatures[1]))
    report = verify(t.facts(both))
    assert (report.indication, report.proved["time"]["signature"]) == (PASSED, t.STAMPED + 4)
    for signatures in ((bundle.signatures[0], first.signatures[1]), (second.signatures[0], bundle.signatures[1])):
        half = verify(t.facts(replace(bundle, signatures=signatures)))
        assert half.indication is OPEN and "TIME_TOKEN_MISSING" in codes(half)
        assert half.proved["time"]["source"] == "chain"
    late = replace(both, signatures=(second.signatures[0], t.stamped(bundle, f.T + SKEW + 1).signatures[1]))
    assert verify(t.facts(late)).proved["time"]["source"] == "chain"


def test_a_token_of_nobody_gives_no_time() -> None:
    report = verify(t.facts(trust=f.make_trust()))
    assert (report.indication, report.proved["time"]["source"]) == (OPEN, "chain")


# ---- what T1 moves


def test_a_certificate_that_was_revoked_between_token_and_anchor() -> None:
    """Judged at T1 it signed in time; without the token it had not."""
    lists = replace(t.validation(), crls=tuple(sorted((*_late_lists(), t.crl(t.ROOT), t.crl(t.ISSUING)))))
    assert verify(t.facts(t.stamped(t.promised(validation=lists)))).indication is PASSED
    plain = verify(f.facts(f.stapled(f.issue(validation=f.validation(crls=tuple(sorted(_late_lists())))))))
    assert (plain.indication, plain.cause_code) == (FAILED, "REVOCATION_REVOKED")


def _late_lists() -> tuple[bytes, bytes]:
    serial = f.leaf("A").x509.serial_number
    return f.crl(f.ROOT), f.crl(f.ISSUING, f.T + 60, serial, t.STAMPED + 5)


@pytest.mark.parametrize(
    ("since", "indication"), [(t.STAMPED, FAILED), (t.STAMPED + 1, OPEN), (f.T, OPEN), (f.T + 1, PASSED)]
)
def test_a_signing_key_that_fell(since: int, indication: Indication) -> None:
    fallen = f.CompromisedSigner(f.OFFICE_A, f.leaf("A").sha256, since)
    report = verify(t.facts(trust=t.trust(compromised_signers=(fallen,))))
    assert report.indication is indication
    assert ("SIGNER_COMPROMISED" in codes(report, Step.SIGNER_BINDING)) == (indication is not PASSED)


def test_a_signing_key_of_somebody_else_that_fell_is_no_matter() -> None:
    others = f.CompromisedSigner(f.OFFICE_A, f.leaf("B").sha256, f.T - 10**6)
    assert verify(t.facts(trust=t.trust(compromised_signers=(others,)))).indication is PASSED


@pytest.mark.parametrize(
    ("since", "indication"), [(t.STAMPED, FAILED), (t.STAMPED + 1, OPEN), (f.T, OPEN), (f.T + 1, PASSED)]
)
@pytest.mark.parametrize("of", ["authority of signers", "authority of time"])
def test_an_authority_s_key_that_fell(of: str, since: int, indication: Indication) -> None:
    signers = f.make_authority(compromised_since=since if of.endswith("signers") else None)
    time = t.authority(compromised_since=since if of.endswith("time") else None)
    trust = f.make_trust(authorities=(signers, time))
    assert verify(t.facts(trust=trust)).indication is indication


def test_data_taken_after_the_token_settle_it_for_a_court() -> None:
    later = f.T + 3600
    lists = (f.crl(f.ROOT, later), f.crl(f.ISSUING, later), t.crl(t.ROOT, later), t.crl(t.ISSUING, later))
    data = replace(t.validation(), crls=tuple(sorted(lists)))
    trust = t.trust(policies=(f.make_policy(revocation="final"),))
    report = verify(t.facts(t.stamped(t.promised(validation=data)), trust=trust))
    assert report.indication is PASSED
    assert not codes(report) & {"TIME_TOKEN_REVOCATION_PROVISIONAL", "REVOCATION_PROVISIONAL"}


# ---- who is believed about the time


def test_an_authority_may_be_listed_itself() -> None:
    """If it leads to a CA of the file, which could have revoked it, or issued itself."""
    own, root = t.authority(t.STAMPER), t.authority(t.ROOT, service="ca")
    assert verify(t.facts(trust=t.trust(own, root))).indication is PASSED
    bare = t.promised(validation=f.validation())
    for listed in ((own,), (own, root)):
        report = verify(t.facts(t.stamped(bare), trust=t.trust(*listed)))
        assert (report.indication, report.cause_code) == (OPEN, "TIME_TOKEN_ISSUER_UNLISTED")
    alone = t.authority(t.RIVAL)
    assert verify(t.facts(t.stamped(bare, by=t.tsa(t.RIVAL)), trust=t.trust(alone))).indication is PASSED
    for change in ({"state": "suspended"}, {"state": "withdrawn"}):
        struck = replace(own, states=(DatedState("granted", f.T - 10**6), DatedState(since=t.STAMPED, **change)))
        report = verify(t.facts(trust=t.trust(struck, root)))
        told = [finding.code for result in report.steps for finding in result.findings]
        assert told.count("TIME_TOKEN_AUTHORITY_NOT_GRANTED") == 1  # once, though it is on the path as well


@pytest.mark.parametrize(("since", "indication"), [(t.STAMPED, FAILED), (t.STAMPED + 1, PASSED)])
def test_an_authority_struck_after_its_token_had_stood(since: int, indication: Indication) -> None:
    """And one that was struck under an old certificate stands while another of its key is granted."""
    states = (DatedState("granted", f.T - 10**6), DatedState("withdrawn", since))
    between = t.authority(t.ISSUING, states=states)
    assert verify(t.facts(trust=t.trust(t.authority(), between))).indication is indication
    renewed = t.authority(certificate=t.certificate(t.ISSUING, f.T - 50 * 86_400).der)
    assert verify(t.facts(trust=t.trust(t.authority(), between, renewed))).indication is PASSED


def test_a_revocation_of_a_listed_authority_cannot_be_left_out() -> None:
    lists = t.validation(t.crl(t.ROOT), t.crl(t.ISSUING, revoked=t.STAMPED - 1))
    trust = t.trust(t.authority(t.STAMPER), t.authority(t.ROOT, service="ca"))
    whole = t.stamped(t.promised(validation=lists))
    assert verify(t.facts(whole, trust=trust)).cause_code == "TIME_TOKEN_REVOKED"
    for less in (replace(lists, crls=f.validation().crls), f.validation()):
        assert verify(t.facts(replace(whole, validation=less), trust=trust)).indication is OPEN


def test_an_authority_listed_for_time_certifies_no_signer() -> None:
    trust = f.make_trust(authorities=(f.make_authority(service="tsa"), t.authority()))
    report = verify(t.facts(trust=trust))
    assert report.indication is OPEN and "PATH_REFUSED" in codes(report, Step.PATH)


def test_an_unknown_authority_makes_no_forgery_of_what_lies_beside_its_token() -> None:
    """A trust file without it: what its token needs is there, and is not called unused."""
    report = verify(t.facts(trust=f.make_trust()))
    assert report.indication is OPEN and report.cause_code == "TIME_TOKEN_PATH_REFUSED"
    independent = f.make_trust(policies=(f.make_policy(token="independent"),))
    assert codes(verify(t.facts(trust=independent))) == {"TIME_TOKEN_PATH_REFUSED"}
    assert [r.step for r in report.steps if r.outcome is Outcome.UNDETERMINED] == [Step.TIME]


def test_a_revocation_after_the_anchor_is_no_matter() -> None:
    for reason in ("superseded", "key_compromise"):
        lists = t.validation(t.crl(t.ROOT), t.crl(t.ISSUING, f.T + 20, f.T + 10, reason))
        assert verify(t.facts(t.stamped(t.promised(validation=lists)))).indication is PASSED


def test_a_machine_without_sm2_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise ConfigError("SM2_UNAVAILABLE")

    key = sm2.generate()
    spki = sm2.spki_of(key.public_key().point)
    made = _with_key(t.certificate(t.STAMPER).der, spki)
    bundle = t.stamped(by=t.Tsa(key, made))
    monkeypatch.setattr(sm2, "backend", none)
    report = verify(t.facts(bundle))
    assert report.indication is OPEN and codes(report) == {"STEP_IMPOSSIBLE_HERE"}


def _with_key(certificate: bytes, spki: bytes) -> bytes:
    """Another key in a certificate, whose issuer's signature then does not hold."""
    from ledger.crypto import der

    signed, algorithm, signature = der.read(certificate, der.SEQUENCE).children()
    fields = [field.outer for field in signed.children()]
    return der.write(
        der.SEQUENCE, der.write(der.SEQUENCE, *fields[:6], spki, *fields[7:]), algorithm.outer, signature.outer
    )


# ---- back-filled licenses


def test_what_an_older_system_stated_is_told_from_what_is_proved() -> None:
    stated = 1_325_376_000  # 2012-01-01T08:00 in China
    record = f.make_record(origin="takenOver", issued=stated)
    report = verify(t.facts(t.stamped(t.promised(record=record))))
    assert report.indication is PASSED and "TIME_TAKEN_OVER" in codes(report)
    issued = next(line for line in report.lines if line.topic.value == "issued")
    assert issued.code == "LINE_ISSUED_TAKEN_OVER"
    assert "2012-01-01" in issued.text("zh") and "2027-01-15" in issued.text("en")
    provenance = next(line for line in report.conclusions if line.topic.value == "provenance")
    assert "2012-01-01" in provenance.text("zh") and "stated, not proved" in provenance.text("en")
    plain = verify(f.facts(f.stapled(f.issue(record))))
    assert plain.indication is PASSED and {"TIME_TAKEN_OVER", "TIME_NO_TOKEN"} == codes(plain)


# ---- nothing can be taken out or changed


def honest() -> Bundle:
    return f.stapled(t.stamped())


def test_where_no_signature_holds_no_token_is_taken_for_whole() -> None:
    report = verify(t.facts(replace(t.stamped(), signatures=(b"\x30\x00",))))
    assert report.indication is FAILED and codes(report) == {"TIME_TOKEN_MISSING"}


def without_token(bundle: Bundle) -> Bundle:
    content = bundle.manifest.to_bytes()
    found = verify_detached(bundle.signatures[0], content)
    attributes = t.signed_attributes(content, found.certificate, found.signing_time)
    return replace(bundle, signatures=(t.assemble(found.certificate, attributes, found.signature),))


@pytest.mark.parametrize("promised", [True, False])
@pytest.mark.parametrize("policy", ["optional", "required", "independent"])
def test_no_bundle_passes_for_having_lost_its_token(promised: bool, policy: str) -> None:
    trust = t.trust(t.authority(provider=f.DEFINER), policies=(f.make_policy(token=policy),))
    whole = t.stamped() if promised else t.stamped(f.issue())
    before = verify(t.facts(whole, trust=trust))
    for bundle in (without_token(whole), replace(without_token(whole), validation=f.validation())):
        after = verify(t.facts(bundle, trust=trust))
        if promised:  # what is not promised was slack: without it the honest bundle is back
            assert (before.indication, after.indication is PASSED) == (PASSED, False)


def test_nothing_of_the_token_s_evidence_can_be_taken_out() -> None:
    tree = honest().to_json()
    passing = []
    for path in places(tree["validation"], ("validation",)):
        report = verify(f.facts(written(taken_out(tree, path)), trust=t.trust()))
        if report.indication is PASSED:
            passing.append(path)
    assert passing == []


def test_flipped_bits_never_pass_and_never_raise() -> None:
    whole, rng = t.stamped(), random.Random(5)
    signature, lists = whole.signatures[0], whole.validation.crls
    for _ in range(60):
        changed = bytearray(signature)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        report = verify(t.facts(replace(whole, signatures=(bytes(changed),))))
        assert report.indication is not PASSED
        assert not any(x.code == "STEP_FAULT" for r in report.steps for x in r.findings)
    for _ in range(20):
        broken = [bytearray(each) for each in lists]
        one = rng.choice(broken)
        one[rng.randrange(len(one))] ^= 1 << rng.randrange(8)
        data = replace(whole.validation, crls=tuple(sorted(map(bytes, broken))))
        report = verify(t.facts(replace(whole, validation=data)))
        assert report.indication is not PASSED
        assert not any(x.code == "STEP_FAULT" for r in report.steps for x in r.findings)
