"""Any order of acceptance, passes, faults, restarts and stolen nonces: nothing is lost, nothing anchored twice."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from ledger_world import Template, check_ledger
from services_faults import AFTER, BEFORE, CHAIN, Faulty, replace_port

from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.registries import Permission
from ledger.errors import ConflictError, UnavailableError
from ledger.ports import AnchorCall


class OutboxUnderFaults(RuleBasedStateMachine):
    """Any order of acceptance, passes, faults, restarts and stolen nonces; then everything is proved."""

    template: Template
    folder: Path
    number = 0

    @initialize()
    def start(self) -> None:
        OutboxUnderFaults.number += 1
        self.world = self.template.copy(self.folder / f"home-{OutboxUnderFaults.number}")
        self.leaves: list[bytes] = []
        self.ports: dict[str, Faulty] = {}
        self._open()

    def _open(self) -> None:
        self.ports = {name: replace_port(self.world, name) for name in ("store", "spool", "vault", "segments", "chain")}

    @rule(issuer=st.sampled_from([OFFICE_A, "11320100070001017R"]))
    def accept(self, issuer: str) -> None:
        try:
            self.leaves.append(self.world.issue_seal("章", issuer).leaf)
        except UnavailableError:
            return

    @rule(
        port=st.sampled_from(["store", "spool", "segments", "chain"]),
        when=st.sampled_from([BEFORE, AFTER]),
        data=st.data(),
    )
    def break_something(self, port: str, when: str, data: st.DataObject) -> None:
        methods = {
            "store": ["begin"],
            "spool": ["read", "write", "remove"],
            "segments": ["create", "open"],
            "chain": CHAIN,
        }
        self.ports[port].faults[data.draw(st.sampled_from(methods[port]))] = when

    @rule()
    def mend(self) -> None:
        for port in self.ports.values():
            port.faults.clear()

    @rule()
    def one_pass(self) -> None:
        try:
            self.world.app.outbox.run_once()
        except UnavailableError:
            return

    @rule(seconds=st.sampled_from([0.3, 1.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.sleep(seconds)

    @rule()
    def restart(self) -> None:
        self.world.close()
        self.world.clock.sleep(61)
        self._open()

    @precondition(lambda self: self.leaves)
    @rule()
    def nonce_stolen(self) -> None:
        app: Any = self.world.app
        chain = self.ports["chain"].inner
        account = app.account(OFFICE_A, Permission.STATUS)
        nonce = chain.chain_nonce(account.address)
        with app.store.inner.read() as unit:
            accreditation = next(a for a in unit.chain.accreditations(OFFICE_A) if a.kind.word == "seal")
            signer = unit.chain.signers(OFFICE_A)[0].certificate
        root = (b"%d" % len(self.leaves) + bytes(32) + self.world.home.name.encode())[-32:]
        call = AnchorCall(accreditation.id, accreditation.kind, 1, 1, root, root, (signer,))
        with suppress(ConflictError):  # ours waits with that nonce already
            chain.send(chain.sign_anchor(account, nonce, call)[0])

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.mend()
        self.world.clock.sleep(61)
        self.world.close()
        self.world.drain()
        with self.world.app.store.read() as unit:
            refused = unit.batches.in_states(("refused",))
        assert not refused
        check_ledger(self.world.app, self.leaves, drained=False)
        with self.world.app.store.read() as unit:
            assert {b.state for b in unit.batches.newest(100)} <= {"receipted"}
        self.world.close()
        shutil.rmtree(self.world.home)


def test_any_order_of_faults_loses_nothing_and_anchors_nothing_twice(
    founded_template: Template, tmp_path: Path
) -> None:
    class Machine(OutboxUnderFaults):
        template, folder = founded_template, tmp_path

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=16,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
