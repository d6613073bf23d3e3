"""Ports of a world that fail on command, see ``scripts.faulting.ports``."""

from __future__ import annotations

from typing import Any

from ledger_world import World

from scripts.faulting import ports
from scripts.faulting.ports import AFTER, BEFORE, Faulty, FaultyStore

__all__ = ["AFTER", "BEFORE", "CHAIN", "Faulty", "FaultyStore", "replace_port"]

CHAIN = (
    "head",
    "chain_nonce",
    "spent",
    "check_anchor",
    "sign_anchor",
    "send",
    "mined",
    "canonical",
    "anchored",
    "anchor_proof",
    "events",
)
"""What the outbox asks of the chain."""


def replace_port(world: World, name: str) -> Any:
    """Put a faulty port in front of the app's real one; before any service is made from it."""
    return ports.replace_port(world.app, name)
