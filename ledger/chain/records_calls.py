"""Calls on Records as bytes, and the gas they are given."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.chain.abi import interface
from ledger.core.identifiers import organisation_bytes32
from ledger.ports import ActCall, AnchorCall, FreezeCall, PairCall, StatusCall


@dataclass(frozen=True, slots=True)
class GasLimits:
    """Gas limits by formula, above what the contracts can use under Berlin rules.

    Not by estimate: an estimate runs on the newest block, and a change that an earlier, still waiting
    transaction makes possible would be estimated as refused, at a tenth of its cost.
    """

    anchor: int = 300_000
    signer: int = 20_000
    status: int = 150_000
    change: int = 62_000
    undecided: int = 24_000
    """More for a suspension without statement, which the contract notes in a word of its own."""

    pair: int = 300_000
    """One consent to an annulment or a disowning, or the act itself."""
    relation: int = 100_000

    def of_act(self, call: ActCall) -> int:
        if isinstance(call, FreezeCall):
            return self.of_status(len(call.changes))
        return self.pair if isinstance(call, PairCall) else self.relation

    def of_anchor(self, signers: int) -> int:
        return self.anchor + self.signer * signers

    def of_status(self, changes: int, undecided: int = 0) -> int:
        """``undecided``: how many of the changes come without statement."""
        return self.status + self.change * changes + self.undecided * undecided

    def most_changes(self, limit: int) -> int:
        """How many changes one transaction may hold under an engine's limit of gas a transaction."""
        return max(0, (limit - self.status) // self.change)


def anchor_data(call: AnchorCall) -> bytes:
    batch = (
        call.accreditation, int(call.kind), call.suite, call.size, call.root, call.manifest_sha256, call.manifest_sm3,
        call.signers,
    )  # fmt: skip
    return interface("Records").call("anchor", batch)


def status_data(call: StatusCall) -> bytes:
    issuer = organisation_bytes32(call.issuer)
    values = (issuer, call.changes, int(call.state), call.effective, int(call.reason))
    return interface("Records").call("setStatus", *values)


def act_data(call: ActCall) -> bytes:
    records = interface("Records")
    if isinstance(call, FreezeCall):
        function = "unfreeze" if call.lift else "freeze"
        return records.call(function, call.accreditation, organisation_bytes32(call.issuer), call.changes)
    if isinstance(call, PairCall):
        function = "disown" if call.disown else "annul"
        return records.call(function, organisation_bytes32(call.issuer), call.subject, call.statement)
    return records.call("relate", call.target, int(call.relation), call.statement)
