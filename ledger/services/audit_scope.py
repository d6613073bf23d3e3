"""What an audit does not prove, by name: everything else is found when it is edited."""

from __future__ import annotations

UNPROTECTED = {
    "batches.created": "when a batch was closed here; its manifest and its block say what counts",
    "intents.number": "which of two requests at once comes first; what came of them stands on the chain",
    "intents.problem": "words for people, of a change that was refused; nothing is decided by them",
    "acts.problem": "words for people, of an act that was refused; nothing is decided by them",
    "records.line": "where a record stood in its table, for an import that goes on; the record is proved",
    "runs.job": "which import brought records, for one that goes on; the records are proved",
    "runs.ordinal": "where records waited in a chunk, held against it while they wait; frozen they have another place",
    "transactions.row": "a number; where a wish names it, the wish is held against the signed bytes",
    "tokens.label": "a name that people gave; no right depends on it",
}
"""Columns that nothing proves, with the reason: ``table.column``, or ``table.*``."""
UNPROTECTED |= {
    f"{table}.*": reason
    for table, reason in {
        "jobs": "progress of an import, for going on after a crash; its records and its end in the log are proved",
        "uploads": "progress of a table that was sent in; its records and its end in the log are proved",
        "answers": "what a repeated request is told, for some days; the record it leads to is proved",
        "leases": "who works right now, for seconds",
        "login_challenges": "what waits to be signed, for minutes; what is signed is the challenge itself",
        "login_sessions": "who is logged in, for hours; rows make none, the log tells, a restored ledger has none",
    }.items()
}
