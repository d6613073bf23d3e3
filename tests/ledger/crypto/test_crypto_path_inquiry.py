"""The whole answer about one certificate: path and revocation together, of several paths the best."""

from __future__ import annotations

import pytest
from crypto_kit import NOW, crl, entry
from paths_kit import Party, issue

from ledger.core.verdicts import Outcome
from ledger.crypto.path_inquiry import PathAnswer, inquire, loose_ends
from ledger.crypto.path_rules import OCSP_SIGNING
from ledger.errors import InputError

NORTH, SOUTH, ISSUING, OFFICE = Party("North"), Party("South"), Party("Issuing"), Party("Office")
LEAF = issue(OFFICE, ISSUING)
NORTHERN, SOUTHERN = issue(ISSUING, NORTH, ca=True), issue(ISSUING, SOUTH, ca=True)
ROOTS = [issue(NORTH, NORTH, ca=True), issue(SOUTH, SOUTH, ca=True)]
LIST, NORTH_LIST, SOUTH_LIST = (crl(p.name, p.key) for p in (ISSUING, NORTH, SOUTH))
REVOKED = crl("North", NORTH.key, revoked=(entry(NORTHERN, NOW - 5),))


def asked(*lists: bytes, others: tuple[bytes, ...] = (NORTHERN,), roots: list[bytes] = ROOTS) -> PathAnswer:
    return inquire(LEAF, others, roots, (lists, ()), NOW)


def test_a_path_with_its_lists_passes() -> None:
    """Handed over in disorder and twice."""
    found = asked(NORTH_LIST, LIST, NORTH_LIST)
    assert found.outcome is Outcome.PASSED and found.path is not None and found.revocation is not None
    assert found.path.certificates == (LEAF, NORTHERN, ROOTS[0]) and len(found.candidates) == 1


def test_without_lists_or_without_a_chain_the_question_is_open() -> None:
    assert (asked().outcome, asked(NORTH_LIST).outcome) == (Outcome.UNDETERMINED, Outcome.UNDETERMINED)
    alone = asked(NORTH_LIST, LIST, others=())
    assert alone.outcome is Outcome.UNDETERMINED and alone.fault is not None and alone.fault.code == "PATH_NONE"


def test_the_certificate_that_is_wanted_is_named_and_names_are_compared_as_in_paths() -> None:
    assert loose_ends(LEAF, [], ROOTS) == ("O=Issuing",)
    other_letters = issue(Party(" ISSUING", ISSUING.key), NORTH, ca=True)
    assert loose_ends(LEAF, [other_letters], ROOTS) == ()
    assert loose_ends(LEAF, [other_letters], ROOTS[1:]) == ("O=North",)
    assert loose_ends(LEAF, [other_letters, ROOTS[0]], ROOTS[1:]) == ("O=North",), "it names itself and is no root"


def test_what_two_certificates_want_is_named_once() -> None:
    both = [issue(Party("Issuing", ISSUING.key), NORTH, ca=True) for _ in range(2)]
    assert both[0] != both[1] and loose_ends(LEAF, both, ROOTS[1:]) == ("O=North",)


def test_without_a_root_nothing_is_asked() -> None:
    with pytest.raises(InputError, match="PATH_NO_ANCHORS"):
        asked(LIST, roots=[])


def test_a_chain_that_is_no_path_fails_and_is_shown() -> None:
    found = asked(NORTH_LIST, LIST, roots=[issue(Party("North"), Party("North"), ca=True)])
    assert found.outcome is Outcome.FAILED and found.fault is not None and found.fault.code == "PATH_SIGNATURE"
    assert [candidate.fault is None for candidate in found.candidates] == [False]


def test_a_revoked_authority_and_a_list_that_nobody_signed_fail() -> None:
    found = asked(REVOKED, LIST)
    assert found.outcome is Outcome.FAILED and found.revocation is not None
    assert found.revocation.code == "REVOCATION_REVOKED"
    forged = asked(NORTH_LIST, LIST[:-1] + bytes([LIST[-1] ^ 1]))
    assert forged.outcome is Outcome.FAILED and forged.fault is not None
    assert (forged.fault.code, forged.path is None, forged.revocation) == ("REVOCATION_CRL_SIGNATURE", False, None)


@pytest.mark.parametrize("northern", [REVOKED, None])
def test_of_two_paths_the_one_that_stands_counts(northern: bytes | None) -> None:
    lists = [LIST, SOUTH_LIST, *([northern] if northern else [])]
    found = asked(*lists, others=(NORTHERN, SOUTHERN))
    assert found.outcome is Outcome.PASSED and found.path is not None and found.path.certificates[2] == ROOTS[1]
    assert len(found.candidates) == 2


def test_the_purpose_is_asked_of_the_chain_and_of_the_path() -> None:
    found = inquire(issue(OFFICE, ISSUING), [NORTHERN], ROOTS, ([NORTH_LIST, LIST], []), NOW, OCSP_SIGNING)
    assert found.outcome is Outcome.PASSED  # without the extension it is for everything
