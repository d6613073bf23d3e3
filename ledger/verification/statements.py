"""The signed decisions behind changes of status. Stops: a thief of one account key ending licenses without
the office's signature; a true decision on another record, or saying something else, put beside a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.core.bundles import Bundle, StatusEntry
from ledger.core.canonical import b64
from ledger.core.registries import Kind, Relation, State
from ledger.core.verdicts import Finding, Indication, Step, failed, noted, undetermined
from ledger.verification.case import Case, need

NO_STATEMENT = bytes(32)


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """A change with its verified statement, ``None`` where it is unsigned or its statement does not stand."""

    entry: StatusEntry
    statement: Bundle | None

    @property
    def successor(self) -> str | None:
        """Leaf of the record that takes this one's place (base64url), as the statement names it."""
        found = _claims(self.statement).get("successor") if self.statement else None
        return found if isinstance(found, str) else None


def judge_statements(
    case: Case, entries: tuple[StatusEntry, ...], statements: tuple[Bundle, ...]
) -> tuple[tuple[SignedEntry, ...], list[Finding]]:
    """Each change with the statement whose leaf it names, verified by steps 0 to 13 and saying the same."""
    by_leaf = {s.record.leaf(): s for s in statements}
    wanted = list(dict.fromkeys(e.statement for e in entries if e.statement in by_leaf))
    findings: list[Finding] = []
    if [s.record.leaf() for s in statements] != wanted:
        # unused, repeated or in another order: one set of facts has one spelling
        findings.append(failed("STATUS_STATEMENTS_SLACK", listed=len(statements), wanted=len(wanted)))
    signed = []
    for position, entry in enumerate(entries):
        bundle = by_leaf.get(entry.statement)
        faults = _judge(case, entries, position, bundle)
        findings += faults
        signed.append(SignedEntry(entry, None if faults else bundle))
    return tuple(signed), findings


def _judge(case: Case, entries: tuple[StatusEntry, ...], position: int, bundle: Bundle | None) -> list[Finding]:
    entry, earlier = entries[position], entries[:position]
    values: dict[str, Any] = {"position": position, "state": entry.state.word, "statement": entry.statement.hex()}
    last = position == len(entries) - 1
    if entry.statement == NO_STATEMENT and not last:
        return [noted("STATUS_UNSIGNED_EARLIER", **values)]
    if bundle is None:
        return [undetermined("STATUS_UNSIGNED", **values)]
    if any(e.statement == entry.statement for e in earlier):
        # A thief of the account could repeat a decision that has been lifted since: it was made once.
        return [undetermined("STATUS_STATEMENT_REUSED", **values)]
    # From an end there is one way back, which takes two organisations and names only the second.
    annuls = bool(earlier) and earlier[-1].state.ends
    differing = _differing(case, entry, bundle, annuls=annuls)
    if differing:
        # Whoever holds the account alone can name any leaf: that blocks, and proves nothing against the record.
        return [undetermined("STATUS_STATEMENT_DIFFERS", fields=differing, **values)]
    report = case.judge_statement(bundle, case)
    if report.indication is Indication.TOTAL_PASSED:
        return []
    if report.cause_finding is not None:
        values |= {"cause": report.cause_finding.code, "causeValues": report.cause_finding.values}
    if report.indication is Indication.TOTAL_FAILED:
        return [failed("STATUS_STATEMENT_INVALID", **values)]
    return [undetermined("STATUS_STATEMENT_UNDETERMINED", **values)]


def _differing(case: Case, entry: StatusEntry, bundle: Bundle, *, annuls: bool) -> list[str]:
    """In what the statement and the recorded change differ, by name; nothing: they say the same.

    Of an annulment the contract itself writes the reason and the instant, which its statement cannot know.
    """
    target, record = need(case.bundle, Step.CONTAINER).record, bundle.record
    leaf, claims = target.leaf(), _claims(bundle)
    names_it = any(
        r.relation is Relation.CHANGES_STATUS_OF and r.issuer == target.issuer and r.leaf == leaf for r in record.refs
    )
    effective = claims.get("effective")
    same = {
        "kind": record.kind is Kind.STATUS,
        "target": names_it,
        "issuer": annuls or record.issuer == entry.actor,
        "state": claims.get("state") == entry.state.word,
        "reason": annuls or claims.get("reason") == entry.reason.word,
        "effective": type(effective) is int
        and (effective == entry.effective or (annuls and effective <= entry.effective)),
        "successor": entry.state is not State.SUPERSEDED or _is_leaf(claims.get("successor"), leaf),
    }
    return [name for name, agrees in same.items() if not agrees]


def _is_leaf(value: object, own: bytes) -> bool:
    """A successor is another record than this one."""
    return type(value) is str and len(value) == 43 and value != b64(own)


def _claims(bundle: Bundle) -> dict[str, Any]:
    return {d.name: d.value for d in bundle.disclosures}
