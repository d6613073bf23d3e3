"""Are these all events of the chain, and as they were? The contract's storage says so, each word of it proved."""

from __future__ import annotations

from collections.abc import Callable

from ledger.core.identifiers import organisation_bytes32
from ledger.core.manifests import BlockName
from ledger.errors import UnavailableError
from ledger.ports.auditing import AuditChain
from ledger.proofs import records_layout
from ledger.services.audit_findings import Findings
from ledger.services.audit_replay import Replay, tuple_word

WORDS = 256
"""Words of storage in one proof."""
Expected = dict[bytes, tuple[int, str, str]]
"""Slot → the word that the events lead to, and the code and place of a difference."""


def prove_storage(
    storage: Callable[[BlockName], AuditChain], head: BlockName, made: Replay, since: int, findings: Findings
) -> None:
    """Numbers of batches and histories of all leaves; and everything that was anchored from block ``since`` on."""
    wanted = _expected(made, since)
    slots = list(wanted)
    try:
        proved = storage(head)
        for at in range(0, len(slots), WORDS):
            some = slots[at : at + WORDS]
            for slot, word in zip(some, proved.words(some), strict=True):
                number, code, where = wanted[slot]
                if word != number:
                    findings.differs(code, where, sequence=word if code == "AUDIT_SEQUENCE_GAP" else "")
    except UnavailableError as e:
        findings.unread("chain/storage", e)


def _expected(made: Replay, since: int) -> Expected:
    wanted: Expected = {}
    known = {organisation for (organisation,) in made.tables["chain_organisations"]}
    for issuer in known | made.sequences.keys():  # one whose only batch is withheld has none in the events
        count = made.sequences.get(issuer, 0)
        slot = records_layout.sequence_slot(organisation_bytes32(issuer))
        wanted[slot] = count, "AUDIT_SEQUENCE_GAP", f"chain/{issuer}/{count + 1}"
    for (issuer, root), (block, event) in made.anchored.items():
        if block >= since:
            where = f"chain/{issuer}/{event.sequence}"
            wanted[records_layout.tuple_slot(event.issuer, root)] = tuple_word(event), "AUDIT_STATE_DIFFERS", where
    for (organisation, leaf), (_, history) in made.histories.items():
        number = int.from_bytes(history, "big")
        slot = records_layout.history_slot(organisation, leaf)
        wanted[slot] = number, "AUDIT_STATE_DIFFERS", f"chain/{leaf.hex()}"
    return wanted
