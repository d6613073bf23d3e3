"""A founded ledger on a real embedded engine, under a clock that the tests move."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ledger.chain.calls import ConsortiumCalls
from ledger.chain.client import EngineChain
from ledger.chain.contracts import Contracts
from ledger.chain.deploy import CouncilRules, Member, deploy, identity_of
from ledger.chain.embedded import EmbeddedEngine
from ledger.chain.governance import Council
from ledger.chain.transactor import Transactor
from ledger.core.accreditations import Accreditation
from ledger.core.manifests import ChainIdentity
from ledger.core.registries import Kind, Reason, State
from ledger.outside.accounts import make_account
from ledger.ports import Account, AnchorCall, Mined, StatusCall

OFFICE, COURT, WITNESS = "SG:OFFICE", "SG:COURT", "SG:WITNESS"
NODE_KEY = hashlib.sha256(b"node").digest()
ACCREDITATION = Accreditation(OFFICE, Kind.LICENSE, "SG", ("*",), "decision 1")
CERTIFICATE = hashlib.sha256(b"certificate").digest()


def account(name: str) -> Account:
    return make_account(hashlib.sha256(name.encode()).digest())


def digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


class Clock:
    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Ledger:
    engine: EmbeddedEngine
    clock: Clock
    transactor: Transactor
    contracts: Contracts
    identity: ChainIdentity
    chain: EngineChain
    council: Council

    def mine(self, raw: bytes, hash_: bytes) -> Mined:
        self.chain.send(raw)
        self.clock.sleep(1)
        found = self.chain.mined(hash_)
        assert found is not None
        return found

    def anchor(self, call: AnchorCall) -> Mined:
        office = account(OFFICE)
        return self.mine(*self.chain.sign_anchor(office, self.chain.chain_nonce(office.address), call))

    def set_status(self, call: StatusCall) -> Mined:
        office = account(OFFICE)
        return self.mine(*self.chain.sign_status(office, self.chain.chain_nonce(office.address), call))

    def gas_used(self, mined: Mined) -> tuple[int, int]:
        """(limit, used) of a mined transaction."""
        receipt = self.engine.request("eth_getBlockReceipts", [hex(mined.block)])[mined.index]
        sent = self.engine.request("eth_getTransactionByHash", [receipt["transactionHash"]])
        return int(sent["gas"], 16), int(receipt["gasUsed"], 16)


def found_ledger(path: Path, organisations: Sequence[str] = (OFFICE, COURT, WITNESS), delay: int = 1) -> Ledger:
    """Deploy, and one proposal for everything: organisations, an account, a certificate, an accreditation."""
    clock = Clock()
    engine = EmbeddedEngine.create(path, node_key=NODE_KEY, clock=clock, operator="test")
    transactor = Transactor(engine, sleep=clock.sleep, clock=clock)
    members = tuple(Member(name, account(name).address) for name in organisations)
    contracts = deploy(transactor, account("deployer"), CouncilRules(members, min(2, len(members)), delay))
    identity = identity_of(transactor, contracts)
    council = Council(transactor, contracts)
    council.carry([account(name) for name in organisations[:2]], everything(contracts))
    return Ledger(engine, clock, transactor, contracts, identity, EngineChain(engine, identity, contracts), council)


def everything(contracts: Contracts) -> list[Any]:
    calls = ConsortiumCalls(contracts.consortium)
    return [
        *(calls.register(name) for name in (OFFICE, COURT, WITNESS)),
        calls.account(account(OFFICE).address, OFFICE),
        calls.bind_signer(OFFICE, CERTIFICATE),
        calls.accredit(ACCREDITATION),
    ]


def anchor_call(name: object, **changes: Any) -> AnchorCall:
    call = AnchorCall(
        ACCREDITATION.id(), Kind.LICENSE, 1, 5, digest("root", name), digest("manifest", name), (CERTIFICATE,)
    )
    return replace(call, **changes)


def status_call(ledger: Ledger, leaves: Sequence[bytes], state: State = State.REVOKED) -> StatusCall:
    changes = tuple((leaf, digest("statement", leaf, state)) for leaf in leaves)
    return StatusCall(OFFICE, changes, state, int(ledger.clock.now), Reason.CANCELLED)


class Between:
    """An engine whose answers a test bends on their way."""

    def __init__(self, engine: Any, bend: Callable[[str, Sequence[Any], Callable[[], Any]], Any]) -> None:
        self._engine = engine
        self._bend = bend
        self.asked: list[str] = []

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        self.asked.append(method)
        return self._bend(method, params, lambda: self._engine.request(method, params))
