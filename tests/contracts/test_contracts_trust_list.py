"""TrustList, the council's part: services, keys, qualifications, authorities and the published list."""

from __future__ import annotations

from typing import Any

import pytest
from contracts_support import FOREVER, START, ZERO, Chain, Event, Revert, word
from contracts_trust import (
    CA,
    CERTIFICATION,
    GRANTED,
    GUANGDONG,
    KEY,
    OCSP,
    PROVIDER,
    ROOT,
    SEAL_MAKER,
    SUSPENDED,
    TSA,
    WITHDRAWN,
    TrustWorld,
    clerk,
    listing,
    terms,
)
from contracts_world import OFFICE, address, key, reverts
from eth_abi.abi import encode
from eth_utils.crypto import keccak

NEW, NUMBER, ID = word("new certificate"), word("ECP44010420001"), word("qualification")
QUALIFY = ("qualify", ID, PROVIDER, CERTIFICATION, NUMBER, 0, FOREVER)
WRITES: list[tuple[Any, ...]] = [
    ("listService", NEW, listing()),
    ("describeService", ROOT, word("another description")),
    ("setServiceStatus", ROOT, WITHDRAWN),
    ("bar", ROOT),
    ("compromiseKey", KEY, 1),
    QUALIFY,
    ("setAuthority", GUANGDONG, address(OFFICE)),
    ("publish", 1, word("list"), FOREVER),
]


def history(*statuses: tuple[int, int]) -> bytes:
    """Of these (status, since), as a reader of the events computes it."""
    digest = ZERO
    for status, since in statuses:
        digest = bytes(keccak(encode(["bytes32", "uint8", "uint40"], [digest, status, since])))
    return digest


# ---- who ----


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write[0])
def test_only_the_council_writes(trust: TrustWorld, write: tuple[Any, ...]) -> None:
    for name in (clerk(GUANGDONG), OFFICE, "nobody"):
        with reverts("NotCouncil", address(name).lower()):
            trust.contract.send(key(name), *write)
    assert trust.council(*write).events


def test_only_the_council_ends_a_qualification(trust: TrustWorld) -> None:
    trust.council(*QUALIFY)
    with reverts("NotCouncil", address(clerk(GUANGDONG)).lower()):
        trust.authority(GUANGDONG, "endQualification", ID, 0)
    assert trust.council("endQualification", ID, 0).events


def test_a_trust_list_stands_on_a_consortium_for_ever(trust: TrustWorld) -> None:
    assert trust.contract.view("consortium") == "0x" + trust.world.consortium.address.hex()
    with pytest.raises(Revert):  # no consortium, no council: nobody could ever write
        Chain().deploy(key("council"), "TrustList", "0x" + "00" * 20)


def test_what_was_written_in_one_trust_list_is_in_no_other(trust: TrustWorld) -> None:
    other = trust.world.chain.deploy(key("council"), "TrustList", trust.world.consortium.address)
    assert other.view("serviceOf", ROOT)[3] == 0
    with reverts("NotAuthority", GUANGDONG, address(clerk(GUANGDONG)).lower()):
        other.send(key(clerk(GUANGDONG)), "recognise", terms(), 0, FOREVER)


# ---- services ----


@pytest.mark.parametrize("service_type", [CA, OCSP, TSA, SEAL_MAKER])
def test_a_service_is_granted_from_the_block_that_lists_it(trust: TrustWorld, service_type: int) -> None:
    done = trust.council("listService", NEW, listing(word("new key"), service_type))
    assert done.events == [
        Event(
            "ServiceListed",
            (NEW, PROVIDER, word("new key"), service_type, word("subject"), word("description")),
        ),
        Event("ServiceStatusChanged", (NEW, GRANTED, done.time, 1)),
    ]
    assert trust.service(NEW) == {
        "type": service_type,
        "status": GRANTED,
        "since": done.time,
        "count": 1,
        "provider": PROVIDER,
        "key": word("new key"),
        "name": word("subject"),
        "document": word("description"),
        "history": history((GRANTED, done.time)),
    }
    assert trust.contract.view("keyOf", word("new key")) == (done.time, 0)


@pytest.mark.parametrize("service_type", [0, SEAL_MAKER + 1, 255])
def test_an_unknown_type_of_service_is_refused(trust: TrustWorld, service_type: int) -> None:
    with reverts("ServiceTypeUnknown", service_type):
        trust.council("listService", NEW, listing(word("new key"), service_type))


@pytest.mark.parametrize("provider", [ZERO, bytes(12) + b"\1" * 20], ids=["empty", "right-aligned"])
def test_a_provider_has_a_left_aligned_id(trust: TrustWorld, provider: bytes) -> None:
    with reverts("ProviderInvalid", provider):
        trust.council("listService", NEW, listing(provider=provider))
    with reverts("ProviderInvalid", provider):
        trust.council("qualify", ID, provider, CERTIFICATION, NUMBER, 0, FOREVER)


def test_no_digest_of_a_service_is_left_out(trust: TrustWorld) -> None:
    with reverts("DigestMissing"):
        trust.council("listService", ZERO, listing())
    for place in (2, 3, 4):
        offered = list(listing())
        offered[place] = ZERO
        with reverts("DigestMissing"):
            trust.council("listService", NEW, tuple(offered))
    with reverts("DigestMissing"):
        trust.council("describeService", ROOT, ZERO)


def test_a_certificate_is_listed_once_even_after_its_withdrawal(trust: TrustWorld) -> None:
    for status in (None, SUSPENDED, WITHDRAWN):
        if status:
            trust.council("setServiceStatus", ROOT, status)
        with reverts("ServiceKnown", ROOT):
            trust.council("listService", ROOT, listing(word("another key"), TSA))


def test_only_a_service_s_description_can_be_replaced(trust: TrustWorld) -> None:
    before = trust.service()
    done = trust.council("describeService", ROOT, word("another"))
    assert done.events == [Event("ServiceDescribed", (ROOT, word("another")))]
    assert trust.service() == {**before, "document": word("another")}


@pytest.mark.parametrize(
    "write",
    [("describeService", NEW, ID), ("setServiceStatus", NEW, GRANTED), ("bar", NEW)],
    ids=lambda write: write[0],
)
def test_nothing_is_said_of_an_unlisted_service(trust: TrustWorld, write: tuple[Any, ...]) -> None:
    with reverts("ServiceUnknown", NEW):
        trust.council(*write)


def test_statuses_change_as_of_their_block_and_each_is_kept(trust: TrustWorld) -> None:
    entries = [(GRANTED, trust.service()["since"])]
    for status in (SUSPENDED, GRANTED, WITHDRAWN, GRANTED, SUSPENDED, WITHDRAWN, SUSPENDED):
        trust.world.chain.time += 1_000
        done = trust.council("setServiceStatus", ROOT, status)
        entries.append((status, done.time))
        assert done.events == [Event("ServiceStatusChanged", (ROOT, status, done.time, len(entries)))]
        found = trust.service()
        assert (found["status"], found["since"], found["count"]) == (status, done.time, len(entries))
        assert found["history"] == history(*entries)


def test_a_status_that_stands_is_not_written_again(trust: TrustWorld) -> None:
    for status in (GRANTED, SUSPENDED, WITHDRAWN):
        if status != GRANTED:
            trust.council("setServiceStatus", ROOT, status)
        with reverts("ServiceStatusStands", ROOT, status):
            trust.council("setServiceStatus", ROOT, status)
    for status in (0, 4):
        with reverts("ServiceStatusUnknown", status):
            trust.council("setServiceStatus", ROOT, status)


def test_a_bar_suspends_what_is_granted_and_undoes_nothing_else(trust: TrustWorld) -> None:
    done = trust.council("bar", ROOT)
    assert done.events == [Event("ServiceStatusChanged", (ROOT, SUSPENDED, done.time, 2))]
    assert trust.council("bar", ROOT).events == []
    trust.council("setServiceStatus", ROOT, WITHDRAWN)
    assert trust.council("bar", ROOT).events == []
    assert trust.service()["status"] == WITHDRAWN


# ---- keys ----


def test_a_compromise_may_lie_in_the_past_and_moves_only_further_back(trust: TrustWorld) -> None:
    since = trust.contract.view("keyOf", KEY)[0]
    done = trust.council("compromiseKey", KEY, START - 500)
    assert done.events == [Event("KeyCompromised", (KEY, START - 500))]
    for later in (START - 500, START - 499, trust.now):
        with reverts("NotEarlier", START - 500, later):
            trust.council("compromiseKey", KEY, later)
    trust.council("compromiseKey", KEY, 1)
    assert trust.contract.view("keyOf", KEY) == (since, 1)


def test_a_compromise_is_neither_zero_nor_in_the_future(trust: TrustWorld) -> None:
    for ahead in (1, 1_000):
        since = trust.now + ahead
        with reverts("SinceOutOfRange", since):
            trust.council("compromiseKey", KEY, since)
    with reverts("SinceOutOfRange", 0):
        trust.council("compromiseKey", KEY, 0)
    trust.council("compromiseKey", KEY, trust.now)


def test_a_compromise_meets_the_renewed_certificate_and_no_third_is_listed(trust: TrustWorld) -> None:
    listed = trust.contract.view("keyOf", KEY)
    trust.council("listService", NEW, listing())  # renewed root, the same key
    assert trust.contract.view("keyOf", KEY) == listed
    trust.council("compromiseKey", KEY, START)
    for certificate in (ROOT, NEW):
        with reverts("KeyNotTrusted", KEY, START):
            trust.authority(GUANGDONG, "recognise", terms(certificate=certificate), 0, FOREVER)
    with reverts("KeyNotTrusted", KEY, START):
        trust.council("listService", word("third"), listing())
    trust.council("listService", word("third"), listing(word("new key")))


def test_a_key_of_no_service_cannot_be_compromised(trust: TrustWorld) -> None:
    with reverts("KeyUnknown", word("stranger's key")):
        trust.council("compromiseKey", word("stranger's key"), 1)
