"""Cases of the bundle's container: one stored bundle, changed in one place each."""

from __future__ import annotations

import json
from typing import Any

from scripts.vector_cases.acts import VECTORS
from scripts.vector_cases.cases import Case

FILE = "bundles/a-revoked-license.zyb"


def container_cases() -> list[Case]:
    whole = json.loads((VECTORS / FILE).read_bytes())
    shown, state = whole["disclosures"], whole["state"]
    digest, entry = whole["record"]["salt"], state["entries"][0]
    statement = state["statements"][0] | {"state": state | {"statements": []}}
    faulty: dict[str, tuple[dict[str, Any], str]] = {
        "an unknown member": ({"/note": 1}, "SHAPE_KEYS"),
        "an unknown member of the anchor": ({"/anchor/note": 1}, "SHAPE_KEYS"),
        "another version": ({"/tag": "zhengyin/bundle/2"}, "SHAPE_TAG"),
        "disclosures in another order": ({"/disclosures": shown[::-1]}, "SHAPE_ORDER"),
        "a disclosure twice": ({"/disclosures": [shown[0], shown[0]]}, "SHAPE_ORDER"),
        "three signatures": ({"/signatures": whole["signatures"] * 3}, "SHAPE_RANGE"),
        "an empty signature": ({"/signatures": [""]}, "SHAPE_RANGE"),
        "a path of 18": ({"/inclusion/path": [digest] * 18}, "SHAPE_RANGE"),
        "an index beyond every batch": ({"/inclusion/index": 65536}, "SHAPE_RANGE"),
        "a receipt without nodes": ({"/anchor/receipt": []}, "SHAPE_RANGE"),
        "lists of revocations in another order": (
            {"/validation/crls": whole["validation"]["crls"][::-1]},
            "SHAPE_ORDER",
        ),
        "trie nodes in another order": ({"/state/nodes": state["nodes"][::-1]}, "SHAPE_ORDER"),
        "a trie node twice": ({"/state/nodes": [state["nodes"][0]] * 2}, "SHAPE_ORDER"),
        "a state without nodes": ({"/state/nodes": []}, "SHAPE_RANGE"),
        "a state inside a statement": ({"/state/statements/0": statement}, "SHAPE_KEYS"),
        "an instant of 41 bits": ({"/state/entries/0": entry | {"effective": 2**40}}, "SHAPE_RANGE"),
        "an unknown reason": ({"/state/entries/0/reason": "because"}, "REGISTRY_UNKNOWN"),
        "a state by number": ({"/state/entries/0/state": 2}, "REGISTRY_UNKNOWN"),
        "spare bits in a header": ({"/anchor/header": "_9"}, "CANONICAL_BASE64"),
        "a float in a record": ({"/record/issued": 1.5}, "CANONICAL_TYPE"),
        "a hidden character": ({"/disclosures/0/value": "a\u202eb"}, "CANONICAL_CHARACTER"),
    }
    missing = ("/state", "/validation/ocsps", "/anchor/after", "/record/salt", "/manifest/expects")
    return [
        Case("as stored", "bundle", {"file": FILE}),
        Case("without a state", "bundle", {"file": FILE, "set": {"/state": None}}),
        *(Case(name, "bundle", {"file": FILE, "set": change}, code) for name, (change, code) in faulty.items()),
        *(Case(f"{gone} is missing", "bundle", {"file": FILE, "without": [gone]}, "SHAPE_KEYS") for gone in missing),
    ]
