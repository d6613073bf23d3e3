"""Consortium's windows against a plain model, over random histories in which time passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_support import ZERO, Revert, word
from contracts_world import LICENSE, MODEL_SETTINGS, OFFICE, World, address
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test


@dataclass
class Window:
    begin: int
    end: int
    compromised: int = 0

    def current(self, now: int) -> bool:
        return self.begin <= now < self.end and not self.compromised


offsets = st.sampled_from([-100, -1, 0, 1, 2, 5, 20, 100])
names = st.integers(0, 3)


class ConsortiumModel(RuleBasedStateMachine):
    """Certificates and accreditations of one office hold as written, and never before their block."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = self.world.chain.snapshot()
        self.windows: dict[tuple[str, int], Window] = {}

    def teardown(self) -> None:
        self.world.chain.revert(self.snapshot)

    def attempt(self, allowed: bool, *write: Any) -> bool:
        try:
            self.world.council(*write)
        except Revert:
            assert not allowed, write
            return False
        assert allowed, write
        return True

    @rule(what=st.sampled_from(["signer", "accreditation"]), number=names, begin=offsets, length=offsets)
    def give(self, what: str, number: int, begin: int, length: int) -> None:
        now, digest = self.world.chain.time, word(f"{what} {number}")
        start = max(now + begin, now)
        end = now + begin + length
        write: tuple[Any, ...] = ("bindSigner", OFFICE, digest, now + begin, end)
        if what == "accreditation":
            write = ("accredit", digest, OFFICE, LICENSE, ZERO, ZERO, now + begin, end)
        if self.attempt((what, number) not in self.windows and end > start, *write):
            self.windows[what, number] = Window(start, end)

    @rule(what=st.sampled_from(["signer", "accreditation"]), number=names, offset=offsets)
    def end(self, what: str, number: int, offset: int) -> None:
        now, digest = self.world.chain.time, word(f"{what} {number}")
        window = self.windows.get((what, number))
        until = max(now, now + offset)
        write: tuple[Any, ...] = ("endSigner", OFFICE, digest, now + offset)
        if what == "accreditation":
            write = ("endAccreditation", digest, now + offset)
        if self.attempt(window is not None and until < window.end, *write) and window:
            window.end = until

    @rule(number=names, offset=offsets)
    def compromise(self, number: int, offset: int) -> None:
        now = self.world.chain.time
        window = self.windows.get(("signer", number))
        since = now + offset
        allowed = window is not None and since <= now and (not window.compromised or since < window.compromised)
        if self.attempt(allowed, "compromiseSigner", OFFICE, word(f"signer {number}"), since) and window:
            window.compromised = since

    @rule(seconds=st.sampled_from([1, 2, 5, 50]))
    def wait(self, seconds: int) -> None:
        self.world.chain.time += seconds

    @invariant()
    def rights_are_those_of_the_windows(self) -> None:
        now = self.world.chain.time
        for what, number in [(what, n) for what in ("signer", "accreditation") for n in range(4)]:
            window = self.windows.get((what, number))
            held = True
            try:
                if what == "signer":
                    named = [word(f"signer {number}")]
                    self.world.consortium.view("anchoringOrganisation", address(OFFICE), ZERO, 8, named)
                else:
                    self.world.consortium.view("checkAccreditation", OFFICE, word(f"accreditation {number}"), LICENSE)
            except Revert:
                held = False
            assert held == (window is not None and window.current(now)), (what, number)


def test_the_consortium_keeps_to_its_model(world: World) -> None:
    machine = type("ConsortiumRun", (ConsortiumModel,), {"world": world})
    run_state_machine_as_test(machine, settings=MODEL_SETTINGS)
