"""TrustList, the council's part: qualifications, authorities, the published list; and what acts cost."""

from __future__ import annotations

import re

import pytest
from contracts_support import FOREVER, ROOT, ZERO, Event, name32, word
from contracts_trust import (
    AUTHORITIES,
    CERTIFICATION,
    GOVERNMENT,
    GUANGDONG,
    HONG_KONG,
    PROVIDER,
    SUSPENDED,
    TrustWorld,
    clerk,
    listing,
    terms,
)
from contracts_world import ALL, ANCHOR, OFFICE, RELATE, STATUS, address, key, reverts

NEW, NUMBER, ID = word("new certificate"), word("ECP44010420001"), word("qualification")
QUALIFY = ("qualify", ID, PROVIDER, CERTIFICATION, NUMBER, 0, FOREVER)


# ---- qualifications ----


def test_both_qualifications_of_a_provider_stand_side_by_side(trust: TrustWorld) -> None:
    for number, type_ in enumerate((CERTIFICATION, GOVERNMENT)):
        id_, begin = word(f"qualification {number}"), trust.now + 100
        done = trust.council("qualify", id_, PROVIDER, type_, NUMBER, begin, begin + 5)
        assert done.events == [Event("Qualified", (id_, PROVIDER, type_, NUMBER, begin, begin + 5))]
        assert trust.contract.view("qualificationOf", id_) == (type_, begin, begin + 5, PROVIDER, NUMBER)


def test_a_qualification_never_begins_before_its_block(trust: TrustWorld) -> None:
    for number, begin in enumerate((0, 1, trust.now - 1)):
        done = trust.council("qualify", word(str(number)), PROVIDER, GOVERNMENT, NUMBER, begin, FOREVER)
        assert trust.contract.view("qualificationOf", word(str(number)))[1] == done.time


def test_a_qualification_s_end_moves_only_to_an_earlier_instant_and_never_into_the_past(trust: TrustWorld) -> None:
    end = trust.now + 1_000
    trust.council("qualify", ID, PROVIDER, GOVERNMENT, NUMBER, 0, end)
    for later in (end, end + 1, FOREVER):
        with reverts("NotEarlier", end, later):
            trust.council("endQualification", ID, later)
    done = trust.council("endQualification", ID, end - 1)
    assert done.events == [Event("QualificationEnded", (ID, PROVIDER, end - 1))]
    done = trust.council("endQualification", ID, 1)
    assert done.events == [Event("QualificationEnded", (ID, PROVIDER, done.time))]
    with reverts("NotEarlier", done.time, trust.now):
        trust.council("endQualification", ID, 0)


def test_malformed_qualifications_are_refused(trust: TrustWorld) -> None:
    for type_ in (0, 3):
        with reverts("QualificationTypeUnknown", type_):
            trust.council("qualify", ID, PROVIDER, type_, NUMBER, 0, FOREVER)
    for id_, number in ((ZERO, NUMBER), (ID, ZERO)):
        with reverts("DigestMissing"):
            trust.council("qualify", id_, PROVIDER, GOVERNMENT, number, 0, FOREVER)
    with reverts("WindowEmpty", trust.now, trust.now):
        trust.council("qualify", ID, PROVIDER, GOVERNMENT, NUMBER, 0, trust.now)
    with reverts("QualificationUnknown", ID):
        trust.council("endQualification", ID, 0)
    trust.council(*QUALIFY)
    trust.council("endQualification", ID, 0)
    with reverts("QualificationKnown", ID):  # a renewal is another document
        trust.council(*QUALIFY)


# ---- authorities ----


def test_an_authority_is_one_account_in_place_of_the_one_before(trust: TrustWorld) -> None:
    found = trust.contract.view("authorityOf", GUANGDONG)
    assert found == (address(clerk(GUANGDONG)).lower(), AUTHORITIES[GUANGDONG])
    done = trust.council("setAuthority", GUANGDONG, address(OFFICE))
    assert done.events == [Event("AuthorityAppointed", (GUANGDONG, address(OFFICE).lower(), OFFICE))]
    with reverts("NotAuthority", GUANGDONG, address(clerk(GUANGDONG)).lower()):
        trust.authority(GUANGDONG, "recognise", terms(), 0, FOREVER)
    trust.contract.send(key(OFFICE), "recognise", terms(), 0, FOREVER)


def test_a_jurisdiction_can_be_left_without_authority(trust: TrustWorld) -> None:
    nobody = "0x" + "00" * 20
    done = trust.council("setAuthority", GUANGDONG, nobody)
    assert done.events == [Event("AuthorityAppointed", (GUANGDONG, nobody, ZERO))]
    assert trust.contract.view("authorityOf", GUANGDONG) == (nobody, ZERO)


def test_only_accounts_that_may_relate_are_appointed(trust: TrustWorld) -> None:
    stranger = address("stranger")
    with reverts("UnknownAccount", stranger.lower()):
        trust.council("setAuthority", GUANGDONG, stranger)
    trust.world.council("setAccount", stranger, OFFICE, ANCHOR | STATUS)
    with reverts("PermissionMissing", stranger.lower(), RELATE):
        trust.council("setAuthority", GUANGDONG, stranger)
    trust.world.council("setAccount", stranger, OFFICE, ALL)
    trust.world.council("bar", OFFICE)
    with reverts("OrganisationBarred", OFFICE):
        trust.council("setAuthority", GUANGDONG, stranger)


@pytest.mark.parametrize("jurisdiction", [ZERO, name32("CN").rjust(33, b"\0")[:32]], ids=["empty", "right-aligned"])
def test_a_jurisdiction_is_left_aligned(trust: TrustWorld, jurisdiction: bytes) -> None:
    with reverts("JurisdictionInvalid", jurisdiction):
        trust.council("setAuthority", jurisdiction, address(OFFICE))


# ---- the list as a whole ----


def test_published_lists_only_get_higher_numbers(trust: TrustWorld) -> None:
    assert trust.contract.view("published") == (0, 0, 0, ZERO)
    done = trust.council("publish", 7, word("list 7"), trust.now + 10)
    assert done.events == [Event("ListPublished", (7, word("list 7"), done.time, done.time + 10))]
    assert trust.contract.view("published") == (7, done.time, done.time + 10, word("list 7"))
    for number in (0, 6, 7):
        with reverts("ListNotNewer", 7, number):
            trust.council("publish", number, word("another"), FOREVER)
    trust.council("publish", 9, word("list 9"), FOREVER)  # numbers are the file's, which may skip


def test_a_published_list_has_a_document_and_a_next_update_ahead(trust: TrustWorld) -> None:
    with reverts("ListNotNewer", 0, 0):
        trust.council("publish", 0, word("list"), FOREVER)
    with reverts("DigestMissing"):
        trust.council("publish", 1, ZERO, FOREVER)
    for passed in (0, trust.now):
        with reverts("NextUpdatePassed", passed):
            trust.council("publish", 1, word("list"), passed)


def test_gas_is_what_the_page_says(trust: TrustWorld) -> None:
    qualified = trust.council(*QUALIFY)
    listed = trust.council("listService", NEW, listing(word("new key")))
    status = trust.council("setServiceStatus", NEW, SUSPENDED)
    recognised = trust.authority(HONG_KONG, "recognise", terms(HONG_KONG), 0, FOREVER)
    ended = trust.authority(HONG_KONG, "endRecognition", terms(HONG_KONG), 0)
    said = {"service": listed, "status": status, "qualification": qualified, "recognition": recognised, "end": ended}
    page = (ROOT / "contracts/README.md").read_text("utf-8")
    for name, done in said.items():
        assert re.search(rf"\s{name} {round(done.gas, -3):,}", page), (name, done.gas)
