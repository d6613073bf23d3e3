"""The list on chain is asked about whoever gave the time and whoever made a seal as well as about the signer."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import attacks_on_seals as seals
import bundle_factory as f
import pytest
import ses_kit as ses
import time_factory as t
from list_factory import GRANTED, SUSPENDED, WITHDRAWN, of_certificate, proof, snapshot

from ledger.core.registries import Kind
from ledger.core.trust_documents import Agreement, document_id
from ledger.core.trust_services import ListedService, RecognitionTerms, ServiceType, TrustSnapshot
from ledger.core.verdicts import Indication, Step
from ledger.crypto.certificates import fingerprint
from ledger.verification import verify

PASSED, OPEN = Indication.TOTAL_PASSED, Indication.INDETERMINATE


def stamped(listed: TrustSnapshot, told: TrustSnapshot | None = None, **changes: Any) -> tuple[Indication, set[str]]:
    bundle, trust = t.stamped(), t.trust()
    brought = [t.certificate(t.STAMPER).der]  # as the gatherer takes it out of the token
    offered = proof(listed, told, bundles=(bundle,), certificates=brought, trust=trust)
    report = verify(f.facts(f.stapled(bundle), trust=trust, listed=replace(offered, **changes)))
    found = {x.code for r in report.steps if r.step is Step.TIME for x in r.findings}
    return report.indication, found - {"TIME_TOKEN_REVOCATION_PROVISIONAL"}


def tsa(name: str, *statuses: tuple[object, int], compromised: int | None = None) -> ListedService:
    der = t.certificate(name).der
    return of_certificate(der, *statuses, compromised=compromised, type_=ServiceType.TSA)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [t.ROOT, t.ISSUING, t.STAMPER])
def test_a_time_stamp_authority_that_was_withdrawn_since_the_file(name: str) -> None:
    assert stamped(snapshot(tsa(name))) == (PASSED, set())
    withdrawn = snapshot(tsa(name, (GRANTED, f.T - 2000), (WITHDRAWN, t.STAMPED)))
    assert stamped(withdrawn) == (OPEN, {"TIME_TOKEN_NOT_GRANTED_ON_CHAIN"})
    assert stamped(snapshot(tsa(name, (GRANTED, f.T - 2000), (WITHDRAWN, t.STAMPED + 1)))) == (PASSED, set())
    assert stamped(snapshot(tsa(name, (GRANTED, f.T - 5000), (SUSPENDED, f.T - 1001)))) == (PASSED, set())


@pytest.mark.parametrize("name", [t.ROOT, t.ISSUING, t.STAMPER])
def test_a_time_stamp_authoritys_key_that_fell_before_the_block(name: str) -> None:
    """Between token and block it may have dated the token back."""
    assert stamped(snapshot(tsa(name, compromised=f.T))) == (OPEN, {"TIME_TOKEN_COMPROMISED_ON_CHAIN"})
    assert stamped(snapshot(tsa(name, compromised=f.T + 1))) == (PASSED, set())


def test_a_status_of_whoever_stamped_that_is_bent_is_not_believed() -> None:
    withdrawn = snapshot(tsa(t.STAMPER, (GRANTED, f.T - 2000), (WITHDRAWN, t.STAMPED)))
    assert stamped(withdrawn, snapshot(tsa(t.STAMPER))) == (OPEN, {"PATH_LIST_UNPROVED"})


def test_a_list_that_is_not_proved_at_all_is_said_once_and_of_the_signer() -> None:
    assert stamped(snapshot(tsa(t.ROOT)), nodes=()) == (OPEN, set())


def test_a_withdrawn_authority_of_time_says_nothing_against_the_signer() -> None:
    bundle, trust = t.stamped(), t.trust()
    listed = snapshot(tsa(t.ROOT, (GRANTED, f.T - 2000), (WITHDRAWN, t.STAMPED)))
    report = verify(f.facts(f.stapled(bundle), trust=trust, listed=proof(listed, bundles=(bundle,), trust=trust)))
    assert not [x for r in report.steps if r.step is Step.PATH for x in r.findings]


# ---- seals ---------------------------------------------------------------------------------------------------------

SEAL_TERMS = RecognitionTerms(
    "CN", fingerprint(ses.authority()), int(Kind.SEAL), 3, document_id(Agreement("CN", "工信部名单"))
)


def sealed(listed: TrustSnapshot) -> tuple[Indication, set[str]]:
    trust = replace(seals.trust(), issued=1)  # older than the seal
    offered = proof(listed, trust=trust, certificates=f.validation().certificates)
    report = verify(seals.facts(listed=offered, trust=trust))
    told = str([r for r in report.steps if r.step is Step.SEALS])
    return report.indication, set(re.findall(r"[A-Z_]+_ON_CHAIN|PATH_LIST_UNPROVED", told))


def maker(*statuses: tuple[object, int], compromised: int | None = None) -> ListedService:
    return of_certificate(
        ses.authority(), *statuses, compromised=compromised, type_=ServiceType.SEAL_MAKER  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_maker_of_seals_that_was_withdrawn_or_fell_since_the_file() -> None:
    ses.require_sm2()
    assert sealed(snapshot(maker((GRANTED, 1)))) == (PASSED, set())
    later = ses.NOW - 1
    assert sealed(snapshot(maker((GRANTED, 1), (WITHDRAWN, later)))) == (OPEN, {"PATH_NOT_GRANTED_ON_CHAIN"})
    assert sealed(snapshot(maker((GRANTED, 1), compromised=f.T))) == (OPEN, {"PATH_COMPROMISED_ON_CHAIN"})
    assert sealed(snapshot(maker((GRANTED, 1), compromised=f.T + 1)))[0] is PASSED


def test_a_recognition_of_seals_that_ended_on_chain() -> None:
    ses.require_sm2()
    listed = snapshot(maker((GRANTED, 1)), ended=2, terms=SEAL_TERMS)
    assert sealed(listed) == (OPEN, {"PATH_RECOGNITION_ENDED_ON_CHAIN"})
