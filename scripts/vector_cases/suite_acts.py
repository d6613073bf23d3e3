"""What the library does for the vectors of the suites with SM3: the acts of ``acts``, which these stand beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.core import canonical, merkle
from ledger.core.disclosures import Disclosure, disclose, make_claims
from ledger.core.hashing import SM3_HASH
from ledger.core.keys import RecordKey
from ledger.core.manifests import Manifest
from ledger.core.records import Record
from ledger.core.registries import Kind, Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.crypto.approvals import ApprovalKey, check_approvals
from ledger.ports import Block, SegmentBody
from ledger.services import bodies
from ledger.store import segment_body

Given = dict[str, Any]


def _suite(given: Given) -> Suite:
    return Suite.of_word(given["suite"], "suite")


def suite_keys(given: Given) -> Any:
    key = RecordKey(bytes.fromhex(given["key"]))
    salt, salts = key.salts(given["names"], _suite(given))
    claim_salts = {name: found.hex() for name, found in salts.items()}
    return {"recordSalt": salt.hex(), "claimSalts": claim_salts, "bodyKey": key.sm4_body_key().hex()}


def suite_claims(given: Given) -> Any:
    key, values, suite = RecordKey(bytes.fromhex(given["key"])), given["values"], _suite(given)
    shown = disclose(key, values, list(values), suite)
    return {"claims": make_claims(key, values, suite), "disclosures": [d.to_json() for d in shown]}


def suite_claim(given: Given) -> Any:
    return {"claim": Disclosure.from_json(given["disclosure"]).claim(_suite(given))}


def suite_record(given: Given) -> Any:
    found = Record.from_bytes(given["text"].encode())
    leaves = {"leaf": found.leaf().hex(), "leafSm3": found.leaf_sm3().hex()}
    return {"suite": found.suite.word, **leaves, "again": found.to_bytes() == given["text"].encode()}


def suite_manifest(given: Given) -> Any:
    found = Manifest.from_bytes(given["text"].encode())
    return {"sha256": found.sha256().hex(), "sm3": found.sm3().hex()}


def suite_tree(given: Given) -> Any:
    leaves = [merkle.leaf_hash(bytes.fromhex(item), SM3_HASH) for item in given["items"]]
    levels = merkle.build_levels(b"".join(leaves), SM3_HASH)
    paths = [[node.hex() for node in merkle.inclusion_path(levels, at)] for at in range(len(leaves))]
    return {"leaves": [leaf.hex() for leaf in leaves], "root": merkle.root_of(levels).hex(), "paths": paths}


def suite_path(given: Given) -> Any:
    leaf, path = bytes.fromhex(given["leaf"]), [bytes.fromhex(node) for node in given["path"]]
    return {"root": merkle.root_from_path(leaf, given["index"], given["size"], path, SM3_HASH).hex()}


def suite_body(given: Given) -> Any:
    key, leaf, record = RecordKey(bytes.fromhex(given["key"])), bytes.fromhex(given["leaf"]), given["record"].encode()
    (sealed,) = bodies.encrypt_all([key], [leaf], [record], [canonical.encode(given["values"])], _suite(given))
    return {"body": sealed.hex()}


def suite_approval(given: Given) -> Any:
    leaf, second = bytes.fromhex(given["leaf"]), bytes.fromhex(given["leafSm3"])
    return {"approval": ApprovalKey(bytes.fromhex(given["key"])).approve_both(_suite(given), leaf, second).hex()}


def suite_approvals(given: Given) -> Any:
    leaves, second, approvals = (bytes.fromhex(given[name]) for name in ("leaves", "leavesSm3", "approvals"))
    check_approvals(leaves, approvals, [bytes.fromhex(given["key"])], Sm3Leaves(_suite(given), second))
    return {"approved": True}


def suite_segment(given: Given) -> Any:
    leaves, second, approvals = (bytes.fromhex("".join(given[n])) for n in ("leaves", "leavesSm3", "approvals"))
    pieces = [bytes.fromhex(item) for item in given["bodies"]]
    block = Block(leaves, approvals, list(map(len, pieces)), lambda: pieces, Sm3Leaves(_suite(given), second))
    runs = [(type_, range(at, at + 1)) for type_, at in zip(given["types"], given["handles"], strict=True)]
    frozen = SegmentBody(merkle.build_levels(leaves), block, runs, block.sm3.levels() if block.sm3 else ())
    layout = segment_body.layout_of(given["issuer"], Kind.of_word(given["kind"], "kind"), frozen)
    data = b"".join(segment_body.with_digest(segment_body.pieces(layout, frozen)))
    return {"body": data.hex(), "root": frozen.levels[-1].hex(), "rootSm3": frozen.levels_sm3[-1].hex()}


SUITE_ACTS: dict[str, Callable[[Given], Any]] = {
    act.__name__: act
    for act in (
        suite_keys, suite_claims, suite_claim, suite_record, suite_manifest, suite_tree, suite_path, suite_body,
        suite_approval, suite_approvals, suite_segment,
    )
}  # fmt: skip
