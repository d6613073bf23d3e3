"""TrustList: recognition is the recognising jurisdiction's own act; and the real council with its delay."""

from __future__ import annotations

from typing import Any

import pytest
from contracts_support import FOREVER, ZERO, Chain, Contract, Event, Revert, word
from contracts_trust import (
    AGREEMENT,
    BEIJING,
    GRANTED,
    GUANGDONG,
    HONG_KONG,
    KEY,
    LICENSE,
    LOGIN,
    ROOT,
    SUSPENDED,
    WITHDRAWN,
    TrustWorld,
    clerk,
    listing,
    terms,
)
from contracts_world import ANCHOR, OFFICE, RELATE, STATUS, SUPERIOR, address, key, reverts
from eth_abi.abi import encode
from eth_utils.crypto import keccak


def id_of(offered: tuple[Any, ...]) -> bytes:
    return bytes(keccak(encode(["bytes32", "bytes32", "uint16", "uint8", "bytes32"], list(offered))))


def test_a_jurisdiction_recognises_for_itself(trust: TrustWorld) -> None:
    done = trust.authority(GUANGDONG, "recognise", terms(), 0, FOREVER)
    account = address(clerk(GUANGDONG)).lower()
    values = (GUANGDONG, ROOT, AGREEMENT, LICENSE, 3, account, done.time, FOREVER)
    assert done.events == [Event("Recognised", values)]
    assert trust.window() == (done.time, FOREVER)
    assert trust.window(BEIJING) == trust.window(HONG_KONG) == (0, 0)


@pytest.mark.parametrize("name", [clerk(BEIJING), clerk(HONG_KONG), OFFICE, SUPERIOR, "council", "nobody"], ids=str)
def test_nobody_recognises_or_ends_for_another_jurisdiction(trust: TrustWorld, name: str | bytes) -> None:
    trust.authority(GUANGDONG, "recognise", terms(level=1), 0, FOREVER)
    with reverts("NotAuthority", GUANGDONG, address(name).lower()):
        trust.contract.send(key(name), "recognise", terms(), 0, FOREVER)
    with reverts("NotAuthority", GUANGDONG, address(name).lower()):
        trust.contract.send(key(name), "endRecognition", terms(level=1), 0)


def test_a_jurisdiction_without_authority_recognises_nothing(trust: TrustWorld) -> None:
    unknown = b"SG".ljust(32, b"\0")
    for name in (clerk(GUANGDONG), "council"):
        with reverts("NotAuthority", unknown, address(name).lower()):
            trust.contract.send(key(name), "recognise", terms(unknown), 0, FOREVER)


def test_whom_the_council_bars_or_strips_speaks_for_no_jurisdiction(trust: TrustWorld) -> None:
    account = address(clerk(GUANGDONG))
    trust.authority(GUANGDONG, "recognise", terms(level=1), 0, FOREVER)
    for permissions in (0, ANCHOR | STATUS):
        trust.world.council("setAccount", account, OFFICE, permissions)
        for write in (("recognise", terms(), 0, FOREVER), ("endRecognition", terms(level=1), 0)):
            with reverts("PermissionMissing", account.lower(), RELATE):
                trust.authority(GUANGDONG, *write)
    trust.world.council("setAccount", account, OFFICE, RELATE)
    trust.world.council("bar", OFFICE)
    with reverts("OrganisationBarred", OFFICE):
        trust.authority(GUANGDONG, "recognise", terms(), 0, FOREVER)
    trust.world.council("unbar", OFFICE)
    trust.authority(GUANGDONG, "recognise", terms(), 0, FOREVER)


def test_purpose_level_and_agreement_are_each_a_recognition_of_their_own(trust: TrustWorld) -> None:
    offered = [
        terms(),
        terms(BEIJING),
        terms(purpose=LOGIN),
        terms(level=4),
        terms(agreement=word("renewed")),
    ]
    for each in offered:
        trust.authority(each[0], "recognise", each, 0, FOREVER)
    trust.authority(GUANGDONG, "endRecognition", offered[0], 0)
    assert [trust.window(*each)[1] for each in offered][1:] == [FOREVER] * 4


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"purpose": 0}, ("PurposeMissing",)),
        ({"level": 0}, ("LevelOutOfRange", 0)),
        ({"level": 5}, ("LevelOutOfRange", 5)),
        ({"agreement": ZERO}, ("DigestMissing",)),
        ({"certificate": word("unlisted")}, ("ServiceUnknown", word("unlisted"))),
    ],
    ids=str,
)
def test_malformed_terms_are_refused(trust: TrustWorld, changes: dict[str, Any], error: tuple[Any, ...]) -> None:
    with reverts(*error):
        trust.authority(GUANGDONG, "recognise", terms(**changes), 0, FOREVER)
    assert trust.window(**changes) == (0, 0)


def test_only_a_granted_service_is_recognised_and_what_was_recognised_stays_written(trust: TrustWorld) -> None:
    written = trust.authority(GUANGDONG, "recognise", terms(), 0, FOREVER).time
    for status in (SUSPENDED, WITHDRAWN):
        trust.council("setServiceStatus", ROOT, status)
        with reverts("ServiceNotGranted", ROOT, status):
            trust.authority(BEIJING, "recognise", terms(BEIJING), 0, FOREVER)
    assert trust.window() == (written, FOREVER)  # the service's own status says the rest
    trust.authority(GUANGDONG, "endRecognition", terms(), 0)
    trust.council("setServiceStatus", ROOT, GRANTED)
    trust.authority(BEIJING, "recognise", terms(BEIJING), 0, FOREVER)


def test_a_recognition_never_begins_before_its_block(trust: TrustWorld) -> None:
    for level, begin in enumerate((0, 1, trust.now - 1), start=1):
        done = trust.authority(GUANGDONG, "recognise", terms(level=level), begin, FOREVER)
        assert trust.window(level=level) == (done.time, FOREVER)
    later = trust.now + 500
    trust.authority(GUANGDONG, "recognise", terms(level=4), later, later + 1)
    assert trust.window(level=4) == (later, later + 1)
    with reverts("WindowEmpty", later, later):
        trust.authority(GUANGDONG, "recognise", terms(purpose=2), later, later)
    now = trust.now
    with reverts("WindowEmpty", now, now):
        trust.authority(GUANGDONG, "recognise", terms(purpose=2), 0, now)


def test_an_end_moves_only_to_an_earlier_instant_and_never_into_the_past(trust: TrustWorld) -> None:
    end = trust.now + 1_000
    trust.authority(GUANGDONG, "recognise", terms(), 0, end)
    for later in (end, end + 1, FOREVER):
        with reverts("NotEarlier", end, later):
            trust.authority(GUANGDONG, "endRecognition", terms(), later)
    account = address(clerk(GUANGDONG)).lower()
    done = trust.authority(GUANGDONG, "endRecognition", terms(), end - 1)
    assert done.events == [Event("RecognitionEnded", (GUANGDONG, ROOT, AGREEMENT, LICENSE, 3, account, end - 1))]
    done = trust.authority(GUANGDONG, "endRecognition", terms(), 1)
    assert trust.window()[1] == done.time
    with reverts("NotEarlier", done.time, trust.now):
        trust.authority(GUANGDONG, "endRecognition", terms(), 0)
    with reverts("RecognitionUnknown", id_of(terms(BEIJING))):
        trust.authority(BEIJING, "endRecognition", terms(BEIJING), 0)


def test_a_recognition_is_written_once_and_returns_only_under_another_agreement(trust: TrustWorld) -> None:
    window = trust.authority(GUANGDONG, "recognise", terms(), 0, trust.now + 50).time
    trust.world.chain.time += 100
    with reverts("RecognitionKnown", id_of(terms())):  # ended by itself: still on record, never overwritten
        trust.authority(GUANGDONG, "recognise", terms(), 0, FOREVER)
    trust.authority(GUANGDONG, "recognise", terms(agreement=word("renewed")), 0, FOREVER)
    assert trust.window()[0] == window


def test_a_recognition_can_be_ended_before_it_begins(trust: TrustWorld) -> None:
    begin = trust.now + 1_000
    trust.authority(GUANGDONG, "recognise", terms(), begin, FOREVER)
    done = trust.authority(GUANGDONG, "endRecognition", terms(), 0)
    assert trust.window() == (begin, done.time)  # empty: it ends before its first second


def test_the_successor_of_an_account_ends_what_it_recognised(trust: TrustWorld) -> None:
    trust.authority(GUANGDONG, "recognise", terms(), 0, FOREVER)
    trust.council("setAuthority", GUANGDONG, address(SUPERIOR))
    done = trust.contract.send(key(SUPERIOR), "endRecognition", terms(), 0)
    assert done.events[0].values[5] == address(SUPERIOR).lower()


# ---- under the council itself ----

DELAY = 3_600


def decide(chain: Chain, council: Contract, *calls: tuple[bytes, bytes], wait: int) -> None:
    id_ = council.send(key("member"), "propose", list(calls)).values[0]
    council.send(key("member"), "approve", id_)
    chain.time += wait
    council.send(key("member"), "execute", id_)


def test_a_bar_passes_the_council_without_delay_and_its_lifting_does_not() -> None:
    chain = Chain()
    council = chain.deploy(key("member"), "Council", [(OFFICE, address("member"))], 1, DELAY)
    consortium = chain.deploy(key("member"), "Consortium", council.address)
    trust = chain.deploy(key("member"), "TrustList", consortium.address)

    def call(function: str, *arguments: Any) -> tuple[bytes, bytes]:
        return trust.address, trust.calldata(function, *arguments)

    roots = [word("root SM2"), word("root RSA")]
    decide(chain, council, *(call("listService", root, listing()) for root in roots), wait=DELAY)
    decide(chain, council, *(call("bar", root) for root in (roots[0], *roots)), wait=0)
    assert [trust.view("serviceOf", root)[1] for root in roots] == [SUSPENDED] * 2
    for slow in (call("setServiceStatus", roots[0], GRANTED), call("compromiseKey", KEY, 1)):
        with pytest.raises(Revert) as caught:
            decide(chain, council, slow, wait=0)
        assert caught.value.name == "ProposalInState"
        decide(chain, council, slow, wait=DELAY)
    assert trust.view("serviceOf", roots[0])[1] == GRANTED
