"""The signed decisions behind changes of status. Stops: a thief of one account key ending licenses without
the office's signature; a true decision on another record, or saying something else, put beside a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.core.bundles import Bundle, StatusEntry
from ledger.core.canonical import b64
from ledger.core.registries import Kind, Reason, Relation, State
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
        used = any(e.statement == entry.statement for e in entries[:position])
        faults = _judge(case, entry, bundle, position, last=position == len(entries) - 1, used=used)
        findings += faults
        signed.append(SignedEntry(entry, None if faults else bundle))
    return tuple(signed), findings


def _judge(
    case: Case, entry: StatusEntry, bundle: Bundle | None, position: int, *, last: bool, used: bool
) -> list[Finding]:
    values: dict[str, Any] = {
        "position": position,
        "state": entry.state.word,
        "statement": entry.statement.hex(),
    }
    if entry.statement == NO_STATEMENT and not last:
        return [noted("STATUS_UNSIGNED_EARLIER", **values)]
    if bundle is None:
        return [undetermined("STATUS_UNSIGNED", **values)]
    if used:
        # A thief of the account could repeat a decision that has been lifted since: it was made once.
        return [undetermined("STATUS_STATEMENT_REUSED", **values)]
    differing = _differing(case, entry, bundle)
    if differing:
        return [failed("STATUS_STATEMENT_DIFFERS", fields=differing, **values)]
    report = case.judge_statement(bundle, case)
    if report.indication is Indication.TOTAL_PASSED:
        return []
    if report.cause_finding is not None:
        values |= {"cause": report.cause_finding.code, "causeValues": report.cause_finding.values}
    if report.indication is Indication.TOTAL_FAILED:
        return [failed("STATUS_STATEMENT_INVALID", **values)]
    return [undetermined("STATUS_STATEMENT_UNDETERMINED", **values)]


def _differing(case: Case, entry: StatusEntry, bundle: Bundle) -> list[str]:
    """In what the statement and the recorded change differ, by name; nothing: they say the same."""
    target, record = need(case.bundle, Step.CONTAINER).record, bundle.record
    leaf, claims = target.leaf(), _claims(bundle)
    annuls = entry.state is State.ACTIVE and entry.reason is Reason.ANNULLED
    names_it = any(
        r.relation is Relation.CHANGES_STATUS_OF and r.issuer == target.issuer and r.leaf == leaf for r in record.refs
    )
    effective = claims.get("effective")
    same = {
        "kind": record.kind is Kind.STATUS,
        "target": names_it,
        # Two organisations annul: the contract checked both, and the change names only the second.
        "issuer": annuls or record.issuer == entry.actor,
        "state": claims.get("state") == entry.state.word,
        "reason": claims.get("reason") == entry.reason.word,
        # An annulment takes effect when the second agrees, which its statement cannot know.
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
