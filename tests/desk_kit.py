"""A signer's desk with one office and its keys, and questions to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.core import merkle
from ledger.core.manifests import BlockName, ChainIdentity, Expects, Manifest
from ledger.core.registries import Kind, Suite
from ledger.crypto.approvals import approve
from ledger.crypto.certificates import fingerprint
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.keystore import KeyStore
from ledger.outside.signing_service.desk import Desk
from ledger.outside.signing_service.questions import BatchParts, SignBatch
from ledger.outside.signing_service.rules import read_rules
from ledger.outside.signing_service.signed_log import SignedLog

NOW, ORG, SECRET = 1_790_000_000, "11430000006122244L", b"a" * 32


def asked(first: int = 0, count: int = 2, **other: Any) -> SignBatch:
    leaves = [merkle.leaf_hash(f"{n}".encode()) for n in range(first, first + count)]
    parts = BatchParts(b"".join(leaves), b"".join(approve(SECRET, leaf) for leaf in leaves), None, (("deed", count),))
    root, chain = merkle.root_of(merkle.build_levels(parts.leaves())), ChainIdentity(1, bytes(32), bytes(20))
    made = Manifest(
        ORG, Kind.LICENSE, Suite.INTL, root, count, parts.counts, NOW, BlockName(1, bytes(32)), chain, Expects(1, False)
    )
    return SignBatch(ORG, bytes(32), replace(made, **other), parts)


def make_keys(folder: Path) -> KeyStore:
    store = KeyStore(folder / "keys")
    authority = DemoAuthority.create(folder / "ca", "甲", "ecdsa-p256", NOW)
    spki = store.create(ORG, "main", "signing")
    store.put_certificate(ORG, "main", authority.certify(spki, "局", ORG, NOW, 365))
    store.import_secret(ORG, "main", "approval", SECRET)
    return store


@contextmanager
def desk_of(
    keys: KeyStore, folder: Path, clock: Callable[[], float] = lambda: NOW, confirming: Any = None, **rules: Any
) -> Iterator[Desk]:
    made = read_rules(None, {"organisations": (ORG,), "socket": Path("s"), "log": folder / "log", **rules})
    with SignedLog(made.log) as log:
        yield Desk(made, keys, log, clock, lambda value: None, confirming)


def outcome(desk: Desk, keys: KeyStore, question: SignBatch) -> str:
    named = replace(question, certificate=fingerprint(keys.certificate(ORG, "main")))
    answer = desk.answer("test", named.to_message())
    return str(answer.body.get("code") or answer.body["answer"])
