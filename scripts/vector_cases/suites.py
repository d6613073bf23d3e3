"""Cases of the suites with SM3: what differs in them from the suite ``intl``."""

from __future__ import annotations

from typing import Any

from ledger.core import canonical, merkle
from ledger.core.canonical import b64
from ledger.core.disclosures import disclose, make_claims
from ledger.core.hashing import SM3_HASH
from ledger.core.keys import RecordKey
from ledger.core.manifests import Expects
from ledger.core.records import Record
from ledger.core.registries import Suite
from ledger.crypto.approvals import ApprovalKey
from ledger.services import bodies
from scripts.vector_cases.cases import Case
from scripts.vector_cases.records import SECRET, VALUES, make_manifest, make_record, text_of
from scripts.vector_cases.values import OFFICE

KEY = RecordKey(SECRET)
SUITES = (Suite.GM, Suite.DUAL)


def suite_cases() -> list[Case]:
    made = [_derived, _claims, _records, _manifests, _trees, _bodies, _approvals, _segments]
    return [case for make in made for case in make()]


def record_of(suite: Suite, **changes: Any) -> Record:
    salt, _ = KEY.salts(VALUES, suite)
    made: dict[str, Any] = {"suite": suite, "salt": salt, "claims": make_claims(KEY, VALUES, suite)}
    return make_record(**(made | changes))


def _derived() -> list[Case]:
    given = {"key": SECRET.hex(), "names": ["level", "holder"], "suite": "gm"}
    return [
        Case("salts and body key by HMAC-SM3", "suite_keys", given),
        Case("the same in dual", "suite_keys", given | {"suite": "dual"}),
        Case("no claim", "suite_keys", given | {"names": []}),
    ]


def _claims() -> list[Case]:
    shown = disclose(KEY, VALUES, ["holder"], Suite.GM)[0].to_json()
    given = {"key": SECRET.hex(), "values": VALUES}
    return [
        *(Case(f"claims of {s.word}", "suite_claims", given | {"suite": s.word}) for s in SUITES),
        *(Case(f"one claim in {s.word}", "suite_claim", {"disclosure": shown, "suite": s.word}) for s in Suite),
    ]


def _records() -> list[Case]:
    gm, dual = record_of(Suite.GM).to_json(), record_of(Suite.DUAL).to_json()
    one, both = gm["claims"]["holder"], dual["claims"]["holder"]
    faulty: dict[str, tuple[dict[str, Any], str]] = {
        "intl is never written": (gm | {"suite": "intl"}, "SHAPE_TEXT"),
        "an unknown suite of a record": (gm | {"suite": "sm"}, "SHAPE_TEXT"),
        "a suite by number": (gm | {"suite": 2}, "SHAPE_TEXT"),
        "no suite": (gm | {"suite": None}, "SHAPE_TEXT"),
        "two digests in gm": (gm | {"claims": {"holder": both}}, "CANONICAL_BASE64"),
        "one digest in dual": (dual | {"claims": {"holder": one}}, "SHAPE_TYPE"),
        "one digest of two": (dual | {"claims": {"holder": both[:1]}}, "SHAPE_RANGE"),
        "three digests": (dual | {"claims": {"holder": [*both, one]}}, "SHAPE_RANGE"),
        "two digests in intl": (make_record().to_json() | {"claims": {"holder": both}}, "CANONICAL_BASE64"),
    }
    return [
        *(Case(f"a license of {s.word}", "suite_record", {"text": text_of(record_of(s).to_json())}) for s in SUITES),
        *(Case(name, "suite_record", {"text": text_of(value)}, code) for name, (value, code) in faulty.items()),
    ]


def _manifests() -> list[Case]:
    def manifest(suite: Suite) -> dict[str, Any]:
        record = record_of(suite)
        expects = Expects(suite.signatures[0], False)
        return make_manifest(suite=suite, root=record.leaf(), root_sm3=record.leaf_sm3(), expects=expects).to_json()

    gm, dual, intl = manifest(Suite.GM), manifest(Suite.DUAL), make_manifest().to_json()
    faulty: dict[str, tuple[dict[str, Any], str]] = {
        "gm without a root by SM3": ({k: v for k, v in gm.items() if k != "rootSm3"}, "SHAPE_KEYS"),
        "intl with a root by SM3": (intl | {"rootSm3": gm["rootSm3"]}, "SHAPE_KEYS"),
        "a short root by SM3": (gm | {"rootSm3": b64(bytes(31))}, "CANONICAL_LENGTH"),
        "dual with one signature": (dual | {"expects": {"signatures": 1, "token": False}}, "MANIFEST_SIGNATURES"),
        "gm with two signatures": (gm | {"expects": {"signatures": 2, "token": False}}, "MANIFEST_SIGNATURES"),
    }
    return [
        Case("a manifest of gm", "suite_manifest", {"text": text_of(gm)}),
        Case("a manifest of dual", "suite_manifest", {"text": text_of(dual)}),
        Case("intl has no digest by SM3", "suite_manifest", {"text": text_of(intl)}),
        *(Case(name, "suite_manifest", {"text": text_of(value)}, code) for name, (value, code) in faulty.items()),
    ]


def _trees() -> list[Case]:
    items = [bytes([n]) for n in range(5)]
    levels = merkle.build_levels(b"".join(merkle.leaf_hash(item, SM3_HASH) for item in items), SM3_HASH)
    path = [node.hex() for node in merkle.inclusion_path(levels, 2)]
    given = {"leaf": levels[0][64:96].hex(), "index": 2, "size": 5, "path": path}
    return [
        Case("a tree by SM3", "suite_tree", {"items": [item.hex() for item in items]}),
        Case("a path in it", "suite_path", given),
        Case("a path too short", "suite_path", given | {"path": path[:-1]}, "MERKLE_PATH_LENGTH"),
    ]


def _bodies() -> list[Case]:
    record = record_of(Suite.GM)
    leaf, content = record.leaf(), canonical.encode(VALUES)
    (sealed,) = bodies.encrypt_all([KEY], [leaf], [record.to_bytes()], [content], Suite.GM)
    given = {"key": SECRET.hex(), "leaf": leaf.hex()}
    changed = (sealed[:-1] + bytes([sealed[-1] ^ 1])).hex()
    text = record.to_bytes().decode()
    return [
        Case("sealed by SM4", "suite_body", given | {"record": text, "values": VALUES, "suite": "gm"}),
        Case("opened by SM4", "open_body", given | {"body": sealed.hex()}),
        Case("a bit changed under SM4", "open_body", given | {"body": changed}, "BODY_DAMAGED"),
    ]


def _approvals() -> list[Case]:
    source = bytes([5]) * 32
    leaf, second = record_of(Suite.GM).leaf(), record_of(Suite.GM).leaf_sm3()
    approval = ApprovalKey(source).approve_both(Suite.GM, leaf, second)
    given = {"key": source.hex(), "suite": "gm"}
    both = given | {"leaves": leaf.hex(), "leavesSm3": second.hex(), "approvals": approval.hex()}
    return [
        Case("an approval of both leaves", "suite_approval", given | {"leaf": leaf.hex(), "leafSm3": second.hex()}),
        Case("approved", "suite_approvals", both),
        Case("another leaf by SM3", "suite_approvals", both | {"leavesSm3": leaf.hex()}, "SIGNER_APPROVAL_MISSING"),
        Case("of another suite", "suite_approvals", both | {"suite": "dual"}, "SIGNER_APPROVAL_MISSING"),
        Case("no suite with SM3", "suite_approvals", both | {"suite": "intl"}, "MERKLE_LEAVES"),
    ]


def _segments() -> list[Case]:
    records = [record_of(Suite.DUAL), record_of(Suite.DUAL, type="food-license")]
    given = {
        "issuer": OFFICE, "kind": "license", "suite": "dual", "types": [r.type for r in records], "handles": [1, 2],
        "leaves": [r.leaf().hex() for r in records], "leavesSm3": [r.leaf_sm3().hex() for r in records],
        "approvals": [bytes([n]).hex() * 32 for n in (1, 2)], "bodies": ["00", "0102"],
    }  # fmt: skip
    fewer = given | {"leavesSm3": given["leavesSm3"][:1]}
    return [
        Case("a segment with two trees", "suite_segment", given),
        Case("fewer leaves by SM3", "suite_segment", fewer, "SEGMENT_SHAPE"),
    ]
