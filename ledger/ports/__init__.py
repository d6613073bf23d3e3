"""What the services need from outside, as protocols with the values that cross them.

Adapters (``chain``, ``store``, ``outside``) implement these; services see nothing else. Every method raises only
errors of ``ledger.errors``; every instant is seconds UTC; every digest and leaf is 32 raw bytes.
"""

from __future__ import annotations

from ledger.ports.chain import (
    Account,
    AnchorCall,
    Chain,
    Engine,
    Mined,
    OrganisationEvent,
    StatusCall,
)
from ledger.ports.signing import (
    Clock,
    RevocationSource,
    SegmentReader,
    Signed,
    Signer,
    TimestampAuthority,
)
from ledger.ports.storage import (
    Segment,
    SegmentBody,
    Segments,
    Spool,
    Vault,
)
from ledger.ports.tables import (
    Batches,
    ChainIndex,
    Intents,
    Jobs,
    Records,
    Store,
    Transactions,
    Unit,
)
from ledger.ports.values import (
    AcceptedRow,
    AccountRow,
    AccreditationRow,
    BatchRow,
    ChainEntry,
    IntentRow,
    JobRow,
    RecordRow,
    SignerRow,
    TransactionRow,
)

__all__ = [
    "AcceptedRow",
    "Account",
    "AccountRow",
    "AccreditationRow",
    "AnchorCall",
    "BatchRow",
    "Batches",
    "Chain",
    "ChainEntry",
    "ChainIndex",
    "Clock",
    "Engine",
    "IntentRow",
    "Intents",
    "JobRow",
    "Jobs",
    "Mined",
    "OrganisationEvent",
    "RecordRow",
    "Records",
    "RevocationSource",
    "Segment",
    "SegmentBody",
    "SegmentReader",
    "Segments",
    "Signed",
    "Signer",
    "SignerRow",
    "Spool",
    "StatusCall",
    "Store",
    "TimestampAuthority",
    "TransactionRow",
    "Transactions",
    "Unit",
    "Vault",
]
