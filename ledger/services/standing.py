"""How records stand, for whoever changes their status: many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.core.bundles import StatusEntry
from ledger.core.registries import State
from ledger.ports import ChainAct, IntentRow, Unit
from ledger.services.acting import last_freeze
from ledger.services.sending import OPEN

Subject = tuple[str, bytes]
"""Issuer and leaf of a record."""
LOOKED_UP = 4096
"""Leaves in one look-up."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What was asked for here of some records, each an issuer and a leaf, what the chain has recorded of them, and what
    was done to them else; each in its order."""

    asked: defaultdict[Subject, list[IntentRow]]
    entries: defaultdict[Subject, list[StatusEntry]]
    acts: defaultdict[Subject, list[ChainAct]]

    @classmethod
    def of(cls, unit: Unit, subjects: Sequence[Subject]) -> Standing:
        made = cls(defaultdict(list), defaultdict(list), defaultdict(list))
        leaves: defaultdict[str, list[bytes]] = defaultdict(list)
        for issuer, leaf in subjects:
            leaves[issuer].append(leaf)
        for issuer, own in leaves.items():
            for at in range(0, len(own), LOOKED_UP):
                some = own[at : at + LOOKED_UP]
                for intent in unit.intents.for_leaf(issuer, *some):
                    made.asked[issuer, intent.leaf].append(intent)
                for recorded in unit.chain.entries(issuer, *some):
                    made.entries[issuer, recorded.leaf].append(recorded.entry)
                for act in unit.chain_acts.of_subject(issuer, *some):
                    made.acts[issuer, act.subject].append(act)
        return made

    def freeze(self, subject: Subject) -> ChainAct | None:
        """The freeze that stands."""
        return last_freeze(self.acts[subject])

    def state(self, subject: Subject) -> State:
        """After everything recorded and everything already asked for."""
        if pending := self._pending(subject):
            return pending[-1].change
        return self.entries[subject][-1].state if self.entries[subject] else State.ACTIVE

    def lets_attach(self, subject: Subject, change: State) -> bool:
        """The statement that follows an emergency suspension: the last change is a suspension without one."""
        if change is not State.SUSPENDED or self._pending(subject) or not self.entries[subject]:
            return False
        last = self.entries[subject][-1]
        return last.state is State.SUSPENDED and not any(last.statement)

    def _pending(self, subject: Subject) -> list[IntentRow]:
        return [i for i in self.asked[subject] if i.state in OPEN]
