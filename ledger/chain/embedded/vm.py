"""Running the EVM (py-evm's Berlin rules) over stored state: blocks, calls, gas estimates.

py-evm's State is used directly, not its Chain: headers, seals and storage are this package's, so none of
py-evm's defaults (its own difficulty, fee recipient recovered from the seal, unsigned mining) can enter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from eth.exceptions import Revert
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.berlin import BerlinVM
from eth.vm.forks.berlin.transactions import BerlinLegacyTransaction, BerlinUnsignedLegacyTransaction
from eth.vm.interrupt import EVMMissingData
from eth.vm.spoof import SpoofTransaction
from eth_utils.exceptions import ValidationError

from ledger.chain.embedded.headers import GAS_LIMIT
from ledger.chain.embedded.opcodes import QuickState
from ledger.chain.embedded.state import StateNodes
from ledger.chain.embedded.transactions import Transaction
from ledger.errors import InputError, IntegrityError
from ledger.proofs.receipts import Log

_CALL_STIPEND = 2300


@dataclass(frozen=True, slots=True)
class Scene:
    """What the EVM is told of its block: number, UTC seconds, ancestors' hashes (newest first), chain id."""

    number: int
    timestamp: int
    ancestors: Iterable[bytes]
    chain_id: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one executed transaction; ``status`` 1 success, 0 reverted or failed."""

    status: int
    gas_used: int
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is not signed; ``to`` is empty where a contract would be created."""

    sender: bytes
    to: bytes
    gas: int
    value: int
    data: bytes


def open_state(nodes: StateNodes, root: bytes, scene: Scene) -> Any:
    """py-evm state at ``root``, ready to execute in ``scene``."""
    context = ExecutionContext(
        coinbase=bytes(20), timestamp=scene.timestamp, block_number=scene.number, difficulty=1,
        mix_hash=bytes(32), gas_limit=GAS_LIMIT, prev_hashes=scene.ancestors, chain_id=scene.chain_id,
    )  # fmt: skip
    return QuickState(nodes.atomic(), context, root)


def execute(state: Any, transaction: Transaction) -> Outcome | None:
    """Apply one transaction to ``state``; None where it is not valid there (nonce, balance): nothing changed.

    Raises IntegrityError ENGINE_STATE_DAMAGED where a trie node is missing.
    """
    signed = BerlinLegacyTransaction(
        transaction.nonce, transaction.gas_price, transaction.gas, transaction.to, transaction.value,
        transaction.data, transaction.v, transaction.r, transaction.s,
    )  # fmt: skip
    state.lock_changes()  # gas of storage writes counts from the values before this transaction
    try:
        computation = state.apply_transaction(signed)
    except ValidationError:
        return None
    except EVMMissingData as error:
        raise IntegrityError("ENGINE_STATE_DAMAGED", node=error.missing_node_hash.hex()) from error
    gas_used: int = BerlinVM.finalize_gas_used(signed, computation)
    logs = tuple(
        Log(address, tuple(topic.to_bytes(32, "big") for topic in topics), data)
        for address, topics, data in computation.get_log_entries()
    )
    return Outcome(int(not computation.is_error), gas_used, logs)


def call(fresh: Callable[[], Any], wanted: Call) -> bytes:
    """Return data of ``wanted``, run on a state that `fresh` opens and nobody keeps.

    Raises InputError ENGINE_REVERTED (``data``: hex of the revert data), ENGINE_EXECUTION_FAILED.
    """
    computation, _ = _try(fresh, wanted)
    _raise_for(computation)
    output: bytes = computation.output
    return output


def estimate(fresh: Callable[[], Any], wanted: Call) -> int:
    """Gas limit with which ``wanted`` succeeds, at most about 2 % and 2,300 above the least.

    Not the gas used: refunds come at the end, and a call passes on only 63/64 of what is left (EIP-150).
    Raises as `call`.
    """
    computation, gas_used = _try(fresh, wanted)
    _raise_for(computation)
    if _suffices(fresh, wanted, gas_used):
        return gas_used
    refund = min(computation.get_gas_refund(), gas_used)  # at most half of what was used comes back
    likely: int = (gas_used + refund + _CALL_STIPEND) * 64 // 63
    low, high = gas_used, min(likely, wanted.gas)
    if _suffices(fresh, wanted, high):
        return high
    low, high = high, wanted.gas
    while high - low > low // 100 + 1:
        middle = (low + high) // 2
        if _suffices(fresh, wanted, middle):
            high = middle
        else:
            low = middle
    return high


def _suffices(fresh: Callable[[], Any], wanted: Call, gas: int) -> bool:
    try:
        computation, _ = _try(fresh, replace(wanted, gas=gas))
    except InputError:  # a refund can bring the gas used below what is due before execution
        return False
    return not computation.is_error


def _try(fresh: Callable[[], Any], wanted: Call) -> tuple[Any, int]:
    """Run ``wanted`` on a state of its own; returns py-evm's computation and the gas used."""
    state = fresh()
    unsigned = BerlinUnsignedLegacyTransaction(
        nonce=state.get_nonce(wanted.sender), gas_price=0, gas=wanted.gas, to=wanted.to,
        value=wanted.value, data=wanted.data,
    )  # fmt: skip
    spoofed = SpoofTransaction(unsigned, from_=wanted.sender, access_list=())
    try:
        computation = state.apply_transaction(spoofed)
        return computation, BerlinVM.finalize_gas_used(spoofed, computation)
    except ValidationError as error:
        raise InputError("ENGINE_EXECUTION_FAILED", reason=str(error)[:200]) from error
    except EVMMissingData as error:
        raise IntegrityError("ENGINE_STATE_DAMAGED", node=error.missing_node_hash.hex()) from error


def _raise_for(computation: Any) -> None:
    if not computation.is_error:
        return
    if isinstance(computation.error, Revert):
        raise InputError("ENGINE_REVERTED", data="0x" + computation.output.hex())
    raise InputError("ENGINE_EXECUTION_FAILED", reason=type(computation.error).__name__)
