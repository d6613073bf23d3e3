"""Cases of records and what is signed or kept about them."""

from __future__ import annotations

import hashlib
from typing import Any

from ledger.core import canonical, merkle
from ledger.core.accreditations import Accreditation
from ledger.core.canonical import b64
from ledger.core.disclosures import disclose, make_claims
from ledger.core.identifiers import new_urn
from ledger.core.keys import RecordKey
from ledger.core.manifests import BlockName, ChainIdentity, Expects, Manifest
from ledger.core.records import FileDigest, Record, Reference
from ledger.core.registries import Kind, Relation, Suite
from ledger.crypto.approvals import approve
from ledger.services import bodies
from scripts.vector_cases.cases import Case
from scripts.vector_cases.values import LICENSE, OFFICE

SECRET = bytes(range(32))
VALUES: dict[str, Any] = {"holder": "张三", "level": 3, "adult": True, "coOwners": ["李四", "王五"], "note": None}
ISSUED = 1_800_000_000


def make_record(**changes: Any) -> Record:
    key = RecordKey(SECRET)
    made: dict[str, Any] = {
        "kind": Kind.LICENSE, "id": LICENSE, "issuer": OFFICE, "type": "business-license", "issued": ISSUED,
        "origin": "issued", "valid_from": "2027-01-15", "valid_until": "2037-01-14",
        "files": (FileDigest(11, hashlib.sha256(b"hello world").digest(), bytes(32)),),
        "claims": make_claims(key, VALUES),
        "refs": (Reference(Relation.SUPERSEDES, OFFICE, bytes([7]) * 32),),
        "salt": key.salts(VALUES)[0],
    }  # fmt: skip
    return Record(**(made | changes))


def text_of(value: Any, **changes: Any) -> str:
    """Canonical text of ``value`` with members replaced, or taken out where a change is ``...``."""
    changed = {k: v for k, v in (value | changes).items() if v is not ...}
    return canonical.encode(changed).decode()


def key_cases() -> list[Case]:
    return [
        Case("salts and body key", "keys", {"key": SECRET.hex(), "names": ["level", "holder"]}),
        Case("no claim", "keys", {"key": SECRET.hex(), "names": []}),
        Case("a key of 31 bytes", "keys", {"key": SECRET[1:].hex(), "names": []}, "KEY_LENGTH"),
    ]


def record_cases() -> list[Case]:
    value = make_record().to_json()
    file = value["files"][0]
    faulty: dict[str, tuple[dict[str, Any], str]] = {
        "an unknown member": ({"extra": 1}, "SHAPE_KEYS"),
        "a member is missing": ({"salt": ...}, "SHAPE_KEYS"),
        "another format's tag": ({"tag": "zhengyin/manifest/1"}, "SHAPE_TAG"),
        "a later version": ({"tag": "zhengyin/record/2"}, "SHAPE_TAG"),
        "an unknown kind": ({"kind": "permit"}, "REGISTRY_UNKNOWN"),
        "a kind by number": ({"kind": 1}, "REGISTRY_UNKNOWN"),
        "a freeze is no record": ({"kind": "freeze"}, "REGISTRY_UNKNOWN"),
        "an unknown relation": ({"refs": [value["refs"][0] | {"relation": "likes"}]}, "REGISTRY_UNKNOWN"),
        "an unknown origin": ({"origin": "found"}, "SHAPE_TEXT"),
        "a type with a blank": ({"type": "business license"}, "SHAPE_TEXT"),
        "no type": ({"type": ""}, "SHAPE_RANGE"),
        "a day that does not exist": ({"valid": {"from": "2027-02-29", "until": None}}, "SHAPE_DATE"),
        "a day without zeros": ({"valid": {"from": "2027-2-1", "until": None}}, "SHAPE_TEXT"),
        "true for a number": ({"issued": True}, "SHAPE_TYPE"),
        "a short claim": ({"claims": {"holder": b64(bytes(31))}}, "CANONICAL_LENGTH"),
        "a file without SM3": ({"files": [{k: v for k, v in file.items() if k != "sm3"}]}, "SHAPE_KEYS"),
        "a wrong issuer": ({"issuer": OFFICE[:-1] + "0"}, "USCC_CHECK"),
        "no identifier": ({"id": "20270001"}, "IDENTIFIER_FORM"),
    }
    return [
        Case("a license", "record", {"text": text_of(value)}),
        Case("without end, files and references", "record",
             {"text": text_of(value, valid={"from": None, "until": None}, files=[], refs=[])}),
        Case("a use of a seal", "record",
             {"text": text_of(make_record(
                 kind=Kind.SEAL_USE, id=new_urn(bytes(16)), type="seal-use", valid_from=None, valid_until=None,
                 refs=(Reference(Relation.USES, OFFICE, bytes([8]) * 32),)).to_json())}),
        *(Case(name, "record", {"text": text_of(value, **change)}, code) for name, (change, code) in faulty.items()),
    ]  # fmt: skip


def disclosure_cases() -> list[Case]:
    key = RecordKey(SECRET)
    given = {"key": SECRET.hex(), "values": VALUES, "shown": ["holder", "note"]}
    shown = disclose(key, VALUES, ["holder"])[0].to_json()
    faulty = {
        "an object as value": (shown | {"value": {"a": 1}}, "DISCLOSURE_VALUE"),
        "an array in an array": (shown | {"value": [[1]]}, "DISCLOSURE_VALUE"),
        "a name that is no key": (shown | {"name": "Holder"}, "CANONICAL_KEY"),
        "a short salt": (shown | {"salt": b64(bytes(16))}, "CANONICAL_LENGTH"),
        "a member too many": (shown | {"decoy": 1}, "SHAPE_KEYS"),
    }
    return [
        Case("claims of a record", "claims", given),
        Case("an unknown name", "claims", given | {"shown": ["age"]}, "DISCLOSURE_UNKNOWN"),
        Case("a text", "disclosure", {"disclosure": shown}),
        Case("a disclosed null", "disclosure", {"disclosure": shown | {"value": None}}),
        Case("another value has another digest", "disclosure", {"disclosure": shown | {"value": "李四"}}),
        *(Case(name, "disclosure", {"disclosure": value}, code) for name, (value, code) in faulty.items()),
    ]


def body_cases() -> list[Case]:
    key, record = RecordKey(SECRET), make_record()
    leaf, text = record.leaf(), record.to_bytes()
    other = make_record(files=()).to_bytes()
    sealed = bodies.encrypt(key, leaf, text, canonical.encode(VALUES))
    swapped = bodies.encrypt(key, leaf, other, canonical.encode(VALUES))
    given = {"key": SECRET.hex(), "leaf": leaf.hex(), "body": sealed.hex()}
    plain = {"bodyKey": key.body_key().hex(), "leaf": leaf.hex(), "plaintext": "00"}
    return [
        Case("sealed", "body", {"key": SECRET.hex(), "leaf": leaf.hex(), "record": text.decode(), "values": VALUES}),
        Case("opened", "open_body", given),
        Case(
            "a bit changed",
            "open_body",
            given | {"body": (sealed[:-1] + bytes([sealed[-1] ^ 1])).hex()},
            "BODY_DAMAGED",
        ),
        Case("the key of another record", "open_body", given | {"key": bytes(32).hex()}, "BODY_DAMAGED"),
        Case("under another leaf", "open_body", given | {"leaf": bytes(32).hex()}, "BODY_DAMAGED"),
        Case("another record inside", "open_body", given | {"body": swapped.hex()}, "BODY_OF_OTHER_LEAF"),
        Case("one byte", "envelope", plain),
        Case("a key of 16 bytes", "envelope", plain | {"bodyKey": bytes(16).hex()}, "BODY_KEY"),
    ]


def make_manifest(**changes: Any) -> Manifest:
    made: dict[str, Any] = {
        "issuer": OFFICE, "kind": Kind.LICENSE, "suite": Suite.INTL, "root": merkle.leaf_hash(make_record().to_bytes()),
        "size": 1, "counts": (("business-license", 1),), "closed": ISSUED + 60, "after": BlockName(41, bytes([4]) * 32),
        "chain": ChainIdentity(987_654_321, bytes([9]) * 32, bytes([10]) * 20), "expects": Expects(1, False),
    }  # fmt: skip
    return Manifest(**(made | changes))


def manifest_cases() -> list[Case]:
    value = make_manifest().to_json()
    two = [{"type": "food-license", "count": 1}, {"type": "business-license", "count": 1}]
    chain = value["chain"]
    faulty: dict[str, tuple[dict[str, Any], str]] = {
        "counts that do not add up": ({"size": 2}, "MANIFEST_COUNTS"),
        "a suite with SM3 and no root by it": ({"suite": "gm"}, "SHAPE_KEYS"),
        "an unknown suite": ({"suite": "sha1"}, "REGISTRY_UNKNOWN"),
        "size 0": ({"size": 0}, "SHAPE_RANGE"),
        "65,537 records": (
            {"size": 65537, "counts": [{"type": "a", "count": 65536}, {"type": "b", "count": 1}]},
            "SHAPE_RANGE",
        ),
        "no counts": ({"counts": []}, "SHAPE_RANGE"),
        "counts in another order": ({"size": 2, "counts": two}, "SHAPE_ORDER"),
        "a type twice": ({"size": 2, "counts": [two[0], two[0]]}, "SHAPE_ORDER"),
        "three signatures": ({"expects": {"signatures": 3, "token": False}}, "SHAPE_RANGE"),
        "no signature": ({"expects": {"signatures": 0, "token": False}}, "SHAPE_RANGE"),
        "an address of 19 bytes": ({"chain": chain | {"records": b64(bytes(19))}}, "CANONICAL_LENGTH"),
        "chain id 0": ({"chain": chain | {"id": 0}}, "SHAPE_RANGE"),
        "a short root": ({"root": b64(bytes(31))}, "CANONICAL_LENGTH"),
        "the tag of a record": ({"tag": "zhengyin/record/1"}, "SHAPE_TAG"),
    }
    return [
        Case("a batch of one", "manifest", {"text": text_of(value)}),
        Case(
            "two types", "manifest", {"text": text_of(value, size=2, counts=sorted(two, key=lambda c: str(c["type"])))}
        ),
        *(Case(n, "manifest", {"text": text_of(value, **change)}, code) for n, (change, code) in faulty.items()),
    ]


def accreditation_cases() -> list[Case]:
    made = Accreditation(OFFICE, Kind.LICENSE, "CN-440100", ("business-license", "food-license"), "示政〔2026〕1号")
    value = made.to_json()
    faulty: dict[str, tuple[dict[str, Any], str]] = {
        "everything and something": ({"types": ["*", "food-license"]}, "SHAPE_ORDER"),
        "types in another order": ({"types": ["food-license", "business-license"]}, "SHAPE_ORDER"),
        "no type": ({"types": []}, "SHAPE_RANGE"),
        "a jurisdiction in lower case": ({"jurisdiction": "cn"}, "SHAPE_TEXT"),
        "no reference": ({"reference": ""}, "SHAPE_RANGE"),
        "a number for a kind": ({"kind": 1}, "REGISTRY_UNKNOWN"),
        "another organisation's form": ({"organisation": "CN:1"}, "ORGANISATION_ID"),
    }
    return [
        Case("two types", "accreditation", {"text": text_of(value)}),
        Case("every type", "accreditation", {"text": text_of(value, types=["*"])}),
        Case("the right to freeze", "accreditation", {"text": text_of(value, types=["*"], kind="freeze")}),
        *(Case(n, "accreditation", {"text": text_of(value, **change)}, code) for n, (change, code) in faulty.items()),
    ]


def approval_cases() -> list[Case]:
    one, two = bytes([1]) * 32, bytes([2]) * 32
    leaves = [bytes([n]) * 32 for n in (5, 6)]
    good = {
        "keys": [one.hex(), two.hex()],
        "leaves": b"".join(leaves).hex(),
        "approvals": (approve(one, leaves[0]) + approve(two, leaves[1])).hex(),
    }
    swapped = (approve(one, leaves[1]) + approve(two, leaves[0])).hex()
    return [
        Case("an approval", "approval", {"key": one.hex(), "leaf": leaves[0].hex()}),
        Case("a key of 16 bytes", "approval", {"key": one[:16].hex(), "leaf": leaves[0].hex()}, "APPROVAL_KEY"),
        Case("two sources", "approvals", good),
        Case("approvals exchanged", "approvals", good | {"approvals": swapped}, "SIGNER_APPROVAL_MISSING"),
        Case("a row put in by hand", "approvals", good | {"approvals": bytes(64).hex()}, "SIGNER_APPROVAL_MISSING"),
        Case(
            "an approval left out", "approvals", good | {"approvals": good["approvals"][:64]}, "SIGNER_APPROVAL_MISSING"
        ),
        Case("no leaf", "approvals", good | {"leaves": "", "approvals": ""}, "SIGNER_APPROVAL_MISSING"),
        Case("no source", "approvals", good | {"keys": []}, "APPROVAL_KEYS_EMPTY"),
    ]
