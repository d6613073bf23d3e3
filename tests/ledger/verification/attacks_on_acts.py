"""Attacks on what courts and two organisations do: freezes, annulments, disowned batches, acts for another office."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bundle_factory as f
from attack_list import OPEN, attack

from ledger.core.bundles import Bundle
from ledger.core.records import Reference
from ledger.core.registries import Reason, Relation, State
from ledger.core.verdicts import Step
from ledger.verification.facts import Facts

DETAINED = (State.SUSPENDED, f.T + 10, Reason.DETAINED)
RETURNED = (State.ACTIVE, f.T + 30, Reason.RETURNED)


def by_court(bundle: Bundle, **changes: Any) -> Bundle:
    """The statement of office B as a court that freezes the record."""
    made: dict[str, Any] = {"says": {"state": "frozen"}, "record": {"issuer": f.OFFICE_B}, "office": "B", **changes}
    return f.make_statement(bundle.record, State.SUSPENDED, f.T + 30, Reason.UNSPECIFIED, **made)


def on_batch(bundle: Bundle, **changes: Any) -> Bundle:
    """The statement that disowns the record's batch."""
    target = Reference(Relation.CHANGES_STATUS_OF, bundle.manifest.issuer, bundle.manifest.root)
    made: dict[str, Any] = {"says": {"state": "disowned"}, "refs": (target,), **changes}
    return f.make_statement(bundle.record, State.REVOKED, f.T + 30, Reason.UNSPECIFIED, **made)


def lifted(**changes: Any) -> Facts:
    """A license that was suspended and is active again."""
    base = f.issue()
    statements = [f.make_statement(base.record, *DETAINED), f.make_statement(base.record, *RETURNED)]
    entries = [f.entry_for(statements[0], *DETAINED), f.entry_for(statements[1], *RETURNED)]
    return f.facts(f.stapled(base, entries=entries, statements=statements, **changes))


@attack(Step.STATUS, "STATUS_STATEMENT_DISOWNED", OPEN)
def a_reinstatement_out_of_a_disowned_batch() -> Facts:
    return lifted(statement_batch={"disowned": 1})


@attack(Step.STATUS, "STATUS_STATEMENT_BATCH_OPEN", OPEN)
def the_proof_that_a_decision_was_disowned_left_out() -> Facts:
    return lifted(without_batches=True)


@attack(Step.STATUS, "STATUS_STATEMENT_BATCH_OPEN", OPEN)
def a_reinstatement_by_a_batch_the_state_does_not_know() -> Facts:
    return lifted(statement_batch={"sequence": 0, "time": 0, "kind": 0, "suite": 0, "size": 0})


@attack(Step.STATUS, "STATUS_FROZEN", OPEN)
def a_freeze_whose_court_was_left_out() -> Facts:
    base = f.issue()
    return f.facts(f.stapled(base, frozen=True, statements=[by_court(base)]))


@attack(Step.STATUS, "STATUS_STATEMENT_DIFFERS", OPEN)
def the_freeze_of_another_court() -> Facts:
    base = f.issue()
    return f.facts(f.stapled(base, frozen=True, court=f.OFFICE_A, statements=[by_court(base)]))


@attack(Step.STATUS, "STATUS_STATEMENT_DIFFERS", OPEN)
def a_freeze_of_another_license() -> Facts:
    base = f.issue()
    other = Reference(Relation.CHANGES_STATUS_OF, f.OFFICE_A, b"\x08" * 32)
    return f.facts(f.stapled(base, frozen=True, court=f.OFFICE_B, statements=[by_court(base, refs=(other,))]))


@attack(Step.STATUS, "STATUS_STATEMENTS_SLACK")
def a_freeze_that_was_lifted() -> Facts:
    base = f.issue()
    return f.facts(f.stapled(base, statements=[by_court(base)]))


@attack(Step.STATUS, "STATUS_STATEMENTS_SLACK")
def two_freezes_beside_one_another() -> Facts:
    base = f.issue()
    twice = [by_court(base), by_court(base, secret=b"\x33" * 32)]
    return f.facts(f.stapled(base, frozen=True, court=f.OFFICE_B, statements=twice))


@attack(Step.STATUS, "STATUS_STATEMENTS_SLACK")
def a_batch_called_disowned_that_is_not() -> Facts:
    base = f.issue()
    return f.facts(f.stapled(base, statements=[on_batch(base)]))


@attack(Step.STATUS, "STATUS_STATEMENT_DIFFERS", OPEN)
def a_revocation_signed_by_the_office_for_another_actor() -> Facts:
    """A successor's account with the predecessor's own, older word."""
    base = f.issue()
    statement = f.make_statement(base.record, *DETAINED)
    entry = replace(f.entry_for(statement, *DETAINED), actor=f.OFFICE_B)
    return f.facts(f.stapled(base, entries=[entry], statements=[statement]))


@attack(Step.STATUS, "STATUS_UNSIGNED", OPEN)
def an_annulment_whose_decision_was_left_out() -> Facts:
    base = f.issue()
    revoked = f.make_statement(base.record, State.REVOKED, f.T + 5, Reason.WITHDRAWN)
    entries = [
        f.entry_for(revoked, State.REVOKED, f.T + 5, Reason.WITHDRAWN),
        replace(f.entry_for(None, State.ACTIVE, f.T + 25, Reason.SET_ASIDE), statement=b"\x07" * 32),
    ]
    return f.facts(f.stapled(base, entries=entries, statements=[revoked]))


@attack(Step.STATUS, "STATUS_STATEMENT_DISOWNED", OPEN)
def an_annulment_decided_in_a_disowned_batch() -> Facts:
    base = f.issue()
    revoked = f.make_statement(base.record, State.REVOKED, f.T + 5, Reason.WITHDRAWN)
    annulled = f.make_statement(base.record, State.ACTIVE, f.T + 15, Reason.SET_ASIDE)
    entries = [
        f.entry_for(revoked, State.REVOKED, f.T + 5, Reason.WITHDRAWN),
        f.entry_for(annulled, State.ACTIVE, f.T + 25, Reason.SET_ASIDE, actor=f.OFFICE_B),
    ]
    batch = {"disowned": 1}
    return f.facts(f.stapled(base, entries=entries, statements=[revoked, annulled], statement_batch=batch))
