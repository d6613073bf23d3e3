"""Chains made by hand: sealed headers, logs and receipts, without any chain client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import rlp
from authority_factory import T
from coincurve import PrivateKey
from trie import HexaryTrie

from ledger.core.identifiers import organisation_bytes32
from ledger.core.manifests import ChainIdentity, Manifest
from ledger.proofs.commit_seals import block_hash, commit_seal_hash
from ledger.proofs.events import TOPIC_ANCHOR_REPEATED, TOPIC_BATCH_ANCHORED
from ledger.proofs.headers import parse_header
from ledger.proofs.keccak import keccak

RECORDS = b"\x0a" * 20


@cache
def node_key(number: int) -> PrivateKey:
    return PrivateKey(bytes([number + 1]) * 32)


def address(key: PrivateKey) -> bytes:
    return keccak(key.public_key.format(compressed=False)[1:])[-20:]


@dataclass(frozen=True)
class ChainKind:
    """How blocks are sealed: ``embedded`` by one key, ``qbft`` by four."""

    consensus: str = "embedded"
    keys: tuple[int, ...] = (0,)

    @property
    def addresses(self) -> list[bytes]:
        return sorted(address(node_key(k)) for k in self.keys)


EMBEDDED, QBFT = ChainKind(), ChainKind("qbft", (0, 1, 2, 3))
EMPTY = keccak(rlp.encode(b""))


def seal_header(
    number: int,
    timestamp: int,
    chain: ChainKind = EMBEDDED,
    *,
    state_root: bytes = EMPTY,
    receipts_root: bytes = EMPTY,
    sealers: Sequence[int] | None = None,
) -> bytes:
    """RLP of a sealed Berlin header. ``sealers``: who seals it, if others than the chain's validators."""

    def encode(seals: Sequence[bytes]) -> bytes:
        if chain.consensus == "embedded":
            extra = bytes(32) + (seals[0] if seals else bytes(65))
        else:
            extra = rlp.encode([bytes(32), chain.addresses, [], b"", list(seals)])
        numbers = [1, number, 60_000_000, 0, timestamp]
        roots = [state_root, EMPTY, receipts_root, bytes(256)]
        return rlp.encode([bytes(32), bytes(32), bytes(20), *roots, *numbers, extra, bytes(32), bytes(8)])

    if number == 0:
        return encode(())  # nobody seals the genesis block
    digest = commit_seal_hash(parse_header(encode(())), chain.consensus)
    chosen = chain.keys if sealers is None else sealers
    return encode([node_key(k).sign_recoverable(digest, hasher=None) for k in chosen])


def hash_of(header: bytes, chain: ChainKind) -> bytes:
    return block_hash(parse_header(header), chain.consensus)


def identity(**changes: Any) -> ChainIdentity:
    return replace(ChainIdentity(987_654_321, b"\x77" * 32, RECORDS), **changes)


def genesis_identity() -> ChainIdentity:
    """The identity of a chain whose block 0 is the one that ``Issue`` makes as its ``after`` block."""
    return identity(genesis=hash_of(seal_header(0, T - 60), EMBEDDED))


def word(value: int | bytes) -> bytes:
    return value.to_bytes(32, "big") if isinstance(value, int) else value.ljust(32, b"\0")


def anchored_log(manifest: Manifest, **changes: Any) -> list[Any]:
    """RLP fields of a ``BatchAnchored`` log; ``changes`` by the names of ``AnchoredEvent``, and
    ``address``."""
    made: dict[str, Any] = {
        "address": RECORDS,
        "issuer": organisation_bytes32(manifest.issuer),
        "root": manifest.root,
        "sequence": 7,
        "account": 0xACC,
        "accreditation": bytes(32),
        "kind": manifest.kind.value,
        "suite": manifest.suite.value,
        "size": manifest.size,
        "manifest_sha256": manifest.sha256(),
        "manifest_sm3": manifest.sm3(),
        "signers": (),
        **changes,
    }
    words = [made["account"], 0x40, made["accreditation"], made["kind"], made["suite"], made["size"], made["root"]]
    words += [made["manifest_sha256"], made["manifest_sm3"], 0x100, len(made["signers"]), *made["signers"]]
    topics = [TOPIC_BATCH_ANCHORED, made["issuer"], made["root"], word(made["sequence"])]
    return [made["address"], topics, b"".join(map(word, words))]


def repeated_log(manifest: Manifest) -> list[Any]:
    return [RECORDS, [TOPIC_ANCHOR_REPEATED, organisation_bytes32(manifest.issuer), manifest.root, word(7)], b""]


def receipts(logs: Sequence[list[Any]], status: int = 1) -> tuple[bytes, tuple[bytes, ...]]:
    """Receipts root and proof of receipt 1 of three, which holds ``logs``."""
    tree = HexaryTrie({})
    for index in range(3):
        own = list(logs) if index == 1 else []
        tree[rlp.encode(index)] = rlp.encode([status if index == 1 else 1, 21_000 * (index + 1), bytes(256), own])
    return tree.root_hash, tuple(rlp.encode(node) for node in tree.get_proof(rlp.encode(1)))
