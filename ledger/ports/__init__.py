"""What the services need from outside, as protocols with the values that cross them.

Adapters (``chain``, ``store``, ``outside``) implement these; services see nothing else. Every method raises only
errors of ``ledger.errors``; every instant is seconds UTC; every digest and leaf is 32 raw bytes.
"""

from __future__ import annotations

from ledger.ports.acts import ActRow, Acts, ChainAct, ChainActs
from ledger.ports.chain import (
    Account,
    ActCall,
    AnchorCall,
    BatchEngine,
    Chain,
    Engine,
    FreezeCall,
    Mined,
    OrganisationEvent,
    PairCall,
    RelateCall,
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
    Block,
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
    AcceptedRun,
    AccountRow,
    AccreditationRow,
    BatchRow,
    ChainEntry,
    IntentRow,
    JobRow,
    RecordRow,
    RunRow,
    SignerRow,
    TransactionRow,
)

__all__ = [
    "AcceptedRun",
    "Account",
    "AccountRow",
    "AccreditationRow",
    "ActCall",
    "ActRow",
    "Acts",
    "AnchorCall",
    "BatchEngine",
    "BatchRow",
    "Batches",
    "Block",
    "Chain",
    "ChainAct",
    "ChainActs",
    "ChainEntry",
    "ChainIndex",
    "Clock",
    "Engine",
    "FreezeCall",
    "IntentRow",
    "Intents",
    "JobRow",
    "Jobs",
    "Mined",
    "OrganisationEvent",
    "PairCall",
    "RecordRow",
    "Records",
    "RelateCall",
    "RevocationSource",
    "RunRow",
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
