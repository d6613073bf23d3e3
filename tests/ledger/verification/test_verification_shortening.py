"""The trust file outranks the list on chain, which only shortens trust."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import bundle_factory as f
import pytest

from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trust_documents import Agreement, document_id
from ledger.core.trust_lists import DatedState
from ledger.core.trust_services import (
    DatedStatus,
    ListedRecognition,
    ListedService,
    Listing,
    RecognitionTerms,
    ServiceStatus,
    ServiceType,
    TrustSnapshot,
)
from ledger.core.verdicts import Indication, Step
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.verification import verify

PASSED, OPEN, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED
GRANTED, SUSPENDED, WITHDRAWN = ServiceStatus
AGREEMENT = Agreement("CN", "工信部名单")
TERMS = RecognitionTerms("CN", f.certificate(f.ROOT).sha256, int(Kind.LICENSE), 3, document_id(AGREEMENT))


def service(name: str = f.ROOT, *statuses: tuple[ServiceStatus, int], compromised: int | None = None) -> ListedService:
    der = f.certificate(name).der
    key = hashlib.sha256(read_certificate(der).spki).digest()
    listing = Listing("91440101000800219F", ServiceType.CA, key, bytes(32), bytes(32))
    dated = tuple(DatedStatus(*one) for one in statuses or ((GRANTED, f.T - 2000),))
    return ListedService(fingerprint(der), listing, dated, compromised)


def snapshot(*services: ListedService, ended: int | None = None, terms: RecognitionTerms = TERMS) -> TrustSnapshot:
    recognitions = () if ended is None else (ListedRecognition(terms, f.T - 5000, ended),)
    return TrustSnapshot(20, services or (service(),), (), (), recognitions, frozenset())


def judged(listed: TrustSnapshot | None, trust: Trust | None = None) -> tuple[Indication, set[str]]:
    changes: dict[str, Any] = {} if trust is None else {"trust": trust}
    report = verify(f.facts(f.stapled(), listed=listed, **changes))
    return report.indication, {x.code for r in report.steps if r.step is Step.PATH for x in r.findings}


def test_a_list_that_agrees_changes_nothing() -> None:
    assert judged(snapshot(ended=f.T + 1)) == judged(None) == (PASSED, set())


@pytest.mark.parametrize("status", [SUSPENDED, WITHDRAWN])
def test_an_authority_that_the_chain_calls_otherwise_since_the_file_was_issued(status: ServiceStatus) -> None:
    listed = snapshot(service(f.ROOT, (GRANTED, f.T - 2000), (status, f.T - 10)))
    assert judged(listed) == (OPEN, {"PATH_NOT_GRANTED_ON_CHAIN"})


@pytest.mark.parametrize(
    "statuses",
    [
        ((GRANTED, f.T - 2000), (WITHDRAWN, f.T + 1)),  # it signed before
        ((GRANTED, f.T - 2000), (SUSPENDED, f.T - 20), (GRANTED, f.T - 10)),  # lifted in time
        ((GRANTED, f.T - 3000), (WITHDRAWN, f.T - 1001)),  # older than the file, whose makers knew of it
        ((WITHDRAWN, f.T + 5),),
    ],
)
def test_what_the_chain_says_of_other_days_or_older_than_the_file_does_not_count(
    statuses: tuple[tuple[ServiceStatus, int], ...],
) -> None:
    assert judged(snapshot(service(f.ROOT, *statuses))) == (PASSED, set())


def test_an_issuing_authority_below_the_anchor_counts_as_well() -> None:
    listed = snapshot(service(f.ISSUING, (GRANTED, f.T - 2000), (WITHDRAWN, f.T - 10)))
    assert judged(listed)[1] == {"PATH_NOT_GRANTED_ON_CHAIN"}
    assert judged(snapshot(service(f.STRANGER, (WITHDRAWN, f.T - 10)))) == (PASSED, set())


@pytest.mark.parametrize(("since", "codes"), [(f.T, {"PATH_COMPROMISED_ON_CHAIN"}), (f.T + 1, set())])
def test_a_compromise_that_the_file_does_not_know_yet(since: int, codes: set[str]) -> None:
    assert judged(snapshot(service(compromised=since))) == (OPEN if codes else PASSED, codes)


def test_a_key_that_fell_under_another_certificate_has_fallen() -> None:
    listed = replace(service(compromised=f.T - 5), certificate=bytes(32))
    assert judged(snapshot(listed)) == (OPEN, {"PATH_COMPROMISED_ON_CHAIN"})


def test_a_recognition_that_ended_on_chain() -> None:
    assert judged(snapshot(ended=f.T)) == (OPEN, {"PATH_RECOGNITION_ENDED_ON_CHAIN"})
    for change in ({"purpose": 2}, {"level": 2}, {"jurisdiction": "HK"}, {"agreement": bytes(32)}):
        assert judged(snapshot(ended=f.T, terms=replace(TERMS, **change))) == (PASSED, set())


def test_another_recognition_is_enough_if_its_level_is() -> None:
    def trust(level: int) -> Trust:
        second = f.make_recognition(Kind.LICENSE, reference="另一协议", level=level)
        return f.make_trust(recognitions=(f.make_recognition(Kind.LICENSE), second))

    assert judged(snapshot(ended=f.T), trust(2)) == (PASSED, set())  # the policy asks for 2
    assert judged(snapshot(ended=f.T), trust(1)) == (OPEN, {"PATH_RECOGNITION_ENDED_ON_CHAIN"})


def test_the_chain_never_lengthens_trust() -> None:
    states = (DatedState("granted", f.T - 1000), DatedState("withdrawn", f.T - 10))
    trust = f.make_trust(authorities=(f.make_authority(states=states),))
    reinstated = snapshot(service(f.ROOT, (GRANTED, f.T - 2000), (WITHDRAWN, f.T - 10), (GRANTED, f.T - 5)))
    assert judged(reinstated, trust) == (FAILED, {"PATH_AUTHORITY_NOT_GRANTED"})
    unknown = f.make_trust(recognitions=(f.make_recognition(Kind.EVIDENCE),))
    assert judged(snapshot(ended=f.T + 10**6), unknown)[0] is FAILED
