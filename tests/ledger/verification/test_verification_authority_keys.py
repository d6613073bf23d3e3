"""It is a key that is struck off or falls, under whatever certificate."""

from __future__ import annotations

from typing import Any

import bundle_factory as f

from ledger.core.trust_lists import Authority, DatedState
from ledger.crypto.certificates import read_certificate
from ledger.verification.authority_keys import compromised, fallen_keys, struck

ROOT, KEY = f.certificate(f.ROOT).der, read_certificate(f.certificate(f.ROOT).der).spki
WITHDRAWN = (DatedState("granted", 0), DatedState("withdrawn", f.T))


def listed(**changes: Any) -> Authority:
    return f.make_authority(**{"states": WITHDRAWN, "compromised_since": f.T, **changes})


def test_a_key_is_struck_off_for_the_service_it_was_listed_for() -> None:
    authorities = [listed(service="tsa")]
    assert struck(authorities, ("tsa", "ca"), [ROOT], f.T) == authorities
    assert struck(authorities, ("ca",), [ROOT], f.T) == []
    assert struck(authorities, ("tsa",), [ROOT], f.T - 1) == []
    assert struck(authorities, ("tsa",), [f.certificate(f.ISSUING).der], f.T) == []
    assert struck([*authorities, f.make_authority(service="tsa")], ("tsa",), [ROOT], f.T) == []


def test_an_entry_that_cannot_be_read_neither_strikes_a_key_nor_hides_another() -> None:
    authorities = [listed(certificate=b"no certificate"), listed()]
    assert struck(authorities, ("ca",), [ROOT], f.T) == authorities[1:]
    assert list(compromised(authorities, [ROOT])) == [(authorities[1], f.T)]
    assert fallen_keys(authorities) == {KEY}
    assert fallen_keys([f.make_authority()]) == frozenset()
