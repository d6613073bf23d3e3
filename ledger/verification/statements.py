"""The signed decisions behind changes of status and other acts. Stops: a thief of one account key ending licenses
without the office's signature; a true decision on another record, or saying something else, put beside a change; a
decision out of a batch that was disowned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.core.bundles import Bundle, StatusEntry
from ledger.core.canonical import b64
from ledger.core.registries import Kind, Relation, State
from ledger.core.verdicts import Finding, Indication, Step, failed, noted, undetermined
from ledger.verification.case import Case, need
from ledger.verification.state import ProvedState

NO_STATEMENT = bytes(32)
FROZEN, DISOWNED = "frozen", "disowned"
"""Under ``state`` in the statements of acts that are no change of status."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A signed statement that stands, and the name of its signer's organisation in the signing certificate."""

    bundle: Bundle
    name: str | None

    @property
    def issuer(self) -> str:
        return self.bundle.record.issuer

    def claim(self, name: str) -> Any:
        return _claims(self.bundle).get(name)


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """A change with its verified statement, ``None`` where it is unsigned or its statement does not stand."""

    entry: StatusEntry
    statement: Decision | None

    @property
    def successor(self) -> str | None:
        """Leaf of the record that takes this one's place (base64url), as the statement names it."""
        found = self.statement.claim("successor") if self.statement else None
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Statements:
    """What the statements of one state say: behind each change, behind a freeze, behind a disowned batch."""

    signed: tuple[SignedEntry, ...]
    freeze: Decision | None
    disowning: Decision | None


def judge_statements(
    case: Case, state: ProvedState, statements: tuple[Bundle, ...]
) -> tuple[Statements, list[Finding]]:
    """Each change with the statement whose leaf it names, verified by steps 0 to 13 and saying the same; then, at most
    one each, the statements behind a freeze that stands and behind the disowning of the batch."""
    by_leaf = {s.record.leaf(): s for s in statements}
    wanted = list(dict.fromkeys(e.statement for e in state.entries if e.statement in by_leaf))
    acts = [by_leaf[leaf] for leaf in by_leaf if leaf not in wanted]
    freeze = next((s for s in acts if state.status.frozen and _says(s, FROZEN)), None)
    disowning = next((s for s in acts if state.batch.disowned and _says(s, DISOWNED)), None)
    beside = [s.record.leaf() for s in (freeze, disowning) if s is not None]
    findings: list[Finding] = []
    if [s.record.leaf() for s in statements] != wanted + beside:
        # unused, repeated or in another order: one set of facts has one spelling
        findings.append(failed("STATUS_STATEMENTS_SLACK", listed=len(statements), wanted=len(wanted + beside)))
    signed = []
    for position, entry in enumerate(state.entries):
        decision, faults = _judge(case, state, position, by_leaf.get(entry.statement))
        findings += faults
        signed.append(SignedEntry(entry, decision))
    record, root = need(case.bundle, Step.CONTAINER).record, need(case.bundle, Step.CONTAINER).manifest.root
    frozen, found = _judge_act(case, state, freeze, FROZEN, record.leaf(), state.court)
    findings += found
    disowned, found = _judge_act(case, state, disowning, DISOWNED, root, None)
    return Statements(tuple(signed), frozen, disowned), [*findings, *found]


def _judge(
    case: Case, state: ProvedState, position: int, bundle: Bundle | None
) -> tuple[Decision | None, list[Finding]]:
    entries = state.entries
    entry, earlier, last = entries[position], entries[:position], position == len(entries) - 1
    values: dict[str, Any] = {"position": position, "state": entry.state.word, "statement": entry.statement.hex()}
    if entry.statement == NO_STATEMENT and not last:
        return None, [noted("STATUS_UNSIGNED_EARLIER", **values)]
    if bundle is None:
        return None, [undetermined("STATUS_UNSIGNED", **values)]
    if any(e.statement == entry.statement for e in earlier):
        # A thief of the account could repeat a decision that has been lifted since: it was made once.
        return None, [undetermined("STATUS_STATEMENT_REUSED", **values)]
    batch = state.batches.get(entry.statement)
    if batch is not None and batch.disowned:
        # It counts as absent. What a thief did with a stolen key, and two organisations undid, holds up nobody.
        judged = undetermined if last else noted
        return None, [judged("STATUS_STATEMENT_DISOWNED", **values)]
    # From an end there is one way back, which takes two organisations and names only the second.
    annuls = bool(earlier) and earlier[-1].state.ends
    differing = _differing(case, entry, bundle, annuls=annuls)
    if differing:
        # Whoever holds the account alone can name any leaf: that blocks, and proves nothing against the record.
        return None, [undetermined("STATUS_STATEMENT_DIFFERS", fields=differing, **values)]
    if not entries[-1].state.restricts and (batch is None or batch.sequence == 0):
        # Leaving out that a batch was disowned must not bring a license back into force. Where the last change
        # restricts it, the proof could only make the answer milder.
        return None, [undetermined("STATUS_STATEMENT_BATCH_OPEN", **values)]
    return _verified(case, bundle, values)


def _judge_act(
    case: Case, state: ProvedState, bundle: Bundle | None, word: str, subject: bytes, actor: str | None
) -> tuple[Decision | None, list[Finding]]:
    """The statement behind an act that the state proves anyway: it only adds who decided it, and how."""
    if bundle is None:
        return None, []
    record, batch = bundle.record, state.batches.get(bundle.record.leaf())
    values: dict[str, Any] = {"state": word, "statement": record.leaf().hex()}
    if batch is not None and batch.disowned:
        return None, [noted("STATUS_STATEMENT_DISOWNED", **values)]
    same = {
        "kind": record.kind is Kind.STATUS,
        "target": _names(bundle, need(case.bundle, Step.CONTAINER).record.issuer, subject),
        "issuer": word != FROZEN or record.issuer == actor,
    }
    if differing := [name for name, agrees in same.items() if not agrees]:
        return None, [undetermined("STATUS_STATEMENT_DIFFERS", fields=differing, **values)]
    return _verified(case, bundle, values)


def _verified(case: Case, bundle: Bundle, values: dict[str, Any]) -> tuple[Decision | None, list[Finding]]:
    report = case.judge_statement(bundle, case)
    if report.indication is Indication.TOTAL_PASSED:
        signers = report.proved.get("signature", {}).get("signers", [])
        return Decision(bundle, next((s["organization"] for s in signers if s["organization"]), None)), []
    if report.cause_finding is not None:
        values |= {"cause": report.cause_finding.code, "causeValues": report.cause_finding.values}
    if report.indication is Indication.TOTAL_FAILED:
        return None, [failed("STATUS_STATEMENT_INVALID", **values)]
    return None, [undetermined("STATUS_STATEMENT_UNDETERMINED", **values)]


def _differing(case: Case, entry: StatusEntry, bundle: Bundle, *, annuls: bool) -> list[str]:
    """In what the statement and the recorded change differ, by name; nothing: they say the same.

    Of an annulment the contract itself writes the reason and the instant, which its statement cannot know.
    """
    target, record = need(case.bundle, Step.CONTAINER).record, bundle.record
    leaf, claims = target.leaf(), _claims(bundle)
    effective = claims.get("effective")
    same = {
        "kind": record.kind is Kind.STATUS,
        "target": _names(bundle, target.issuer, leaf),
        "issuer": annuls or record.issuer == entry.actor,
        "state": claims.get("state") == entry.state.word,
        "reason": annuls or claims.get("reason") == entry.reason.word,
        "effective": type(effective) is int
        and (effective == entry.effective or (annuls and effective <= entry.effective)),
        "successor": entry.state is not State.SUPERSEDED or _is_leaf(claims.get("successor"), leaf),
    }
    return [name for name, agrees in same.items() if not agrees]


def _names(bundle: Bundle, issuer: str, subject: bytes) -> bool:
    wanted = (Relation.CHANGES_STATUS_OF, issuer, subject)
    return any((r.relation, r.issuer, r.leaf) == wanted for r in bundle.record.refs)


def _says(bundle: Bundle, state: str) -> bool:
    return _claims(bundle).get("state") == state


def _is_leaf(value: object, own: bytes) -> bool:
    """A successor is another record than this one."""
    return type(value) is str and len(value) == 43 and value != b64(own)


def _claims(bundle: Bundle) -> dict[str, Any]:
    return {d.name: d.value for d in bundle.disclosures}
