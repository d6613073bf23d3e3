"""What can be done with a vector: one act a format, from plain JSON to plain JSON.

Bytes are hexadecimal here, so that a reader in any language can follow. An act that refuses its input raises the
library's own error.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ledger.core import canonical, identifiers, merkle
from ledger.core.accreditations import Accreditation
from ledger.core.bundles import Bundle
from ledger.core.disclosures import Disclosure, disclose, make_claims
from ledger.core.keys import RecordKey
from ledger.core.manifests import Manifest
from ledger.core.records import Record
from ledger.core.registries import Kind
from ledger.core.rows import RowReader
from ledger.core.spreadsheet import open_csv
from ledger.core.tombstones import tombstone_id
from ledger.core.trust import Trust, TrustFile
from ledger.core.trust_documents import document_id, read_trust_document
from ledger.core.typefiles import parse_type_file
from ledger.core.verification_code import link_fragment, parse_code, print_code
from ledger.crypto.approvals import approve, check_approvals
from ledger.crypto.cms import verify_detached
from ledger.crypto.envelope import decrypt_body, encrypt_body
from ledger.crypto.trust_signatures import fingerprint_words, verify_trust_file
from ledger.ports import Block, SegmentBody
from ledger.proofs import commit_seals, records_layout
from ledger.proofs.headers import parse_header
from ledger.services import bodies
from ledger.store import segment_body
from ledger.store.segment_reader import SegmentBodyReader
from scripts.vector_cases.envelope_acts import ENVELOPE_ACTS
from scripts.vector_cases.suite_acts import SUITE_ACTS
from scripts.vector_cases.token_acts import TOKEN_ACTS

Given = dict[str, Any]
VECTORS = Path(__file__).resolve().parents[2] / "tests" / "vectors"
LIMITS = {"record": canonical.RECORD_LIMITS, "bundle": canonical.BUNDLE_LIMITS}


def _hex(data: bytes) -> str:
    return data.hex()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# ---- values --------------------------------------------------------------------------------------------------------


def canonical_encode(given: Given) -> Any:
    data = canonical.encode(given["value"], LIMITS[given.get("limits", "record")])
    return {"text": data.decode(), "sha256": _digest(data)}


def canonical_decode(given: Given) -> Any:
    data = bytes.fromhex(given["hex"]) if "hex" in given else given["text"].encode()
    return {"value": canonical.decode(data, LIMITS[given.get("limits", "record")])}


def base64_decode(given: Given) -> Any:
    return {"hex": _hex(canonical.unb64(given["text"], "$", given.get("length")))}


def merkle_tree(given: Given) -> Any:
    leaves = [merkle.leaf_hash(bytes.fromhex(item)) for item in given["items"]]
    levels = merkle.build_levels(b"".join(leaves))
    paths = [[_hex(node) for node in merkle.inclusion_path(levels, at)] for at in range(len(leaves))]
    return {"leaves": list(map(_hex, leaves)), "root": _hex(merkle.root_of(levels)), "paths": paths}


def merkle_path(given: Given) -> Any:
    path = [bytes.fromhex(node) for node in given["path"]]
    root = merkle.root_from_path(bytes.fromhex(given["leaf"]), given["index"], given["size"], path)
    return {"root": _hex(root)}


def license_identifier(given: Given) -> Any:
    found = identifiers.parse_license_identifier(given["text"], strict=given["strict"])
    return {**asdict(found), "warnings": list(found.warnings)}


def make_license(given: Given) -> Any:
    return {"text": identifiers.make_license_identifier(**given)}


def credit_code(given: Given) -> Any:
    return {"text": identifiers.require_uscc(given["text"])}


def organisation(given: Given) -> Any:
    return {"bytes32": _hex(identifiers.organisation_bytes32(given["text"]))}


def organisation_word(given: Given) -> Any:
    return {"text": identifiers.organisation_from_bytes32(bytes.fromhex(given["bytes32"]))}


def citizen_number(given: Given) -> Any:
    return {"text": identifiers.require_citizen_number(given["text"])}


def urn(given: Given) -> Any:
    return {"text": identifiers.new_urn(bytes.fromhex(given["random"]))}


def record_id(given: Given) -> Any:
    return {"text": identifiers.require_record_id(given["text"], strict=given["strict"])}


# ---- records and what is signed over them --------------------------------------------------------------------------


def keys(given: Given) -> Any:
    key = RecordKey(bytes.fromhex(given["key"]))
    salt, salts = key.salts(given["names"])
    claim_salts = {name: _hex(found) for name, found in salts.items()}
    return {"recordSalt": _hex(salt), "claimSalts": claim_salts, "bodyKey": _hex(key.body_key())}


def code_printed(given: Given) -> Any:
    code = print_code(RecordKey(bytes.fromhex(given["key"])))
    return {"code": code, "fragment": link_fragment(given["id"], code)}


def code_typed(given: Given) -> Any:
    return {"hex": _hex(parse_code(given["text"]))}


def tombstone(given: Given) -> Any:
    return {"id": tombstone_id(bytes.fromhex(given["leaf"]))}


def claims(given: Given) -> Any:
    key = RecordKey(bytes.fromhex(given["key"]))
    shown = disclose(key, given["values"], given["shown"])
    return {"claims": make_claims(key, given["values"]), "disclosures": [d.to_json() for d in shown]}


def disclosure(given: Given) -> Any:
    return {"digest": canonical.b64(Disclosure.from_json(given["disclosure"]).digest())}


def record(given: Given) -> Any:
    found = Record.from_bytes(given["text"].encode())
    return {"leaf": _hex(found.leaf()), "again": found.to_bytes() == given["text"].encode()}


def body(given: Given) -> Any:
    key, leaf = RecordKey(bytes.fromhex(given["key"])), bytes.fromhex(given["leaf"])
    return {"body": _hex(bodies.encrypt(key, leaf, given["record"].encode(), canonical.encode(given["values"])))}


def open_body(given: Given) -> Any:
    secret, leaf = bytes.fromhex(given["key"]), bytes.fromhex(given["leaf"])
    found, values = bodies.decrypt(secret, leaf, bytes.fromhex(given["body"]))
    return {"record": found.to_bytes().decode(), "values": values}


def manifest(given: Given) -> Any:
    return {"sha256": _hex(Manifest.from_bytes(given["text"].encode()).sha256())}


def accreditation(given: Given) -> Any:
    found = Accreditation.from_json(canonical.decode(given["text"].encode()))
    return {"id": _hex(found.id()), "scope": _hex(found.scope())}


def approval(given: Given) -> Any:
    return {"approval": _hex(approve(bytes.fromhex(given["key"]), bytes.fromhex(given["leaf"])))}


def approvals(given: Given) -> Any:
    sources = [bytes.fromhex(key) for key in given["keys"]]
    check_approvals(bytes.fromhex(given["leaves"]), bytes.fromhex(given["approvals"]), sources)
    return {"approved": True}


def signature(given: Given) -> Any:
    found = verify_detached(bytes.fromhex(given["cms"]), given["content"].encode())
    return {
        "certificate": _hex(found.certificate_sha256),
        "signingTime": found.signing_time,
        "algorithm": found.algorithm,
        "organization": found.organization,
    }


def bundle(given: Given) -> Any:
    """A stored bundle with members replaced or added by JSON Pointer (RFC 6901), or taken out, before it is read."""
    value = json.loads((VECTORS / given["file"]).read_bytes())
    for pointer, member in given.get("set", {}).items():
        holder, key = _holder(value, pointer)
        holder[key] = member
    for pointer in given.get("without", []):
        holder, key = _holder(value, pointer)
        del holder[key]
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return {"leaf": _hex(Bundle.from_bytes(text.encode()).record.leaf())}


def _holder(value: Any, pointer: str) -> tuple[Any, Any]:
    *above, last = pointer.removeprefix("/").split("/")
    for name in above:
        value = value[int(name) if isinstance(value, list) else name]
    return value, int(last) if isinstance(value, list) else last


# ---- chain and trust -----------------------------------------------------------------------------------------------


def header(given: Given) -> Any:
    found = parse_header(bytes.fromhex(given["header"]))
    members = [bytes.fromhex(address) for address in given["validators"]]
    final = commit_seals.finality(found, given["consensus"], members)
    return {
        "kind": final.kind,
        "block": final.block,
        "time": final.timestamp,
        "hash": _hex(final.block_hash),
        "sealHash": _hex(commit_seals.commit_seal_hash(found, given["consensus"])),
        "quorum": final.quorum,
        "sealers": list(map(_hex, final.sealers)),
    }


def slots(given: Given) -> Any:
    issuer = identifiers.organisation_bytes32(given["issuer"])
    root, leaf = bytes.fromhex(given["root"]), bytes.fromhex(given["leaf"])
    return {
        "batch": _hex(records_layout.batch_slot(issuer, root)),
        "status": _hex(records_layout.status_slot(issuer, leaf)),
        "history": _hex(records_layout.history_slot(issuer, leaf)),
        "retired": _hex(records_layout.RETIRED_SLOT),
    }


def status_word(given: Given) -> Any:
    return asdict(records_layout.unpack_status(int(given["word"], 16)))


def batch_word(given: Given) -> Any:
    return asdict(records_layout.unpack_batch(int(given["word"], 16)))


def history(given: Given) -> Any:
    word = bytes(32)
    for entry in given["entries"]:
        actor = identifiers.organisation_bytes32(entry["actor"])
        numbers = (entry["state"], entry["effective"], entry["recorded"], entry["reason"])
        word = records_layout.history_step(word, actor, *numbers, bytes.fromhex(entry["statement"]))
    return {"history": _hex(word)}


def trust_content(given: Given) -> Any:
    found = Trust.from_json(canonical.decode(given["text"].encode(), canonical.BUNDLE_LIMITS))
    return {"fingerprint": _hex(found.fingerprint()), "words": fingerprint_words(found.fingerprint())}


def trust_document(given: Given) -> Any:
    found = read_trust_document(given["text"].encode())
    return {"id": _hex(document_id(found))}


def trust_file(given: Given) -> Any:
    found = TrustFile.from_bytes(given["text"].encode())
    before = TrustFile.from_bytes(given["previous"].encode()).content if given.get("previous") else None
    verify_trust_file(found, before, given.get("now"))
    return {"version": found.content.version, "fingerprint": _hex(found.content.fingerprint())}


# ---- tables and storage --------------------------------------------------------------------------------------------


def type_file(given: Given) -> Any:
    found = parse_type_file(given["toml"])
    return {"value": found.to_json(), "digest": _hex(found.digest())}


def row(given: Given) -> Any:
    reader = RowReader(parse_type_file(given["toml"]), given["header"], given["issuer"])
    found = reader.read(given["cells"])
    return {
        "identifier": found.identifier,
        "values": found.values,
        "validFrom": found.valid_from,
        "validUntil": found.valid_until,
        "file": found.file,
        "supersedes": found.supersedes,
        "warnings": list(found.warnings),
        "unused": list(reader.unused),
    }


def table(given: Given) -> Any:
    return {"rows": [[line, *cells] for line, cells in open_csv(io.BytesIO(bytes.fromhex(given["hex"])))]}


def segment(given: Given) -> Any:
    leaves, approvals = (bytes.fromhex("".join(given[name])) for name in ("leaves", "approvals"))
    bodies = [bytes.fromhex(item) for item in given["bodies"]]
    block = Block(leaves, approvals, list(map(len, bodies)), lambda: bodies)
    runs = [(type_, range(at, at + 1)) for type_, at in zip(given["types"], given["handles"], strict=True)]
    frozen = SegmentBody(merkle.build_levels(leaves), block, runs)
    layout = segment_body.layout_of(given["issuer"], Kind.of_word(given["kind"], "kind"), frozen)
    data = b"".join(segment_body.with_digest(segment_body.pieces(layout, frozen)))
    return {"body": _hex(data), "root": _hex(frozen.levels[-1])}


def read_segment(given: Given) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "body"
        path.write_bytes(bytes.fromhex(given["body"]))
        reader = SegmentBodyReader(path, given["root"])
        reader.verify()
        found = [_hex(reader.body(at)) for at in range(reader.size())]
        return {"size": reader.size(), "types": [list(pair) for pair in reader.types()], "bodies": found}


def envelope(given: Given) -> Any:
    key, leaf = bytes.fromhex(given["bodyKey"]), bytes.fromhex(given["leaf"])
    sealed = encrypt_body(key, leaf, bytes.fromhex(given["plaintext"]))
    return {"ciphertext": _hex(sealed), "again": decrypt_body(key, leaf, sealed).hex() == given["plaintext"]}


ACTS: dict[str, Callable[[Given], Any]] = {
    act.__name__: act
    for act in (
        canonical_encode, canonical_decode, base64_decode, merkle_tree, merkle_path, license_identifier, make_license,
        credit_code, organisation, organisation_word, citizen_number, urn, record_id, keys, code_printed, code_typed,
        tombstone, claims, disclosure, record,
        body, open_body, envelope, manifest, accreditation, approval, approvals, signature, bundle, header, slots,
        status_word, batch_word, history, trust_content, trust_document, trust_file, type_file, row, table, segment,
        read_segment,
    )
} | SUITE_ACTS | TOKEN_ACTS | ENVELOPE_ACTS  # fmt: skip
"""Name of the act in a vector → what the library does."""
