"""What is signed by the list on chain stands in it, word for word: a node is believed in nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bundle_factory as f
import pytest
from list_factory import GRANTED, PIN, TERMS, WITHDRAWN, of_certificate, proof, service, snapshot

from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trust_services import (
    ListedRecognition,
    Qualification,
    QualificationType,
    ServiceType,
    TrustSnapshot,
)
from ledger.core.verdicts import Finding, Outcome
from ledger.errors import InputError
from ledger.proofs.trust_list_layout import key_slot, recognition_slot
from ledger.verification import verify
from ledger.verification.case import Case
from ledger.verification.listed import every_slot, on_chain, prove_list, require_told, terms_of, wanted_slots

HELD = Qualification(QualificationType.CERTIFICATION, "91440101000800219F", b"\x07" * 32, f.T - 900, f.T + 900)
TRUST = f.make_trust(recognitions=(f.make_recognition(Kind.LICENSE),))
LISTED = replace(
    snapshot(
        service(f.ROOT, (GRANTED, f.T - 2000), (WITHDRAWN, f.T - 10), compromised=f.T - 5),
        of_certificate(f.certificate(f.STRANGER).der, type_=ServiceType.TSA),
    ),
    recognitions=(
        ListedRecognition(TERMS, f.T - 5000, f.T - 7),
        ListedRecognition(replace(TERMS, level=2), f.T - 5000, f.T + 5000),
    ),
    qualifications=((b"\x08" * 32, HELD),),
)


def require(told: TrustSnapshot, chain: TrustSnapshot = LISTED, trust: Trust = TRUST) -> None:
    """As whoever signs does it: the slots follow from the file and from what the node tells."""
    offered = proof(chain, told, slots=every_slot(trust, told))
    require_told(prove_list(f.make_chain(), offered)[0], told, trust)


def first(**changes: Any) -> TrustSnapshot:
    one, *others = LISTED.services
    return replace(LISTED, services=(replace(one, **changes), *others))


def listed_as(**changes: Any) -> TrustSnapshot:
    return first(listing=replace(LISTED.services[0].listing, **changes))


def held(**changes: Any) -> TrustSnapshot:
    return replace(LISTED, qualifications=((b"\x08" * 32, replace(HELD, **changes)),))


def recognised(*entries: ListedRecognition) -> TrustSnapshot:
    return replace(LISTED, recognitions=entries)


def test_what_is_so_is_believed() -> None:
    require(LISTED)
    require(replace(LISTED, services=LISTED.services[:1]))  # of another service a node may say nothing: that adds none


SERVICE, OTHER = LISTED.services
ENDED, OPEN = LISTED.recognitions
LIES: dict[str, TrustSnapshot] = {
    "never withdrawn": first(statuses=SERVICE.statuses[:1]),
    "withdrawn later": first(statuses=(SERVICE.statuses[0], replace(SERVICE.statuses[1], since=f.T + 10))),
    "more statuses than there are": first(statuses=(*SERVICE.statuses, SERVICE.statuses[0])),
    "never compromised": first(compromised_since=None),
    "compromised later": first(compromised_since=f.T + 5),
    "compromised for whom it is not": replace(LISTED, services=(SERVICE, replace(OTHER, compromised_since=1))),
    "the file's service left out": replace(LISTED, services=(OTHER,)),
    "a service that nobody listed": replace(LISTED, services=(*LISTED.services, replace(OTHER, certificate=bytes(32)))),
    "compromised under another key": first(
        listing=replace(SERVICE.listing, key=OTHER.listing.key), compromised_since=None
    ),
    "a maker of time-stamps": listed_as(service_type=ServiceType.TSA),
    "another provider": listed_as(provider="HK:CA-1"),
    "another subject": listed_as(name=b"\x09" * 32),
    "another description": listed_as(document=b"\x09" * 32),
    "a recognition that never ended": recognised(replace(ENDED, until=2**40 - 1), OPEN),
    "a recognition from earlier on": recognised(ENDED, replace(OPEN, since=1)),
    "the end of one of the file's left out": recognised(OPEN),
    "a recognition that nobody gave": recognised(ENDED, OPEN, replace(OPEN, terms=replace(TERMS, level=4))),
    "a qualification of another number": held(number=bytes(32)),
    "a qualification of another provider": held(provider="HK:CA-1"),
    "a qualification of another type": held(qualification_type=QualificationType.GOVERNMENT),
    "a qualification from earlier on": held(since=1),
    "a qualification without an end": held(until=2**40 - 1),
    "a qualification that nobody has": replace(LISTED, qualifications=((bytes(32), HELD),)),
}


@pytest.mark.parametrize("told", LIES.values(), ids=LIES)
def test_a_lie_is_not_signed(told: TrustSnapshot) -> None:
    with pytest.raises(InputError, match=r"TRUST_LIST_|TRIE_NODE_MISSING"):
        require(told)


def test_a_recognition_for_what_the_contract_has_no_number_for_is_the_files_own() -> None:
    own = f.make_recognition(Kind.LICENSE, purpose="login")
    assert terms_of(own) is None
    require(LISTED, trust=f.make_trust(recognitions=(own,)))


def test_a_certificate_that_cannot_be_read_hides_none_behind_it() -> None:
    unread = f.make_authority(certificate=b"no certificate")
    wanted = every_slot(f.make_trust(authorities=(unread, f.make_authority())), snapshot(service(f.STRANGER)))
    assert key_slot(SERVICE.listing.key) in wanted


def test_only_what_a_question_is_about_is_asked_for() -> None:
    wanted = wanted_slots(TRUST, ("license",), (), LISTED)
    assert set(wanted) - set(wanted_slots(TRUST, ("seal",), (), LISTED)) == {recognition_slot(*TERMS.words())}


def no_statement(*_: object) -> Any:
    raise AssertionError("nobody asks about a change of status")


def test_a_chain_that_nobody_vouches_for_has_no_list() -> None:
    offered = proof(LISTED, slots=every_slot(TRUST, LISTED))
    assert on_chain(Case(f.facts(f.stapled(), listed=offered), judge_statement=no_statement)) is None


def test_the_report_says_why_a_node_told_nothing_of_the_list() -> None:
    bundle, pinned = f.issue(), f.make_trust(chains=(f.make_chain(trust_list=PIN),))
    why = Finding("TRUST_LIST_UNPROVED", Outcome.UNDETERMINED, {"cause": "TRIE_NODE_MISSING"})
    facts = f.facts(bundle, fresh_state=f.make_state(bundle), trust=pinned, problems=(why,))
    (found,) = (x for r in verify(facts).steps for x in r.findings if x.code == "PATH_LIST_UNPROVED")
    assert found.values == {"cause": why.code, "causeValues": why.values}
