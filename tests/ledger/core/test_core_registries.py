"""Numbers and words of the registries."""

from __future__ import annotations

import pytest

from ledger.core.registries import Reason, State
from ledger.errors import InputError


def test_a_reason_without_a_word_keeps_its_number() -> None:
    for number in range(256):
        reason = Reason(number)
        assert (int(reason), Reason.of_recorded(reason.word, "reason")) == (number, number)
    assert Reason(77) == Reason(77) and Reason(77).word == "code77"


@pytest.mark.parametrize("word", ["code1", "code077", "code255", "code256", "code-1", "code", "CODE77", "code７７", 77])
def test_a_reason_has_one_spelling(word: object) -> None:
    with pytest.raises(InputError, match="REGISTRY_UNKNOWN"):
        Reason.of_recorded(word, "reason")


def test_nobody_gives_a_reason_without_a_word() -> None:
    with pytest.raises(InputError, match="REGISTRY_UNKNOWN"):
        Reason.of_word("code77", "--reason")


@pytest.mark.parametrize("number", [-1, 256, 1000])
def test_what_the_contract_cannot_hold_is_no_reason(number: int) -> None:
    with pytest.raises(InputError, match="REGISTRY_UNKNOWN"):
        Reason.of_number(number, "reason")
    with pytest.raises(InputError, match="REGISTRY_UNKNOWN"):
        State.of_number(7, "state")
