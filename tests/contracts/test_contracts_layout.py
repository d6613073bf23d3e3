"""Storage as slot proofs will read it, the page that documents the contracts, and the artifacts' sources."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from types import ModuleType
from typing import Any

import pytest
from contracts_support import ARTIFACTS, FOREVER, ROOT, START, ZERO, Contract, word
from contracts_world import (
    ANCHOR,
    COURT,
    FREEZE,
    LICENSE,
    OFFICE,
    OTHER,
    REVOKED,
    SUPERIOR,
    SUSPENDED,
    World,
    accreditation,
    address,
    batch,
    certificate,
)
from eth_abi.abi import encode
from eth_utils.crypto import keccak

README = (ROOT / "contracts/README.md").read_text("utf-8")
Fields = list[tuple[str, int, int]]  # label, first bit, bits

BATCH_WORDS: Fields = [
    ("sequence", 0, 64), ("time", 64, 40), ("kind", 104, 16), ("suite", 120, 8), ("size", 128, 32),
    ("disowned", 160, 8),
]  # fmt: skip
STATUS_WORDS: Fields = [
    ("state", 0, 8), ("frozen", 8, 8), ("effective", 16, 40), ("recorded", 56, 40), ("reason", 96, 8),
    ("count", 104, 32),
]  # fmt: skip
DEPLOYED = ("Council", "Consortium", "Records", "TrustList")
SLOTS = {
    "Records": ["_batches", "_statuses", "_counts", "_retired", "_frozenBy", "_proposedBy", "_undecided"],
    "Consortium": [
        "_organisations",
        "_accounts",
        "_predecessors",
        "_signers",
        "_accreditations",
        "_freezeAccreditations",
    ],
    "TrustList": ["_services", "_keys", "_qualifications", "_authorities", "_recognitions", "_published"],
}


def slot(base: int, *keys: bytes) -> int:
    """Slot of a value in nested mappings (Solidity documentation, layout in storage)."""
    for part in keys:
        base = int.from_bytes(keccak(part.rjust(32, b"\0") + base.to_bytes(32, "big")), "big")
    return base


def unpack(stored: bytes, fields: Fields) -> list[int]:
    value = int.from_bytes(stored, "big")
    assert value >> (fields[-1][1] + fields[-1][2]) == 0
    return [(value >> first) & ((1 << bits) - 1) for _, first, bits in fields]


def read(contract: Contract, at: int) -> bytes:
    return contract.chain.storage(contract.address, at)


@pytest.mark.parametrize("contract", SLOTS)
def test_slots_are_those_of_the_compiler(contract: str) -> None:
    storage = ARTIFACTS[contract]["storageLayout"]["storage"]
    assert [(s["label"], s["slot"], s["offset"]) for s in storage] == [
        (label, str(number), 0) for number, label in enumerate(SLOTS[contract])
    ]
    for number, label in enumerate(SLOTS[contract]):
        assert re.search(rf"\| {number} \| `{label}`", README)


@pytest.mark.parametrize(
    ("struct", "fields", "last"),
    [("BatchWords", BATCH_WORDS, "tuple"), ("StatusWords", STATUS_WORDS, "history")],
)
def test_words_are_packed_as_the_compiler_says(struct: str, fields: Fields, last: str) -> None:
    known = ARTIFACTS["Records"]["storageLayout"]["types"]
    members = known[f"t_struct({struct})_storage"]["members"]
    packed = [
        (m["label"], m["offset"] * 8, int(known[m["type"]]["numberOfBytes"]) * 8) for m in members if m["slot"] == "0"
    ]
    assert packed == fields
    assert [(m["label"], m["offset"]) for m in members if m["slot"] == "1"] == [(last, 0)]


def test_a_batch_is_where_a_slot_proof_looks(world: World) -> None:
    offered = batch(size=65_536, suite=3, manifestSm3=word("sm3"))
    world.act(OFFICE, "anchor", batch(root=word("earlier")))
    time = world.act(OFFICE, "anchor", offered).time
    at = slot(0, OFFICE, word("root"))
    assert unpack(read(world.records, at), BATCH_WORDS) == [2, time, LICENSE, 3, 65_536, 0]
    assert read(world.records, at + 1) == keccak(
        encode(["(bytes32,uint16,uint8,uint32,bytes32,bytes32,bytes32,bytes32[])"], [offered])
    )
    assert int.from_bytes(read(world.records, slot(2, OFFICE)), "big") == 2
    world.act(OFFICE, "disown", OFFICE, word("root"), word("decision"))
    world.act(SUPERIOR, "disown", OFFICE, word("root"), word("decision"))
    assert unpack(read(world.records, at), BATCH_WORDS) == [2, time, LICENSE, 3, 65_536, 1]


def test_a_status_is_where_a_slot_proof_looks(world: World) -> None:
    leaf, at = word("leaf"), slot(1, OFFICE, word("leaf"))
    assert (read(world.records, at), read(world.records, at + 1)) == (ZERO, ZERO)
    world.set_status(leaf, SUSPENDED)
    time = world.act(OFFICE, "setStatus", OFFICE, [(leaf, word("decision"))], REVOKED, START, 9).time
    world.act(COURT, "freeze", accreditation(COURT, FREEZE), OFFICE, [(leaf, word("order"))])
    assert unpack(read(world.records, at), STATUS_WORDS) == [REVOKED, 1, START, time, 9, 2]
    assert read(world.records, at + 1) == world.status(leaf)[-1]
    assert read(world.records, slot(4, OFFICE, leaf)) == COURT


def test_retirement_is_slot_three(world: World) -> None:
    assert read(world.records, 3) == ZERO
    world.act("council", "retire", 5, word("genesis"), address("successor"))
    successor = encode(["uint256", "bytes32", "address"], [5, word("genesis"), address("successor")])
    assert read(world.records, 3) == keccak(successor)


def test_the_consortium_is_where_a_slot_proof_looks(world: World) -> None:
    world.council("compromiseSigner", OFFICE, certificate(OFFICE), 77)
    world.council("setAccount", address("clerk"), OFFICE, ANCHOR)
    world.council("succeed", OFFICE, OTHER, 0)
    succeeded = world.chain.time - 1
    world.council("bar", OFFICE)
    consortium = world.consortium
    window: Fields = [("from", 0, 40), ("until", 40, 40), ("compromisedSince", 80, 40)]
    bound = unpack(read(consortium, slot(3, OFFICE, certificate(OFFICE))), window)
    assert tuple(bound) == consortium.view("signerOf", OFFICE, certificate(OFFICE))
    assert bound[1:] == [FOREVER, 77]
    organisation = slot(0, OFFICE)
    since = consortium.view("organisationOf", OFFICE)[0]
    packed: Fields = [("since", 0, 40), ("succeeded", 40, 40), ("barred", 80, 8)]
    assert unpack(read(consortium, organisation), packed) == [since, succeeded, 1]
    assert read(consortium, organisation + 1) == OTHER
    assert read(consortium, organisation + 2) == SUPERIOR
    account = slot(1, bytes.fromhex(address("clerk")[2:]))
    assert (read(consortium, account), read(consortium, account + 1)[-1]) == (OFFICE, ANCHOR)
    granted = slot(4, accreditation(OFFICE))
    assert read(consortium, granted) == OFFICE
    term: Fields = [("kind", 0, 16), ("from", 16, 40), ("until", 56, 40)]
    assert (
        tuple(unpack(read(consortium, granted + 1), term))
        == consortium.view("accreditationOf", accreditation(OFFICE))[1:]
    )


def _documented(kind: str) -> list[tuple[str, str, list[str]]]:
    return [
        (contract, entry["name"], [i["name"] for i in entry["inputs"]])
        for contract in DEPLOYED
        for entry in ARTIFACTS[contract]["abi"]
        if entry["type"] == kind
    ]


@pytest.mark.parametrize("kind", ["event", "error"])
def test_the_page_names_every_event_and_error_with_its_values(kind: str) -> None:
    assert _documented(kind)
    for contract, name, inputs in _documented(kind):
        section = README.split(f"\n## {contract}\n")[1].split("\n## ")[0]
        assert f"`{name}({', '.join(inputs)})`" in section, (contract, name)


def test_the_page_names_every_function() -> None:
    for contract, name, _ in _documented("function"):
        section = README.split(f"\n## {contract}\n")[1].split("\n## ")[0]
        assert f"`{name}" in section, (contract, name)


def _walk(parameters: list[dict[str, Any]]) -> list[str]:
    return [t for p in parameters for t in (p["type"], *_walk(p.get("components", [])))]


def test_no_words_go_on_chain() -> None:
    """Free text would hold names sooner or later; a council's calls and a failed call's reason are code's."""
    allowed = {("Council", "propose"), ("Council", "ProposalMade"), ("Council", "CallFailed")}
    for contract in DEPLOYED:
        for entry in ARTIFACTS[contract]["abi"]:
            if (contract, entry.get("name")) not in allowed:
                assert not {"string", "bytes"} & set(_walk(entry["inputs"])), entry


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compile_contracts", ROOT / "scripts/compile_contracts.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore::DeprecationWarning:solcx.*")
def test_the_artifacts_are_of_these_sources_and_settings() -> None:
    """Digests and settings, without the compiler: ``compile_contracts.py --check`` compares the code."""
    script = _script()
    for path in script.TARGETS:
        artifact = ARTIFACTS[path.rsplit("/", 1)[1].removesuffix(".sol")]
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in script.sources(path).items()}
        assert artifact["sourceSha256"] == hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
        assert artifact["settings"] == script.SETTINGS
        assert artifact["compiler"].startswith("0.8.37+")


def test_contracts_fit_the_size_every_engine_allows() -> None:
    for contract in DEPLOYED:
        assert len(ARTIFACTS[contract]["deployedBytecode"]) // 2 <= 24_576  # EIP-170
