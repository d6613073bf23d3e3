"""The record: the one kind of thing this ledger holds. FORMATS, "Record".

A record is canonical JSON; its RFC 6962 leaf is what gets anchored. Personal data stand in claims, which
are salted digests, so the record itself may be shown without them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core import canonical, frames, merkle, shapes
from ledger.core.canonical import b64
from ledger.core.disclosures import CLAIM_HASHES, Claim
from ledger.core.frames import Frame
from ledger.core.hashing import SM3_HASH
from ledger.core.identifiers import organisation_id, require_record_id
from ledger.core.registries import Kind, Relation, Suite

TAG = "zhengyin/record/1"
TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
ORIGINS = ("issued", "takenOver")
MAX_FILES = 64
MAX_CLAIMS = 128
MAX_REFS = 64


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A file as the record binds it: exact size in bytes, SHA-256 and SM3 (32 bytes each)."""

    size: int
    sha256: bytes
    sm3: bytes

    def to_json(self) -> dict[str, Any]:
        return {"size": self.size, "sha256": b64(self.sha256), "sm3": b64(self.sm3)}

    @classmethod
    def from_json(cls, value: object, path: str) -> FileDigest:
        size, sha256, sm3 = shapes.members(value, path, "size", "sha256", "sm3")
        return cls(
            shapes.integer(size, f"{path}.size"),
            shapes.digest(sha256, f"{path}.sha256"),
            shapes.digest(sm3, f"{path}.sm3"),
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """A named relation to another record. A bare leaf would be ambiguous (why.md F50): the issuer goes with it."""

    relation: Relation
    issuer: str
    leaf: bytes

    def to_json(self) -> dict[str, Any]:
        return {"relation": self.relation.word, "issuer": self.issuer, "leaf": b64(self.leaf)}

    @classmethod
    def from_json(cls, value: object, path: str) -> Reference:
        relation, issuer, leaf = shapes.members(value, path, "relation", "issuer", "leaf")
        return cls(
            Relation.of_word(relation, f"{path}.relation"),
            organisation_id(shapes.text(issuer, f"{path}.issuer")),
            shapes.digest(leaf, f"{path}.leaf"),
        )


def record_json(
    kind: str,
    id_: str,
    issuer: str,
    type_: str,
    issued: int,
    origin: str,
    valid_from: str | None,
    valid_until: str | None,
    files: list[dict[str, Any]],
    claims: dict[str, Claim],
    refs: list[dict[str, Any]],
    salt: str,
    suite: Suite,
) -> dict[str, Any]:
    """The record as JSON, whose canonical bytes are hashed: the parameters of ``Record`` with its parts in JSON."""
    value = {
        "claims": claims,
        "files": files,
        "id": id_,
        "issued": issued,
        "issuer": issuer,
        "kind": kind,
        "origin": origin,
        "refs": refs,
        "salt": salt,
        "tag": TAG,
        "type": type_,
        "valid": {"from": valid_from, "until": valid_until},
    }
    return value | {"suite": suite.word} if suite.has_sm3 else value


def record_frame(
    kind: str, issuer: str, type_: str, issued: int, origin: str, names: Sequence[str], suite: Suite = Suite.INTL
) -> Frame:
    """Records that have these things in common, as bytes. Columns: the digests of the claims, a column for each of
    ``names`` (ascending) and of its digests, base64url; files; id; refs; the salt, base64url; first and last day. All
    but digests and salts as canonical JSON."""
    each = len(CLAIM_HASHES[suite])
    at = each * len(names)
    marks = [frames.text(number) for number in range(at)]
    claims: dict[str, Claim] = dict(zip(names, marks, strict=False))
    if suite is Suite.DUAL:
        claims = {name: marks[each * number : each * (number + 1)] for number, name in enumerate(names)}
    sample = record_json(
        *(kind, frames.value(at + 1), issuer, type_, issued, origin, frames.value(at + 4), frames.value(at + 5)),
        *([], claims, [], frames.text(at + 3), suite),
    )
    return Frame([sample | {"files": frames.value(at), "refs": frames.value(at + 2)}])


@dataclass(frozen=True, slots=True)
class Record:
    """Frozen value of one record.

    ``issued``: seconds UTC, as the office says. ``valid_from``/``valid_until``: dates in Asia/Shanghai,
    ``until`` inclusive, ``None`` where open. ``claims``: field name → base64url of the digest, in suite ``dual`` of
    both. ``salt``: 32 bytes.
    """

    kind: Kind
    id: str
    issuer: str
    type: str
    issued: int
    origin: str
    valid_from: str | None
    valid_until: str | None
    files: tuple[FileDigest, ...]
    claims: dict[str, Claim]
    refs: tuple[Reference, ...]
    salt: bytes
    suite: Suite = Suite.INTL

    def to_json(self) -> dict[str, Any]:
        files, refs = [f.to_json() for f in self.files], [r.to_json() for r in self.refs]
        return record_json(
            self.kind.word,
            self.id,
            self.issuer,
            self.type,
            self.issued,
            self.origin,
            self.valid_from,
            self.valid_until,
            files,
            self.claims,
            refs,
            b64(self.salt),
            self.suite,
        )

    def to_bytes(self) -> bytes:
        return canonical.encode(self.to_json())

    def leaf(self) -> bytes:
        """RFC 6962 section 2.1 leaf hash, 32 bytes: what names the record everywhere, whatever its suite."""
        return merkle.leaf_hash(self.to_bytes())

    def leaf_sm3(self) -> bytes:
        """The leaf in the tree by SM3, 32 bytes."""
        return merkle.leaf_hash(self.to_bytes(), SM3_HASH)

    @classmethod
    def from_json(cls, value: object, path: str = "record") -> Record:
        """Strict reading.

        Raises:
            InputError: SHAPE_…, REGISTRY_UNKNOWN, IDENTIFIER_… with the path.
        """
        value, suite = read_suite(value, f"{path}.suite")
        kind, id_, issuer, type_, issued, origin, valid, files, claims, refs, salt = shapes.tagged(
            value,
            path,
            TAG,
            *("kind", "id", "issuer", "type", "issued", "origin", "valid", "files", "claims", "refs", "salt"),
        )
        since, until = shapes.members(valid, f"{path}.valid", "from", "until")
        found = Kind.of_word(kind, f"{path}.kind")
        if found is Kind.FREEZE:
            shapes.refuse("REGISTRY_UNKNOWN", f"{path}.kind", registry="kind")
        if origin not in ORIGINS:
            shapes.refuse("SHAPE_TEXT", f"{path}.origin", pattern="|".join(ORIGINS))
        return cls(
            kind=found,
            id=require_record_id(shapes.text(id_, f"{path}.id")),
            issuer=organisation_id(shapes.text(issuer, f"{path}.issuer")),
            type=shapes.text(type_, f"{path}.type", TYPE),
            issued=shapes.integer(issued, f"{path}.issued"),
            origin=origin,
            valid_from=shapes.optional(since, f"{path}.valid.from", shapes.day),
            valid_until=shapes.optional(until, f"{path}.valid.until", shapes.day),
            files=shapes.array(files, f"{path}.files", FileDigest.from_json, high=MAX_FILES),
            claims=_claims(claims, f"{path}.claims", suite),
            refs=shapes.array(refs, f"{path}.refs", Reference.from_json, high=MAX_REFS),
            salt=shapes.digest(salt, f"{path}.salt"),
            suite=suite,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        return cls.from_json(canonical.decode(data))


def read_suite(value: object, path: str) -> tuple[object, Suite]:
    """A record without its member ``suite``, and the suite: ``intl`` is never written, so that it has one spelling."""
    if type(value) is not dict or "suite" not in value:
        return value, Suite.INTL
    word = _SM3_SUITES(value["suite"], path)
    return {name: member for name, member in value.items() if name != "suite"}, Suite.of_word(word, path)


_SM3_SUITES = shapes.choice(tuple(suite.word for suite in Suite if suite.has_sm3))


def _claims(value: object, path: str, suite: Suite) -> dict[str, Claim]:
    if type(value) is not dict:
        shapes.refuse("SHAPE_TYPE", path, expected="object")
    if len(value) > MAX_CLAIMS:
        shapes.refuse("SHAPE_RANGE", path, low=0, high=MAX_CLAIMS)
    for name, claim in value.items():
        if suite is Suite.DUAL:
            shapes.array(claim, f"{path}.{name}", shapes.digest, 2, 2)
        else:
            shapes.digest(claim, f"{path}.{name}")
    return value
