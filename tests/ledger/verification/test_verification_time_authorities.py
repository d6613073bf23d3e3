"""Step 9: whose tokens count, under which certificate, and what the trust file's word on them is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bundle_factory as f
import ocsp_kit as kit
import pytest
import time_factory as t

from ledger.core.bundles import Bundle
from ledger.core.trust_lists import DatedState
from ledger.core.verdicts import Indication, Step
from ledger.verification import Report, verify

PASSED, OPEN, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED
WITHDRAWN = (DatedState("granted", f.T - 10**6), DatedState("withdrawn", t.STAMPED))


def codes(report: Report) -> set[str]:
    return {found.code for r in report.steps if r.step is Step.TIME for found in r.findings}


def judged(bundle: Bundle | None = None, *authorities: Any, **changes: Any) -> tuple[Indication, set[str]]:
    report = verify(t.facts(bundle, trust=t.trust(*authorities, **changes)))
    return report.indication, codes(report)


def bare() -> Bundle:
    """With nothing about the authority."""
    return t.promised(validation=f.validation())


# ---- listed by its own certificate


def test_the_word_on_a_listed_authority_is_that_of_its_own_entry() -> None:
    """Whatever stands of the CA above it: that one is there for revocations alone."""
    own = t.authority(t.STAMPER, provider=f.DEFINER)
    above = t.authority(t.ROOT, service="ca", states=WITHDRAWN, provider=f.OFFICE_A)
    report = verify(t.facts(trust=t.trust(own, above, policies=(f.make_policy(token="independent"),))))
    assert report.indication is PASSED
    (token,) = report.proved["time"]["tokens"]
    assert (token["authority"], token["provider"]) == (t.STAMPER, f.DEFINER)


def test_a_listed_authority_may_stand_under_another_that_is_listed_for_time() -> None:
    assert judged(None, t.authority(t.STAMPER), t.authority(t.ROOT))[0] is PASSED


@pytest.mark.parametrize("service", ["ocsp", "sealMaker"])
def test_neither_a_responder_nor_a_maker_of_seals_vouches_for_a_listed_authority(service: str) -> None:
    found = judged(None, t.authority(t.STAMPER), t.authority(t.ROOT, service=service))
    assert found == (OPEN, {"TIME_TOKEN_ISSUER_UNLISTED"})


def test_a_listed_authority_that_was_struck_is_refused_without_what_is_above_it() -> None:
    indication, found = judged(t.stamped(bare()), t.authority(t.STAMPER, states=WITHDRAWN))
    assert indication is FAILED and "TIME_TOKEN_AUTHORITY_NOT_GRANTED" in found


@pytest.mark.parametrize("listed", ["itself", "its root"])
def test_a_broken_chain_is_refused_whoever_is_listed(listed: str) -> None:
    """The word on the authority itself does not mend what is above it."""
    ended = t.certificate(t.ISSUING, f.T - 200 * 86_400, t.STAMPED - 1).der
    own = [t.authority(t.STAMPER), t.authority(t.ROOT, service="ca")] if listed == "itself" else [t.authority()]
    whole = t.stamped(t.promised(validation=t.validation(certificates=(ended,))))
    assert judged(whole, *own) == (FAILED, {"TIME_TOKEN_PATH_REFUSED"})


@pytest.mark.parametrize(
    ("since", "until", "indication"),
    [
        (t.STAMPED, t.STAMPED, PASSED),
        (t.STAMPED + 1, t.STAMPED + 9, FAILED),
        (t.STAMPED - 9, t.STAMPED - 1, FAILED),
    ],
)
def test_a_certificate_that_issued_itself_has_dates_all_the_same(
    since: int, until: int, indication: Indication
) -> None:
    made = t.certificate(t.RIVAL, since, until)
    stamped = t.stamped(bare(), by=t.Tsa(made.key, made.der))
    assert judged(stamped, t.authority(certificate=made.der))[0] is indication


# ---- revocation


def test_another_reason_between_token_and_block_is_merely_told() -> None:
    lists = t.validation(t.crl(t.ROOT), t.crl(t.ISSUING, f.T + 10, t.STAMPED + 3, "superseded"))
    indication, found = judged(t.stamped(t.promised(validation=lists)))
    assert (indication, found) == (PASSED, {"TIME_TOKEN_REVOKED_LATER", "TIME_TOKEN_REVOCATION_PROVISIONAL"})


def response(responder: f.Certificate, about: bytes) -> bytes:
    single = kit.single(about, responder.der, taken=f.T - 3600, until=f.T + 3600)
    return kit.response(responder.der, kit.ecdsa(responder.key), single, produced=f.T - 3600)


def test_a_response_about_the_authority_is_no_slack() -> None:
    said = response(t.certificate(t.ISSUING), t.certificate(t.STAMPER).der)
    data = replace(t.validation(t.crl(t.ROOT)), ocsps=(said,))
    stamped = t.stamped(t.promised(validation=data))
    assert judged(stamped)[0] is PASSED
    assert judged(stamped, t.authority(t.RIVAL))[0] is OPEN  # whose path is open: nobody can say what is surplus
    stranger = response(t.certificate(t.RIVAL), t.certificate(t.STAMPER).der)
    data = replace(t.validation(), ocsps=(stranger,))
    assert judged(t.stamped(t.promised(validation=data)))[0] is FAILED


# ---- independence


def test_an_issuer_that_runs_no_validator_is_not_independent_of_itself_either() -> None:
    record = f.make_record(issuer=f.OFFICE_B)
    own = t.promised(record=record, office="B", accreditation=f.make_accreditation(organisation=f.OFFICE_B))
    policies = (f.make_policy(token="independent"),)
    for provider, told in ((f.OFFICE_B, {"TIME_TOKEN_NOT_INDEPENDENT"}), (f.DEFINER, set[str]())):
        found = judged(t.stamped(own), t.authority(provider=provider), policies=policies)[1]
        assert found & {"TIME_TOKEN_NOT_INDEPENDENT"} == told


def test_who_runs_another_chain_of_the_file_is_independent() -> None:
    other = f.make_chain(f.QBFT, identity=f.identity(id=1))
    trust = t.trust(t.authority(provider=f.OPERATORS[3]), policies=(f.make_policy(token="independent"),))
    trust = replace(trust, chains=(*trust.chains, other))
    assert verify(t.facts(trust=trust)).indication is PASSED
