"""Which of many chains: cross-certified and renewed authorities, disorder, and sets made to cost time."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from crypto_kit import DAY, NOW, RSA_KEY, p256
from hypothesis import given, settings
from hypothesis import strategies as st
from paths_kit import Party, issue

from ledger.crypto.certificates import fingerprint
from ledger.crypto.paths import MAX_CHAINS, MAX_STEPS, build_path, find_paths, search
from ledger.errors import InputError

NORTH, SOUTH, ISSUING, OFFICE = Party("North"), Party("South"), Party("Issuing"), Party("Office")
NORTH_CERT, SOUTH_CERT = issue(NORTH, NORTH, ca=True), issue(SOUTH, SOUTH, ca=True)
BY_NORTH, BY_SOUTH = issue(ISSUING, NORTH, ca=True), issue(ISSUING, SOUTH, ca=True)
LEAF = issue(OFFICE, ISSUING)


def fault(*given: Any) -> str:
    with pytest.raises(InputError) as caught:
        find_paths(*given)
    return caught.value.code


def test_a_cross_certified_authority_gives_every_path() -> None:
    found = find_paths(LEAF, [BY_NORTH, BY_SOUTH], [NORTH_CERT, SOUTH_CERT], NOW)
    assert [p.certificates for p in found] == [(LEAF, BY_NORTH, NORTH_CERT), (LEAF, BY_SOUTH, SOUTH_CERT)]
    assert [p.unused for p in found] == [(BY_SOUTH,), (BY_NORTH,)]
    assert [p.anchor_sha256 for p in found] == [fingerprint(NORTH_CERT), fingerprint(SOUTH_CERT)]


def test_one_way_that_is_no_path_does_not_close_the_other() -> None:
    late = issue(ISSUING, NORTH, ca=True, until=NOW - 1)
    (path,) = find_paths(LEAF, [late, BY_SOUTH], [NORTH_CERT, SOUTH_CERT], NOW)
    assert path.certificates == (LEAF, BY_SOUTH, SOUTH_CERT)
    faults = [
        c.fault.code if c.fault else None
        for c in search(LEAF, [late, BY_SOUTH], [NORTH_CERT, SOUTH_CERT], NOW).candidates
    ]
    assert faults == ["PATH_EXPIRED", None]


def test_a_root_certified_by_another_jurisdictions_root() -> None:
    across = issue(NORTH, SOUTH, ca=True)
    (there,) = find_paths(LEAF, [BY_NORTH, across], [SOUTH_CERT], NOW)
    assert there.certificates == (LEAF, BY_NORTH, across, SOUTH_CERT)
    both = find_paths(LEAF, [BY_NORTH, across], [NORTH_CERT, SOUTH_CERT], NOW)
    assert [len(p.certificates) for p in both] == [3, 4]


def test_a_renewed_root_with_the_same_key_serves_as_either_certificate() -> None:
    renewed = issue(NORTH, NORTH, ca=True, since=NOW, until=NOW + 3650 * DAY)
    for anchors in ([NORTH_CERT], [renewed], [NORTH_CERT, renewed]):
        found = find_paths(LEAF, [BY_NORTH], anchors, NOW)
        assert [p.certificates[-1] for p in found] == anchors
    # a bundle that brings the old root along verifies by a trust file that knows the renewed one only
    assert any(p.unused == () for p in find_paths(LEAF, [BY_NORTH, NORTH_CERT], [renewed], NOW))


def test_a_root_with_a_new_key_is_found_over_its_link_certificate() -> None:
    rekeyed = Party("North")
    new, link = issue(rekeyed, rekeyed, ca=True), issue(NORTH, rekeyed, ca=True)
    assert fault(LEAF, [BY_NORTH], [new], NOW) == "PATH_SIGNATURE"
    namesake = Party("North", RSA_KEY)  # nor is a key of another kind an algorithm that nobody allows
    assert fault(LEAF, [BY_NORTH], [issue(namesake, namesake, ca=True)], NOW) == "PATH_SIGNATURE"
    (path,) = find_paths(LEAF, [BY_NORTH, link], [new], NOW)
    assert path.certificates == (LEAF, BY_NORTH, link, new)


def test_an_authority_of_the_same_name_hides_no_better_reason() -> None:
    stranger, late = Party("North"), issue(ISSUING, NORTH, ca=True, until=NOW - 1)
    anchors = [issue(stranger, stranger, ca=True), NORTH_CERT]
    assert fault(LEAF, [late], anchors, NOW) == "PATH_EXPIRED"


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_any_order_gives_the_same_paths(data: st.DataObject) -> None:
    others = data.draw(st.permutations([BY_NORTH, BY_SOUTH, issue_once("Spare")]))
    anchors = data.draw(st.permutations([NORTH_CERT, SOUTH_CERT]))
    found = {p.certificates for p in find_paths(LEAF, others, anchors, NOW)}
    assert found == {(LEAF, BY_NORTH, NORTH_CERT), (LEAF, BY_SOUTH, SOUTH_CERT)}


def issue_once(name: str, made: dict[str, bytes] = {}) -> bytes:  # noqa: B006 - kept between examples on purpose
    if name not in made:
        party = Party(name)
        made[name] = issue(party, party, ca=True)
    return made[name]


def test_many_threads_at_once_find_the_same() -> None:
    leaves = [issue(OFFICE, ISSUING) for _ in range(24)]

    def look(leaf: bytes) -> list[tuple[bytes, ...]]:
        return [p.certificates[1:] for p in find_paths(leaf, [BY_NORTH, BY_SOUTH], [NORTH_CERT, SOUTH_CERT], NOW)]

    with ThreadPoolExecutor(6) as pool:
        assert all(found == [(BY_NORTH, NORTH_CERT), (BY_SOUTH, SOUTH_CERT)] for found in pool.map(look, leaves))


# ---- sets made to cost time


def test_a_ring_of_authorities_ends() -> None:
    a, b, c = Party("A"), Party("B"), Party("C")
    ring = [issue(a, b, ca=True), issue(b, c, ca=True), issue(c, a, ca=True)]
    assert fault(issue(OFFICE, a), ring, [NORTH_CERT], NOW) == "PATH_NONE"
    self_issued = [issue(a, a, ca=True) for _ in range(20)]
    assert fault(issue(OFFICE, a), self_issued, [NORTH_CERT], NOW) == "PATH_NONE"


def test_authorities_that_all_certify_each_other_are_refused_soon() -> None:
    parties = [Party(f"A{n}") for n in range(7)]
    others = [issue(x, y, ca=True) for x, y in itertools.permutations(parties, 2)]
    leaf = issue(OFFICE, parties[0])
    assert fault(leaf, others, [NORTH_CERT], NOW) == "PATH_TOO_COMPLEX"
    found = search(leaf, others, [NORTH_CERT], NOW)
    assert (found.candidates, found.complete) == ((), False)


def test_a_short_path_is_found_before_the_crowd_is_looked_at() -> None:
    parties = [Party("Issuing", p256()) for _ in range(3)]
    crowd = [issue(x, y, ca=True) for x, y in itertools.permutations(parties, 2)] * 12
    assert len(crowd) > MAX_STEPS
    assert not search(LEAF, [BY_NORTH, *crowd], [NORTH_CERT], NOW).complete
    assert build_path(LEAF, [BY_NORTH, *crowd], [NORTH_CERT], NOW).certificates == (LEAF, BY_NORTH, NORTH_CERT)


def test_no_more_chains_are_judged_than_the_budget_says() -> None:
    stranger = Party("Issuing")
    others = [issue(stranger, NORTH, ca=True) for _ in range(MAX_CHAINS + 5)]
    found = search(LEAF, others, [NORTH_CERT], NOW)
    assert (len(found.candidates), found.complete) == (MAX_CHAINS, False)
    assert fault(LEAF, others, [NORTH_CERT], NOW) == "PATH_TOO_COMPLEX"


def test_a_chain_longer_than_eight_is_not_followed() -> None:
    line = [NORTH, *(Party(f"L{n}") for n in range(7))]
    chain = [issue(below, above, ca=True) for above, below in itertools.pairwise(line)]
    assert len(build_path(issue(OFFICE, line[6]), chain[:6], [NORTH_CERT], NOW).certificates) == 8
    assert fault(issue(OFFICE, line[7]), chain, [NORTH_CERT], NOW) == "PATH_NONE"


@pytest.mark.parametrize("letter", ["a", "局"])
def test_a_name_of_ten_thousand_bytes_is_not_compared(letter: str) -> None:
    giant = Party(letter * (10_000 // len(letter.encode())))
    assert fault(issue(OFFICE, giant), [BY_NORTH], [NORTH_CERT], NOW) == "PATH_CERTIFICATE"
    assert find_paths(LEAF, [BY_NORTH], [NORTH_CERT, issue(giant, giant, ca=True)], NOW), "such an anchor ends no path"


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(BY_NORTH) - 1), st.binary(min_size=1, max_size=4), st.booleans())
def test_hostile_bytes_in_a_certificate_raise_nothing_else(where: int, garbage: bytes, leaf: bool) -> None:
    base = LEAF if leaf else BY_NORTH
    bad = base[:where] + garbage + base[where + len(garbage) :]
    given = (bad, [BY_NORTH]) if leaf else (LEAF, [bad])
    try:
        found = find_paths(*given, [NORTH_CERT], NOW)
    except InputError as error:
        assert error.code.startswith("PATH_")
    else:
        assert bad == base and found
