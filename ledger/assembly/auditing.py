"""The audit joined to this data folder, and the lock that it lifts."""

from __future__ import annotations

from collections.abc import Callable

from ledger.assembly.app import App
from ledger.assembly.restored import lift, restored_mark
from ledger.chain.storage_words import StorageWords
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.crypto.approvals import missing_approvals
from ledger.services.audit_findings import Audited
from ledger.services.audit_records import Unapproved
from ledger.services.auditing import Auditing, Sources, accepted_losses
from ledger.services.operations import Act
from ledger.store.audit_reads import audit_reads
from ledger.store.segments import SegmentFolders


def auditing(app: App) -> Auditing:
    copy = app.settings.copy_root
    return Auditing(
        Sources(
            store=app.store,
            reads=lambda: audit_reads(app.settings.database_url()),
            chain=app.chain,
            consensus=app.chain_file.consensus,
            storage=lambda name: StorageWords(app.engine, app.chain, name),
            segments=SegmentFolders(app.home.segments),
            copies=SegmentFolders(copy) if copy else None,
            vault=app.vault,
            spool=app.spool,
            index=app.index_key,
            own=lambda: {organisation for organisation, _ in app.keys.held("signing")},
            unapproved=_unapproved(app),
            trust=app.trust.content,
            log=app.log_anchoring.verify,
            clock=app.clock,
        )
    )


def audit(
    app: App, since: int = 0, accept_losses: bool = False, watch: Callable[[int], None] = lambda count: None
) -> tuple[Audited, bool]:
    """Audit the folder; a restored one is unlocked where everything was proved and nothing differs. Returns whether it
    was. ``accept_losses``: also where record keys are lost for good, which the log of operations then says.

    Raises:
        UnavailableError: CHAIN_…, STORE_….
    """
    found = auditing(app).run(since, watch)
    losses = accept_losses and not found.whole and accepted_losses(found)
    unlocked = restored_mark(app.home) is not None and (found.whole or losses) and lift(app.home)
    if unlocked:
        app.operations.record(Act("restore.audited", None, None, None, {"block": found.head.block, "lost": found.lost}))
    return found, unlocked


def _unapproved(app: App) -> Unapproved:
    def unapproved(issuer: str, leaves: bytes, approvals: bytes, sm3: Sm3Leaves | None) -> list[int]:
        if not any(app.keys.names(issuer, "approval")):  # a host that releases nothing: whoever signs can tell
            return app.signer(issuer).unapproved(leaves, approvals, sm3)
        return missing_approvals(leaves, approvals, app.keys.approval_keys(issuer), sm3)

    return unapproved
