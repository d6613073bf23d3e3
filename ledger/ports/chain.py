"""The engine seam, and the chain as services use it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ledger.core.bundles import Anchor
from ledger.core.manifests import BlockName, ChainIdentity
from ledger.core.registries import Kind, Reason, Relation, State
from ledger.core.trust_services import TrustSnapshot
from ledger.core.trusted_chains import TrustListPin


class Engine(Protocol):
    """A chain node as the seam sees it: Ethereum JSON-RPC and nothing else."""

    def request(self, method: str, params: Sequence[Any] = ()) -> Any: ...


@runtime_checkable
class BatchEngine(Engine, Protocol):
    """An engine that takes several questions in one exchange, all answered by one node."""

    def request_many(self, questions: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Mined:
    """Where a transaction was mined. ``succeeded`` is the receipt's status."""

    block: int
    block_hash: bytes
    index: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class AnchorCall:
    accreditation: bytes
    kind: Kind
    suite: int
    size: int
    root: bytes
    manifest_sha256: bytes
    signers: tuple[bytes, ...]
    manifest_sm3: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class StatusCall:
    issuer: str
    changes: tuple[tuple[bytes, bytes], ...]
    state: State
    effective: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class FreezeCall:
    """A court freezes leaves, or lifts that. ``changes``: (leaf, leaf of the statement)."""

    accreditation: bytes
    issuer: str
    changes: tuple[tuple[bytes, bytes], ...]
    lift: bool


@dataclass(frozen=True, slots=True)
class PairCall:
    """One of two organisations annuls the end of a leaf, or disowns a batch (``disown``: ``subject`` is its root)."""

    disown: bool
    issuer: str
    subject: bytes
    statement: bytes


@dataclass(frozen=True, slots=True)
class RelateCall:
    """Say publicly that ``statement`` stands in ``relation`` to the leaf ``target``."""

    target: bytes
    relation: Relation
    statement: bytes


ActCall = FreezeCall | PairCall | RelateCall


@dataclass(frozen=True, slots=True)
class Account:
    """A chain account (secp256k1). The key is never shown."""

    address: bytes
    key: Any


class Chain(Protocol):
    """Contract calls, transactions and proofs over one engine; refuses an engine of another genesis."""

    @property
    def identity(self) -> ChainIdentity: ...

    def head(self) -> tuple[BlockName, int]:
        """The newest final block and its timestamp."""
        ...

    def chain_nonce(self, account: bytes) -> int: ...

    def spent(self, account: bytes, nonce: int, hash_: bytes) -> bool:
        """Whether a final block shows the account's nonce used by a transaction other than ``hash_``."""
        ...

    def sign_anchor(self, account: Account, nonce: int, call: AnchorCall) -> tuple[bytes, bytes]:
        """(raw transaction, hash)."""
        ...

    def sign_status(self, account: Account, nonce: int, call: StatusCall) -> tuple[bytes, bytes]: ...

    def check_anchor(self, account: Account, call: AnchorCall) -> None:
        """Dry run; ConflictError CHAIN_REFUSED with the contract's error name and values."""
        ...

    def check_status(self, account: Account, call: StatusCall) -> None: ...

    def sign_act(self, account: Account, nonce: int, call: ActCall) -> tuple[bytes, bytes]: ...

    def check_act(self, account: Account, call: ActCall) -> None: ...

    def send(self, raw: bytes) -> None:
        """Idempotent: the node already knowing the transaction is success."""
        ...

    def mined(self, hash_: bytes) -> Mined | None:
        """Only from blocks that are final by the chain's consensus."""
        ...

    def canonical(self, block: int) -> bytes:
        """Hash of the canonical block at that height."""
        ...

    def anchored(self, issuer: str, root: bytes) -> Mined | None:
        """Where the batch was first anchored, whichever transaction did it."""
        ...

    def anchor_proof(self, mined: Mined, after: int) -> Anchor:
        """Header, receipt proof, header of block ``after``; ``accreditation`` is left ``None``."""
        ...

    def state_header(self, fresh_seconds: int | None) -> bytes:
        """RLP of the newest final block's header; with ``fresh_seconds`` the embedded engine seals a block first if
        its head is older."""
        ...

    def state_proof(
        self, header: bytes, issuer: str, leaf: bytes, root: bytes, statements: Sequence[tuple[str, bytes]] = ()
    ) -> list[bytes]:
        """Trie nodes, ascending, for status word, history, batch word and ``retired`` as of ``header``; for the court
        that froze the leaf, if one did; and for the batch words of ``statements`` (issuer, root)."""
        ...

    def events(self, since: int, until: int) -> Iterator[tuple[int, int, Any]]:
        """(block, block timestamp, decoded event) of all contracts, in order. Values of ``ledger.proofs.events`` for
        Records; ``OrganisationEvent`` for Consortium and Council."""
        ...

    def trust_list_proof(self, header: bytes, slots: Sequence[bytes]) -> tuple[TrustListPin, list[bytes]]:
        """Where the trust list stands, and trie nodes, ascending, of its account and of these slots of it, as of
        ``header``. NotFoundError TRUST_LIST_NONE where the ledger has none."""
        ...

    def trust_list(self, block: int | None = None) -> TrustSnapshot | None:
        """What the node tells of the trust list, as of ``block`` at the least, else the newest final one; ``None``
        where the ledger has none."""
        ...


@dataclass(frozen=True, slots=True)
class OrganisationEvent:
    """A decoded event of Consortium, Council or TrustList: its name and its arguments by name."""

    name: str
    values: dict[str, Any]
