"""The embedded engine: a Berlin chain of one sealer, run by py-evm over one SQLite file, in process.

One sealer is no consensus: the commit seal proves origin and order, and whoever holds the node key can
rewrite the chain. Reports must say "1 sealer, operator X"; an outside time-stamp on the head bounds it.
"""

import os

os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")  # py-evm's Keccak: else eth-hash takes one seven times as slow

from ledger.chain.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
