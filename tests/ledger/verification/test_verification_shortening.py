"""The trust file outranks the list on chain, which only shortens trust."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bundle_factory as f
import pytest
from list_factory import (
    GRANTED,
    PIN,
    SUSPENDED,
    TERMS,
    WITHDRAWN,
    key_of,
    proof,
    service,
    snapshot,
)

from ledger.core.manifests import ChainIdentity
from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trust_lists import DatedState
from ledger.core.trust_services import ServiceStatus, TrustListProof, TrustSnapshot
from ledger.core.trusted_chains import TrustListPin
from ledger.core.verdicts import Indication, Step
from ledger.proofs.trust_list_layout import key_slot, recognition_slot, service_slot
from ledger.verification import verify

PASSED, OPEN, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED
UNPROVED = {"PATH_LIST_UNPROVED"}


def judged(listed: TrustSnapshot | TrustListProof | None, trust: Trust | None = None) -> tuple[Indication, set[str]]:
    bundle, chosen = f.stapled(), trust or f.make_trust()
    if isinstance(listed, TrustSnapshot):
        listed = proof(listed, bundles=(bundle,), trust=chosen)
    report = verify(f.facts(bundle, listed=listed, trust=chosen))
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


def test_a_status_of_the_second_in_which_the_file_was_issued_may_be_newer_than_the_file() -> None:
    listed = snapshot(service(f.ROOT, (GRANTED, f.T - 2000), (WITHDRAWN, f.T - 1000)))
    assert judged(listed) == (OPEN, {"PATH_NOT_GRANTED_ON_CHAIN"})


def test_the_report_names_the_authority_its_state_and_since_when() -> None:
    bundle = f.stapled()
    listed = snapshot(service(f.ROOT, (GRANTED, f.T - 2000), (SUSPENDED, f.T - 10), compromised=f.T - 3))
    report = verify(f.facts(bundle, listed=proof(listed, bundles=(bundle,))))
    told = {x.code: dict(x.values) for r in report.steps if r.step is Step.PATH for x in r.findings}
    name = f.certificate(f.ROOT).sha256.hex()
    assert told == {
        "PATH_NOT_GRANTED_ON_CHAIN": {"authority": name, "state": "suspended", "since": f.T - 10},
        "PATH_COMPROMISED_ON_CHAIN": {"authority": name, "since": f.T - 3},
    }


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


# ---- a node that lies ----------------------------------------------------------------------------------------------

WITHDRAWN_NOW = snapshot(service(f.ROOT, (GRANTED, f.T - 2000), (WITHDRAWN, f.T - 10)))
BUNDLE = f.stapled()


def answered(told: TrustSnapshot | None = None, chain: TrustSnapshot = WITHDRAWN_NOW, **changes: Any) -> TrustListProof:
    return proof(chain, told, bundles=(BUNDLE,), **changes)


@pytest.mark.parametrize(
    "told",
    [
        snapshot(service()),  # the withdrawal left out
        snapshot(service(f.ROOT, (WITHDRAWN, f.T - 10))),  # the beginning left out
        snapshot(service(f.ROOT, (GRANTED, f.T - 2000), (SUSPENDED, f.T - 10))),
        snapshot(service(f.ROOT, (GRANTED, f.T - 2000), (WITHDRAWN, f.T + 10**6))),  # dated later
        snapshot(service(f.ROOT, (WITHDRAWN, f.T - 10), (GRANTED, f.T - 2000))),
        snapshot(service(f.STRANGER)),  # the service left out
        replace(WITHDRAWN_NOW, services=()),
    ],
)
def test_a_node_that_hides_or_bends_a_withdrawal_is_not_believed(told: TrustSnapshot) -> None:
    assert judged(answered(told)) == (OPEN, UNPROVED)


def test_what_the_node_tells_of_later_blocks_does_not_count_yet() -> None:
    later = snapshot(service(f.ROOT, (GRANTED, f.T - 2000), (WITHDRAWN, f.T - 10)))
    assert judged(answered(later, chain=snapshot(service()))) == (PASSED, set())


def test_a_compromise_and_an_end_count_by_their_slots_whatever_the_node_tells() -> None:
    fallen = snapshot(service(compromised=f.T - 5))
    assert judged(answered(snapshot(), chain=fallen)) == (OPEN, {"PATH_COMPROMISED_ON_CHAIN"})
    ended = snapshot(ended=f.T - 5)
    assert judged(answered(snapshot(), chain=ended)) == (OPEN, {"PATH_RECOGNITION_ENDED_ON_CHAIN"})


ROOT = f.certificate(f.ROOT)


@pytest.mark.parametrize(
    "slot",
    [
        service_slot(ROOT.sha256),
        key_slot(key_of(ROOT.der)),
        recognition_slot(*TERMS.words()),
        service_slot(f.certificate(f.ISSUING).sha256),
    ],
    ids=["service", "key", "recognition", "between"],
)
def test_a_slot_that_the_node_does_not_prove_stays_open(slot: bytes) -> None:
    full = snapshot(service(), service(f.ISSUING), ended=f.T + 10**6)  # each slot has a leaf of its own
    assert judged(answered(chain=full)) == (PASSED, set())
    assert judged(answered(chain=full, without=[slot])) == (OPEN, UNPROVED)


OTHER = TrustListPin(b"\x1e" * 20, b"\x1f" * 32)


@pytest.mark.parametrize(
    "change",
    [
        {"code": b"\x01" * 32},  # another contract at the address
        {"sealers": (5,)},  # a header of the node's own
        {"time": f.NOW - 301},  # sealed, but from before the withdrawal
    ],
)
def test_a_list_of_another_code_or_of_no_sealed_or_of_an_old_block_proves_nothing(change: dict[str, Any]) -> None:
    assert judged(answered(chain=snapshot(), **change)) == (OPEN, UNPROVED)


def test_a_block_that_is_just_young_enough_is() -> None:
    assert judged(answered(chain=snapshot(), time=f.NOW - 300)) == (PASSED, set())


@pytest.mark.parametrize("pin", [OTHER, replace(OTHER, address=PIN.address), replace(OTHER, code=PIN.code)])
def test_the_file_says_which_list_is_the_chains(pin: TrustListPin) -> None:
    def trust(named: TrustListPin) -> Trust:
        return f.make_trust(chains=(f.make_chain(trust_list=named),))

    assert judged(answered(chain=snapshot()), trust(PIN)) == (PASSED, set())
    assert judged(answered(chain=snapshot(), pin=pin), trust(PIN)) == (OPEN, UNPROVED)


def test_a_list_of_another_chain_says_nothing_of_this_one() -> None:
    elsewhere = replace(answered(), chain=ChainIdentity(9, bytes(32), bytes(20)))
    assert judged(elsewhere) == (PASSED, set())


@pytest.mark.parametrize("nodes", [(), (b"\x80",), (b"\xc0" * 40,)])
def test_bytes_that_are_no_proof_never_fail_a_record(nodes: tuple[bytes, ...]) -> None:
    assert judged(replace(answered(), nodes=nodes)) == (OPEN, UNPROVED)
    assert judged(replace(answered(), header=b"\x01")) == (OPEN, UNPROVED)


def test_a_node_that_tells_of_the_state_and_not_of_the_list_leaves_it_open() -> None:
    bundle, pinned = f.issue(), f.make_trust(chains=(f.make_chain(trust_list=PIN),))

    def codes(**changes: Any) -> tuple[Indication, set[str]]:
        report = verify(f.facts(bundle, fresh_state=f.make_state(bundle), **changes))
        return report.indication, {x.code for r in report.steps if r.step is Step.PATH for x in r.findings}

    assert codes() == (PASSED, set())  # the ledger has none
    assert codes(trust=pinned) == (OPEN, UNPROVED)
    offline = verify(f.facts(f.stapled(bundle), trust=pinned))
    assert offline.indication is PASSED  # the file alone decides where no node is asked


def test_as_of_the_bundle_an_older_list_will_do() -> None:
    report = verify(f.facts(BUNDLE, listed=answered(chain=snapshot(), time=f.NOW - 301), as_of_bundle=True))
    assert not {x.code for r in report.steps for x in r.findings} & UNPROVED


def test_a_certificate_that_only_the_bundle_brings_along_is_asked_for() -> None:
    listed = snapshot(service(), service(f.ISSUING, (GRANTED, f.T - 2000), (WITHDRAWN, f.T - 10)))
    assert judged(answered(snapshot(), chain=listed)) == (OPEN, UNPROVED)
