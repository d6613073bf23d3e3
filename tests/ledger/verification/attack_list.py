"""How an attack is written down: what is offered, and the step and code that must stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bundle_factory as f

from ledger.core.bundles import Bundle
from ledger.core.verdicts import Indication, Step
from ledger.verification.facts import Facts

FAILED, OPEN = Indication.TOTAL_FAILED, Indication.INDETERMINATE


@dataclass(frozen=True)
class Attack:
    """``alone``: no other step notices it, so that without this step it would pass."""

    name: str
    step: Step
    code: str
    make: Callable[[], Facts]
    indication: Indication = FAILED
    alone: bool = True


ATTACKS: list[Attack] = []


def attack(step: Step, code: str, indication: Indication = FAILED, alone: bool = True) -> Any:
    def add(make: Callable[[], Facts]) -> Callable[[], Facts]:
        ATTACKS.append(Attack(make.__name__, step, code, make, indication, alone))
        return make

    return add


def of(bundle: Bundle, **state: Any) -> Bundle:
    return f.stapled(bundle, **state)
