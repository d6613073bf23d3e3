"""Step 14, status. Stops: a revoked license shown with an old "active", with another's status, with changes
left out; a batch that its office has disowned; a block without a decision passing for a decision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ledger.core.bundles import StateProof
from ledger.core.registries import Reason, Relation, State
from ledger.core.verdicts import Finding, Outcome, Step, StepResult, failed, noted, undetermined
from ledger.verification.case import Case, concluded, need
from ledger.verification.deciding import of_change, of_disowning, of_freeze
from ledger.verification.facts import IndexFacts, UsedSeal
from ledger.verification.state import ProvedState, prove_state
from ledger.verification.statements import SignedEntry, Statements, judge_statements

STEP = Step.STATUS
_ENDED = {
    State.SUSPENDED: "STATUS_SUSPENDED",
    State.REVOKED: "STATUS_REVOKED",
    State.SUPERSEDED: "STATUS_SUPERSEDED",
}

MOST_RELATIONS = 20
"""Relations that a report lists."""
_SETTLED_SINCE = frozenset({"STATUS_UNSIGNED", "STATUS_STATEMENT_REUSED"})


def judge(case: Case) -> StepResult:
    """State at the time of interest and now, from a proved state, each change with its signed statement.

    An online state is judged like a stapled one; the newer is used, but the other must hold as well. Without
    a state young enough the answer is undetermined, never "in force". Bytes of the online one that do not hold are
    undetermined too; only what a proved state says can fail.
    """
    bundle, facts = need(case.bundle, Step.CONTAINER), case.facts
    if not facts.as_of_bundle:
        case.interest = facts.now if facts.time_of_interest is None else facts.time_of_interest
    findings = [*_known(case), *_used(case)]
    offered = [s for s in (facts.fresh_state, bundle.state) if s is not None]
    if not offered:
        return concluded(STEP, [*_problems(case), *findings, undetermined("STATUS_UNKNOWN_OFFLINE")])
    proof, state, found = _newest(case, offered)
    findings += found
    if proof is None or state is None:
        return concluded(STEP, [*_problems(case), *findings])
    timely = _timely(case, state)
    findings += timely
    settled = all(f.outcome is Outcome.PASSED for f in timely)
    findings += [noted(p.code, **p.values) for p in facts.problems] if settled else _problems(case)
    said, found = judge_statements(case, state, proof.statements)
    findings += _batch(case, state, said)
    findings += _by_source(case, proof, found)
    if settled or facts.as_of_bundle:
        findings += _at_interest(case, state, said)
    return concluded(STEP, findings, _described(case, state, said))


def _known(case: Case) -> list[Finding]:
    """The same license issued twice, both alive (after a restore from an old backup): which one is right is
    open. And a renewal whose predecessor's status does not name it yet: the two facts stand in two places."""
    known = case.facts.known
    if known is None or case.bundle is None:
        return []
    findings: list[Finding] = []
    others = [leaf.hex() for leaf in known.duplicates if leaf != case.bundle.record.leaf()]
    if others:
        findings.append(undetermined("STATUS_ID_DUPLICATED", others=others, block=known.block))
    if known.predecessors:
        leaves = [leaf.hex() for leaf in known.predecessors]
        findings.append(noted("STATUS_SUPERSESSION_PENDING", predecessors=leaves, block=known.block))
    return findings + _relations(known)


def _used(case: Case) -> list[Finding]:
    """Was a seal in force when it was used? The index says so, which proves nothing: undetermined at worst. Against a
    seal that ended since counts only the instant at which the use is proved: its own word could be of any day."""
    record = need(case.bundle, STEP).record
    leaves = [ref.leaf for ref in record.refs if ref.relation is Relation.USES]
    seals = {seal.leaf: seal for seal in case.facts.known.seals} if case.facts.known else {}
    stated = [d.value for d in need(case.bundle, STEP).disclosures if d.name == "usedAt"]
    at = next((value for value in stated if type(value) is int), record.issued)
    findings: list[Finding] = []
    for leaf in leaves:
        values: dict[str, Any] = {"seal": leaf.hex(), "at": at}
        seal = seals.get(leaf)
        if seal is None or seal.holder is None:
            findings.append(noted("STATUS_SEAL_NOT_CHECKED", **values))
        elif not seal.holds:
            findings.append(undetermined("STATUS_SEAL_NOT_HELD", holder=seal.holder, **values))
        if seal is not None:
            findings += _used_in_force(case, seal, at, values)
    return findings


def _used_in_force(case: Case, seal: UsedSeal, at: int, values: dict[str, Any]) -> list[Finding]:
    if (lapse := seal.standing.lapse_at(at)) is not None:
        return [undetermined("STATUS_SEAL_NOT_IN_FORCE", state=lapse.state, since=lapse.since, **values)]
    proved = case.times.signature if case.times is not None else None
    if proved is not None and (lapse := seal.standing.lapse_at(proved)) is not None:
        since = {"state": lapse.state, "since": lapse.since, "anchored": proved}
        return [undetermined("STATUS_SEAL_USE_LATE", **since, **values)]
    return [noted("STATUS_SEAL_USED", **values)] if seal.holder is not None else []


def _relations(known: IndexFacts) -> list[Finding]:
    """Who countersigned the record, keeps it or decided on it. The validity of none of it hangs on that; those whose
    record was read come first, for anybody with an account may name any leaf, and often."""
    told = sorted(known.relations, key=lambda r: not r.confirmed)
    findings = [
        noted(
            "STATUS_RELATED" if r.confirmed else "STATUS_RELATION_CLAIMED",
            relation=r.relation, actor=r.actor, since=r.time, block=r.block, statement=r.statement.hex(),
        )
        for r in told[:MOST_RELATIONS]
    ]  # fmt: skip
    if len(told) > MOST_RELATIONS:
        findings.append(noted("STATUS_RELATIONS_MORE", count=len(told) - MOST_RELATIONS))
    return findings


def _problems(case: Case) -> list[Finding]:
    """What could not be gathered is never a proof of anything: undetermined, whatever the gatherer called
    it."""
    return [replace(p, outcome=Outcome.UNDETERMINED) for p in case.facts.problems]


def _newest(case: Case, offered: list[StateProof]) -> tuple[StateProof | None, ProvedState | None, list[Finding]]:
    """The newest state that is proved. The others must hold as well, or their bytes could be changed unnoticed; but
    what they leave open (a change then still unsigned) the newer one has settled."""
    judged = [(proof, *prove_state(case, proof)) for proof in offered]
    proved = [(proof, state) for proof, state, _ in judged if state is not None]
    findings = [f for proof, _, found in judged for f in _by_source(case, proof, found)]
    if not proved:
        return None, None, findings
    best = max(proved, key=lambda entry: (entry[1].time, entry[1].finality.block))
    for proof, state in proved:
        if proof is not best[0]:
            found = judge_statements(case, state, proof.statements)[1]
            found = [f for f in found if f.code not in _SETTLED_SINCE and f.outcome is not Outcome.PASSED]
            findings += _by_source(case, proof, found)
    return best[0], best[1], findings


def _by_source(case: Case, proof: StateProof, found: list[Finding]) -> list[Finding]:
    """What is wrong with the bytes of a state gathered online is the fault of a node or an index that lies or lags: the
    bundle did not bring them, so they prove nothing against its record."""
    if proof is not case.facts.fresh_state:
        return found
    return [replace(f, outcome=Outcome.UNDETERMINED) if f.outcome is Outcome.FAILED else f for f in found]


def _timely(case: Case, state: ProvedState) -> list[Finding]:
    """Is the state young enough to speak about the time of interest?"""
    facts, age = case.facts, case.facts.now - state.time
    if age < -case.tolerances.clock_skew:
        return [undetermined("STATUS_FROM_FUTURE", asOf=state.time, now=facts.now)]
    age = max(age, 0)
    values = {"asOf": state.time, "age": age}
    if facts.as_of_bundle:
        case.interest = state.time
        if facts.max_age is not None and age > facts.max_age:
            return [undetermined("STATUS_TOO_OLD", maxAge=facts.max_age, **values)]
        return [noted("STATUS_AS_OF", **values)]
    limit = case.tolerances.freshness if facts.max_age is None else min(facts.max_age, case.tolerances.freshness)
    if age > limit:
        return [undetermined("STATUS_STALE", limit=limit, **values)]
    if case.interest is not None and case.interest > state.time + limit:
        return [undetermined("STATUS_NOT_REACHED", at=case.interest, **values)]
    return []


def _batch(case: Case, state: ProvedState, said: Statements) -> list[Finding]:
    """The batch is there, as anchored, not disowned, on a ledger that is still written."""
    found, batch, event = [], state.batch, case.event
    anchor = case.block.header.number if case.block else None
    if anchor is not None and state.finality.block < anchor:
        found.append(undetermined("STATUS_BEFORE_ANCHOR", block=state.finality.block, anchor=anchor))
    elif batch.sequence == 0:
        found.append(failed("STATUS_BATCH_UNKNOWN"))
    elif event is not None:
        anchored = (event.sequence, event.kind, event.suite, event.size)
        if (batch.sequence, batch.kind, batch.suite, batch.size) != anchored:
            found.append(failed("STATUS_BATCH_DIFFERS", sequence=batch.sequence, event=event.sequence))
    if batch.disowned:
        found.append(failed("STATUS_BATCH_DISOWNED", sequence=batch.sequence, **of_disowning(case, said.disowning)))
    if state.retired or (case.chain is not None and case.chain.successor is not None):
        # An old ledger would answer "active" for ever.
        found.append(undetermined("STATUS_LEDGER_RETIRED"))
    return found


def _at_interest(case: Case, state: ProvedState, said: Statements) -> list[Finding]:
    found: list[Finding] = []
    interest = need(case.interest, STEP)
    if state.status.frozen:
        found.append(undetermined("STATUS_FROZEN", **of_freeze(case, state.court, said.freeze)))
    signed = said.signed
    deciding = _entry_at(state, signed, interest)
    if deciding is not None and deciding.entry.state in _ENDED:
        # An unsigned change, or one whose statement does not stand, has its own finding: it decides nothing.
        if deciding.statement is not None:
            found.append(failed(_ENDED[deciding.entry.state], **of_change(case, deciding)))
        elif deciding.entry is not state.entries[-1]:
            found.append(undetermined("STATUS_UNSIGNED", **of_change(case, deciding)))
    elif deciding is not None and deciding.entry.reason is Reason.SET_ASIDE and deciding.statement is not None:
        found.append(noted("STATUS_ANNULLED", **of_change(case, deciding)))
    current = signed[-1] if signed else None
    if current is not None and current is not deciding:
        found.append(noted("STATUS_CHANGED_SINCE", **of_change(case, current)))
    if case.times is not None and interest < case.times.not_before:
        found.append(noted("STATUS_BEFORE_PROOF", at=interest, notBefore=case.times.not_before))
    return found


def _entry_at(state: ProvedState, signed: tuple[SignedEntry, ...], instant: int) -> SignedEntry | None:
    entry = state.entry_at(instant)
    return next((s for s in reversed(signed) if s.entry is entry), None) if entry is not None else None


def _described(case: Case, state: ProvedState, said: Statements) -> dict[str, Any]:
    signed = said.signed
    deciding = _entry_at(state, signed, case.interest) if case.interest is not None else None
    return {
        "at": case.interest,
        "state": deciding.entry.state.word if deciding else State.ACTIVE.word,
        "change": of_change(case, deciding) if deciding else None,
        "now": signed[-1].entry.state.word if signed else State.ACTIVE.word,
        "frozen": state.status.frozen,
        "court": state.court,
        "changes": len(signed),
        "asOf": state.time,
        "age": max(case.facts.now - state.time, 0),
        "block": state.finality.block,
        "sealers": len(state.finality.sealers),
        "validators": state.finality.validators,
    }
