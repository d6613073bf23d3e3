"""Who did what, when and by which decision: values and words that findings about a status carry.

A finding's ``who`` is the code of a phrase and ``whoValues`` its values, as ``cause`` and ``causeValues`` are.
"""

from __future__ import annotations

from typing import Any

from ledger.core.registries import Reason
from ledger.verification.case import Case
from ledger.verification.facts import KnownAct
from ledger.verification.statements import Decision, SignedEntry

_CAPACITIES = {"successor": "DECIDED_BY_SUCCESSOR", "superior": "DECIDED_BY_SUPERIOR"}


def of_change(case: Case, signed: SignedEntry) -> dict[str, Any]:
    """A recorded change. The contract let issuer, successor or superior make it; which of them it was, the statement
    says itself. Of an annulment the chain's entry names the second of two, the statement the first."""
    e, decision = signed.entry, signed.statement
    values: dict[str, Any] = {
        "state": e.state.word,
        "since": e.effective,
        "recorded": e.recorded,
        "reason": e.reason.word,
        "actor": e.actor,
        "statement": e.statement.hex(),
        "successor": signed.successor,
    }
    if decision is None:
        return values
    reference = decision.claim("decision")
    if e.reason is Reason.SET_ASIDE:
        return values | _by_two(decision, decision.issuer, e.actor if e.actor != decision.issuer else None)
    own = case.bundle is not None and e.actor == case.bundle.record.issuer
    if own:
        who = {"who": "DECIDED_BY_ISSUER", "whoValues": {"decision": reference}} if reference else {}
        return values | who
    code = _CAPACITIES.get(str(decision.claim("capacity")), "DECIDED_BY_OTHER")
    return values | {"who": code, "whoValues": {"name": decision.name, "actor": e.actor, "decision": reference}}


def of_freeze(case: Case, court: str | None, decision: Decision | None) -> dict[str, Any]:
    """A freeze that stands: the court is proved where the proof names it, since when and why its statement says."""
    known = _known(case, "Frozen")
    court = court or (known.actor if known else None)
    since = decision.claim("effective") if decision else known.time if known else None
    if court is None:
        return {}
    values = {
        "name": decision.name if decision else None,
        "actor": court,
        "since": since,
        "decision": decision.claim("decision") if decision else None,
    }
    return {"court": court, "since": since, "who": "DECIDED_TO_FREEZE", "whoValues": values}


def of_disowning(case: Case, decision: Decision | None) -> dict[str, Any]:
    """A disowned batch: its statement is the first organisation's; the second stands in the events alone."""
    known = _known(case, "Disowned")
    if decision is None and known is None:
        return {}
    first = known.actor if known else decision.issuer if decision else None
    since = known.time if known else decision.claim("effective") if decision else None
    return {"since": since} | _by_two(decision, first, known.second if known else None)


def _by_two(decision: Decision | None, first: str | None, second: str | None) -> dict[str, Any]:
    values = {
        "name": decision.name if decision and decision.issuer == first else None,
        "first": first,
        "second": second,
        "decision": decision.claim("decision") if decision else None,
    }
    return {"who": "DECIDED_BY_TWO" if second else "DECIDED_WITH_ANOTHER", "whoValues": values}


def _known(case: Case, event: str) -> KnownAct | None:
    known = case.facts.known
    return next((a for a in known.acts if a.event == event), None) if known else None
