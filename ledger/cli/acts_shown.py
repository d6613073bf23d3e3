"""What ``show`` says of a record's freezes, annulments and its batch, beside the changes of its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.cli.session import Session

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.ports import RecordRow


def acts_of(app: App, row: RecordRow) -> dict[str, Any]:
    """``acts``: events on the record and on its batch, in the order of the chain; ``frozenBy``: the court, or None;
    ``disowned``: whether the batch is; ``waits``: proposals that wait for their second organisation; ``asked``: acts
    still on their way to the chain; ``relations``: who countersigned the record, keeps it or decided on it."""
    from ledger.services import acting
    from ledger.services.relations import relations_of
    from ledger.services.sending import OPEN

    relations = relations_of(app.store, app.bundling, row.issuer, row.leaf)
    with app.store.read() as unit:
        root = unit.batches.get(row.batch).root if row.batch is not None else None
        subjects = list(dict.fromkeys([row.leaf, *([root] if root else [])]))
        events = unit.chain_acts.of_subject(row.issuer, *subjects)
        frozen = acting.frozen(unit, row.issuer, row.leaf)
        waits = acting.waiting(unit, acting.RecordsAct.ANNUL, row.issuer, row.leaf)
        waits += acting.waiting(unit, acting.RecordsAct.DISOWN, row.issuer, root) if root else []
        asked = [a for s in subjects for a in unit.acts.for_subject(row.issuer, s) if a.state in OPEN]
        disowned = root is not None and acting.disowned(unit, row.issuer, root) is not None
    return {
        "acts": [
            {"event": e.event, "by": [o for o in (e.actor, e.second) if o], "time": e.time, "block": e.block,
             "statement": e.statement.hex()}
            for e in events
        ],
        "frozenBy": frozen.actor if frozen else None,
        "disowned": disowned,
        "waits": [{"event": p.event, "by": p.actor, "statement": p.statement.hex()} for p in waits],
        "asked": [{"act": a.act, "by": a.actor} for a in asked],
        "relations": [
            {"relation": r.relation, "by": r.actor, "statement": r.statement.hex(), "time": r.time, "block": r.block,
             "confirmed": r.confirmed}
            for r in relations.known
        ],
    }  # fmt: skip


def act_lines(session: Session, value: dict[str, Any]) -> list[str]:
    from ledger.verification.words import instant

    lines = [
        session.words(
            "CLI_SHOW_ACT", event=session.words(f"CLI_EVENT_{a['event'].upper()}"), time=instant(a["time"]),
            by="、".join(_organisation(session, o) for o in a["by"]), block=a["block"],
        )
        for a in value["acts"]
    ]  # fmt: skip
    for said in value["relations"]:
        code = "CLI_SHOW_RELATION" if said["confirmed"] else "CLI_SHOW_RELATION_CLAIMED"
        lines.append(
            session.words(
                code, time=instant(said["time"]), actor=said["by"], block=said["block"], statement=said["statement"],
                relation=session.words(f"WORD_RELATION_{said['relation'].upper()}"),
            )
        )  # fmt: skip
    for waits in value["waits"]:
        lines.append(
            session.words("CLI_SHOW_ACT_WAITS", by=_organisation(session, waits["by"]), statement=waits["statement"])
        )
    lines += [session.words("CLI_SHOW_ACT_ASKED", act=a["act"], by=a["by"]) for a in value["asked"]]
    return lines


def _organisation(session: Session, name: str) -> str:
    return session.words("WORD_COUNCIL") if name.startswith("0x") else name
