"""One transaction at a time, waited for: deployment and the council's acts, which are rare and done by hand.

The services do not use this: their transactions are stored before they are sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ledger.chain import transactions
from ledger.chain.node import Node, TransactionReceipt
from ledger.errors import ConflictError, UnavailableError
from ledger.ports import Account, Engine

T = TypeVar("T")
_MARGIN = 5  # the estimate and a fifth more: dates and counts may differ in the block that is made
_PAUSE = 0.2  # seconds between looks


class Transactor:
    """Signs with gas price 0, sends, and looks until the receipt is there.

    ``sleep`` and ``clock`` (seconds) are given where time must be steered; ``patience`` in seconds is how
    long a receipt is waited for. ``permit`` raises where nothing may be sent.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        patience: float = 60.0,
        permit: Callable[[], None] = lambda: None,
    ) -> None:
        self.node = Node(engine)
        self._chain_id = self.node.chain_id()
        self._sleep = sleep
        self._clock = clock
        self._patience = patience
        self._permit = permit

    def transact(self, account: Account, to: bytes, data: bytes) -> TransactionReceipt:
        """The receipt of a transaction that succeeded; ``to`` empty creates a contract.

        Raises:
            ConflictError: CHAIN_REFUSED by the contract (nothing was sent); CHAIN_TRANSACTION_FAILED (mined,
                but reverted: something else came before it).
            UnavailableError: CHAIN_NOT_MINED within the patience; it may still be mined.
            What ``permit`` raises.
        """
        self._permit()
        estimate = self.node.estimate(to, data, account.address)
        nonce = self.node.nonce(account.address, "pending")
        call = transactions.Call(to, data, estimate + estimate // _MARGIN)
        raw, hash_ = transactions.sign(self._chain_id, account, nonce, call)
        self.node.send(raw)
        receipt = self.wait(hash_)
        if receipt.status != 1:
            raise ConflictError("CHAIN_TRANSACTION_FAILED", block=receipt.block, index=receipt.index)
        return receipt

    def transact_alike(self, account: Account, to: bytes, calls: Sequence[bytes]) -> list[TransactionReceipt]:
        """Calls of one kind that do not depend on each other, sent together: they share blocks. Gas is asked for the
        first of them. Raises as `transact`; those before a failed one stand.
        """
        self._permit()
        if not calls:
            return []
        estimate = self.node.estimate(to, calls[0], account.address)
        nonce = self.node.nonce(account.address, "pending")
        sent = []
        for offset, data in enumerate(calls):
            call = transactions.Call(to, data, estimate + estimate // _MARGIN)
            raw, hash_ = transactions.sign(self._chain_id, account, nonce + offset, call)
            self.node.send(raw)
            sent.append(hash_)
        receipts = [self.wait(hash_) for hash_ in sent]
        for receipt in receipts:
            if receipt.status != 1:
                raise ConflictError("CHAIN_TRANSACTION_FAILED", block=receipt.block, index=receipt.index)
        return receipts

    def wait(self, hash_: bytes) -> TransactionReceipt:
        """Look until the transaction is mined. Raises UnavailableError CHAIN_NOT_MINED."""
        receipt = self.until(lambda: self.node.receipt(hash_))
        if receipt is None:
            raise UnavailableError("CHAIN_NOT_MINED", hash="0x" + hash_.hex(), seconds=self._patience)
        return receipt

    def until(self, look: Callable[[], T | None]) -> T | None:
        """What ``look`` finds, or None when the patience is over."""
        ends = self._clock() + self._patience
        while (found := look()) is None and self._clock() < ends:
            self._sleep(_PAUSE)
        return found
