"""Words of the Records contract's storage as of one block, each proved against that block's state root."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.chain import proving
from ledger.chain.client import EngineChain
from ledger.chain.node import Node
from ledger.core.manifests import BlockName
from ledger.errors import UnavailableError
from ledger.ports import Engine


class StorageWords:
    """``ports.AuditChain`` over an engine, as of the block ``name``."""

    def __init__(self, engine: Engine, chain: EngineChain, name: BlockName) -> None:
        """Raises UnavailableError CHAIN_BEHIND; CHAIN_PROOF_WRONG where the block is another one."""
        self._node = Node(engine)
        self._chain = chain
        block = self._node.block(name.block)
        if block.hash != name.hash:
            raise UnavailableError("CHAIN_PROOF_WRONG", part="header", block=name.block, reason="hash")
        self._header = proving.fetch_header(self._node, chain.consensus, block)

    @property
    def block(self) -> int:
        return self._header.number

    def words(self, slots: Sequence[bytes]) -> list[int]:
        """Raises UnavailableError CHAIN_PROOF_WRONG, CHAIN_…."""
        chain, once = self._chain, list(dict.fromkeys(slots))
        _, words = proving.state_proof(self._node, self._header, chain.contracts.records, chain.records_code(), once)
        found = dict(zip(once, words, strict=True))
        return [found[slot] for slot in slots]
