"""All attacks by name, each written once and used by several tests."""

import attacks_on_acts
import attacks_on_issue
import attacks_on_seals
import attacks_on_time
import attacks_on_trust
from attack_list import ATTACKS, Attack

__all__ = [
    "ATTACKS",
    "Attack",
    "attacks_on_acts",
    "attacks_on_issue",
    "attacks_on_seals",
    "attacks_on_time",
    "attacks_on_trust",
]
