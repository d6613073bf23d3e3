"""The smaller tables, row by row: transactions, wishes, tokens, documents, the cursor. Each against what proves it:
signed bytes, decisions in records, the chain, the log of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ledger.core import canonical
from ledger.core.accreditations import Accreditation
from ledger.core.canonical import b64
from ledger.core.registries import Reason, State
from ledger.core.trust_documents import document_id, read_trust_document
from ledger.errors import InputError
from ledger.ports import Chain
from ledger.ports.auditing import AuditReads
from ledger.proofs import rlp
from ledger.proofs.commit_seals import recover_sealer
from ledger.proofs.keccak import keccak
from ledger.services.acting import RecordsAct
from ledger.services.audit_findings import Findings
from ledger.services.audit_records import Statement
from ledger.services.audit_replay import Key, Replay

_MINED, _UNMINED, _DEAD = ("mined", "final"), ("stored", "sent"), ("failed", "replaced")
Row = dict[str, Any]


class TableAudit:
    """``gone``: leaves of decisions that were erased; ``whole``: every record was read, so that a decision which is
    none of them does not exist."""

    def __init__(
        self, reads: AuditReads, chain: Chain, made: Replay, gone: frozenset[bytes], whole: bool, findings: Findings
    ) -> None:
        self._reads = reads
        self._chain = chain
        self._made = made
        self._gone = gone
        self._whole = whole
        self._findings = findings

    def named(self, table: str) -> Iterator[Row]:
        columns = self._reads.columns(table)
        for row in self._reads.rows(table):
            yield dict(zip(columns, row, strict=True))

    def _differs(self, table: str, row: object, column: str) -> None:
        self._findings.differs("AUDIT_ROW_DIFFERS", f"{table}/{row}/{column}", table=table, row=row, column=column)

    def _hold(self, table: str, row: Row, wanted: Mapping[str, Any], key: str = "row") -> None:
        for column, value in wanted.items():
            if row[column] != value:
                self._differs(table, row[key], column)

    # ---- transactions ----------------------------------------------------------------------------------------------

    def transactions(self, batches: Mapping[int, Row]) -> dict[int, Row]:
        """Signed bytes against their row, and where they were mined; ``batches``: rows by key."""
        found: dict[int, Row] = {}
        for row in self.named("transactions"):
            found[row["row"]] = row
            self._hold("transactions", row, self._signed(row["raw"]))
            if row["state"] not in (*_MINED, *_UNMINED, *_DEAD) or row["purpose"] not in ("anchor", "status", "act"):
                self._differs(
                    "transactions", row["row"], "state" if row["purpose"] in ("anchor", "status", "act") else "purpose"
                )
                continue
            self._mined(row)
            if row["purpose"] == "anchor":
                batch = batches.get(row["subject"])
                if batch is None or batch["root"] not in row["raw"]:
                    self._differs("transactions", row["row"], "subject")
        return found

    def _signed(self, raw: bytes) -> Row:
        try:
            parts = rlp.decode_strict(raw)
            nonce, price, gas, to, value, data, v, r, s = (part for part in parts if isinstance(part, bytes))
            chain = self._chain.identity.id
            parity = rlp.to_int(v) - 35 - 2 * chain  # EIP-155
            digest = keccak(rlp.encode([nonce, price, gas, to, value, data, rlp.from_int(chain), b"", b""]))
            sender = recover_sealer(digest, r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes([parity]))
            return {"hash": keccak(raw), "nonce": rlp.to_int(nonce), "account": sender}
        except (InputError, ValueError):
            return {"raw": None}

    def _mined(self, row: Row) -> None:
        """Mined and failed ones name their block, others none; what the chain shows outranks both."""
        state, block = row["state"], row["block"]
        mined = self._chain.mined(row["hash"])
        wanted: Row = {}
        if state in _MINED or state == "failed":
            if mined is None or mined.succeeded is (state == "failed"):
                wanted["state"] = "other"
            else:
                wanted["block"] = mined.block
                if row["block_hash"] is not None or row["purpose"] == "anchor":
                    wanted["block_hash"] = mined.block_hash
        else:
            wanted |= {"block": None, "block_hash": None}
            if mined is not None and state == "replaced":
                wanted["state"] = "mined"
        if state == "failed" and block is None:
            wanted.pop("block", None)  # of a wish only its end is kept
            wanted.pop("block_hash", None)
        self._hold("transactions", row, wanted)

    # ---- wishes ----------------------------------------------------------------------------------------------------

    def intents(self, statements: Mapping[bytes, Statement], transactions: Mapping[int, Row]) -> None:
        """Changes of status asked for: each against its decision, and against what the chain shows of it."""
        recorded = self._made.statements()
        linked: dict[int, list[Row]] = {}
        for row in self.named("intents"):
            said = statements.get(row["statement"])
            if said is None:
                self._unknown("intents", row)
            else:
                self._hold("intents", row, _intent(said, row))
            entry = recorded.get(row["statement"])
            done = entry is not None and entry[:2] == (row["leaf"], row["issuer"])
            self._state("intents", row, done, transactions, linked)
        self._subjects("status", "leaf", "intents", transactions, linked)

    def acts(self, statements: Mapping[bytes, Statement], transactions: Mapping[int, Row]) -> None:
        """Freezes, annulments, disownings and relations asked for: as changes of status."""
        events: dict[bytes, list[Key]] = {}
        for event in self._made.tables["chain_acts"].values():
            events.setdefault(event[6], []).append(event)
        linked: dict[int, list[Row]] = {}
        for row in self.named("acts"):
            said, shown = statements.get(row["statement"]), events.get(row["statement"], [])
            if row["act"] not in [a.value for a in RecordsAct]:
                self._differs("acts", row["row"], "act")
                continue
            if said is None:
                if not shown:  # whoever confirms has the proposal of another office, whose record is elsewhere
                    self._unknown("acts", row)
            else:
                self._hold("acts", row, _act(said, row))
                proposed = RecordsAct(row["act"]).proposed
                if row["actor"] != said.actor and not any(e[3] == proposed and e[7] == said.actor for e in shown):
                    self._differs("acts", row["row"], "actor")
            self._state("acts", row, _shown(row, shown), transactions, linked)
        self._subjects("act", "subject", "acts", transactions, linked)

    def _unknown(self, table: str, row: Row) -> None:
        """Erased decisions are tombstoned, which is said of the records; a statement that nobody wrote is named."""
        if self._whole and row["statement"] not in self._gone:
            self._differs(table, row["row"], "statement")

    def _state(
        self, table: str, row: Row, done: bool, transactions: Mapping[int, Row], linked: dict[int, list[Row]]
    ) -> None:
        state, transaction = row["state"], transactions.get(row["transaction"])
        if row["transaction"] is not None:
            linked.setdefault(row["transaction"], []).append(row)
            if transaction is None or row["statement"] not in transaction["raw"]:
                self._differs(table, row["row"], "transaction")
        elif state == "sent" or (state == "done" and table == "intents"):
            self._differs(table, row["row"], "transaction")
        waits = transaction is not None and transaction["state"] in _UNMINED
        right = {"done": done, "sent": waits, "refused": not done, "ready": not waits, "accepted": not waits}
        if not right.get(state, False):
            self._differs(table, row["row"], "state")
        if state in ("accepted", "ready") and transaction is not None and transaction["state"] not in _DEAD:
            self._differs(table, row["row"], "state")
        if (row["problem"] is not None) and state in ("accepted", "sent", "done"):
            self._differs(table, row["row"], "problem")

    def _subjects(
        self, purpose: str, leaf: str, table: str, transactions: Mapping[int, Row], linked: Mapping[int, list[Row]]
    ) -> None:
        """The transaction names the first of its wishes; both are in its signed bytes."""
        wishes = {row["row"]: row for rows in linked.values() for row in rows}
        for key, transaction in transactions.items():
            if transaction["purpose"] != purpose or transaction["state"] in _DEAD:
                continue
            rows = linked.get(key, [])
            first = wishes.get(transaction["subject"])
            if not rows:
                self._differs("transactions", key, "purpose")
            elif first is None or first["transaction"] != key or first[leaf] not in transaction["raw"]:
                self._differs("transactions", key, "subject")

    # ---- documents, cursor, tokens ---------------------------------------------------------------------------------

    def documents(self, used: set[bytes]) -> None:
        """Each is named by its digest, and the chain names it; those ``used`` by batches of this house are there.
        Those of the trust list may be missing: the trust file carries what they say."""
        known, left = self._made.tables["chain_accreditations"], used - {bytes(32)}
        listed = self._chain.trust_list()
        trusted = listed.documents if listed else frozenset()
        for row in self.named("documents"):
            key = row["id"].hex()
            left.discard(row["id"])
            if _document_id(row["document"]) != row["id"]:
                self._differs("documents", key, "document")
            elif (row["id"],) not in known and row["id"] not in trusted:
                self._findings.differs("AUDIT_ROW_EXTRA", f"documents/{key}", table="documents", row=key)
        for id_ in sorted(left):
            self._findings.differs("AUDIT_ROW_MISSING", f"documents/{id_.hex()}", table="documents", row=id_.hex())

    def tokens(self, entries: Callable[[], Iterator[Mapping[str, Any]]]) -> None:
        """Rights against the log of operations; ``entries``: all of the log."""
        wanted: dict[str, Row] = {}
        for entry in entries():
            if entry["act"] == "token.add":
                after = entry["after"]
                wanted[entry["subject"]] = {
                    "digest": bytes.fromhex(after["digest"]),
                    "organisations": " ".join(after["organisations"]),
                    "actions": " ".join(after["actions"]),
                    "until": after["until"],
                    "created": entry["at"],
                    "revoked": None,
                }
            elif entry["act"] == "token.revoke" and entry["subject"] in wanted:
                wanted[entry["subject"]]["revoked"] = entry["at"]
        for row in self.named("tokens"):
            logged = wanted.pop(row["id"], None)
            if logged is None:
                self._findings.differs("AUDIT_ROW_EXTRA", f"tokens/{row['id']}", table="tokens", row=row["id"])
            else:
                self._hold("tokens", row, logged, "id")
        for key in wanted:
            self._findings.differs("AUDIT_ROW_MISSING", f"tokens/{key}", table="tokens", row=key)


def _intent(said: Statement, row: Row) -> Row:
    return {
        "actor": said.actor,
        "issuer": said.issuer,
        "leaf": row["leaf"] if b64(row["leaf"]) == said.subject else None,
        "change": _number(State, said.state),
        "effective": said.effective,
        "reason": _number(Reason, said.reason),
        "created": said.issued,
    }


def _act(said: Statement, row: Row) -> Row:
    wanted: Row = {
        "issuer": said.issuer,
        "subject": row["subject"] if b64(row["subject"]) == said.subject else None,
        "act": row["act"] if RecordsAct(row["act"]).states == said.state else None,
    }
    if row["actor"] == said.actor:  # who confirms acts later than who proposed
        wanted["created"] = said.issued
    return wanted


def _shown(row: Row, events: list[Key]) -> bool:
    """Does the chain show the act, or this organisation's half of it?"""
    kind = RecordsAct(row["act"])
    for event in events:
        name, issuer, subject, actor, second = event[3], event[4], event[5], event[7], event[8]
        if kind.relation is not None:
            if (subject, actor, event[9]) == (row["subject"], row["actor"], kind.relation):
                return True
            continue
        if (issuer, subject) == (row["issuer"], row["subject"]) and (
            (name == kind.done and row["actor"] in (actor, second)) or (name == kind.proposed and row["actor"] == actor)
        ):
            return True
    return False


def _number(registry: type[State] | type[Reason], word: object) -> int | None:
    try:
        return int(registry.of_word(word, "word"))
    except InputError:
        return None


def _document_id(document: bytes) -> bytes | None:
    """Digest of an accreditation's or a trust list's document; ``None`` for anything else."""
    try:
        try:
            return Accreditation.from_json(canonical.decode(document)).id()
        except InputError:
            return document_id(read_trust_document(document))
    except InputError:
        return None
