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
from ledger.core.frames import Frame
from ledger.core.identifiers import organisation_id, require_record_id
from ledger.core.registries import Kind, Relation

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
    claims: dict[str, str],
    refs: list[dict[str, Any]],
    salt: str,
) -> dict[str, Any]:
    """The record as JSON, whose canonical bytes are hashed: the parameters of ``Record`` with its parts in JSON."""
    return {
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


def record_frame(kind: str, issuer: str, type_: str, issued: int, origin: str, names: Sequence[str]) -> Frame:
    """Records that have these things in common, as bytes. Columns: the digests of the claims, a column for each of
    ``names`` (ascending), base64url; files; id; refs; the salt, base64url; first and last day. All but digests and
    salts as canonical JSON."""
    at = len(names)
    sample = record_json(
        *(kind, frames.value(at + 1), issuer, type_, issued, origin, frames.value(at + 4), frames.value(at + 5)),
        *([], {name: frames.text(number) for number, name in enumerate(names)}, [], frames.text(at + 3)),
    )
    return Frame([sample | {"files": frames.value(at), "refs": frames.value(at + 2)}])


@dataclass(frozen=True, slots=True)
class Record:
    """Frozen value of one record.

    ``issued``: seconds UTC, as the office says. ``valid_from``/``valid_until``: dates in Asia/Shanghai,
    ``until`` inclusive, ``None`` where open. ``claims``: field name → base64url of the digest. ``salt``: 32 bytes.
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
    claims: dict[str, str]
    refs: tuple[Reference, ...]
    salt: bytes

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
        )

    def to_bytes(self) -> bytes:
        return canonical.encode(self.to_json())

    def leaf(self) -> bytes:
        """RFC 6962 section 2.1 leaf hash, 32 bytes."""
        return merkle.leaf_hash(self.to_bytes())

    @classmethod
    def from_json(cls, value: object, path: str = "record") -> Record:
        """Strict reading.

        Raises:
            InputError: SHAPE_…, REGISTRY_UNKNOWN, IDENTIFIER_… with the path.
        """
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
            claims=_claims(claims, f"{path}.claims"),
            refs=shapes.array(refs, f"{path}.refs", Reference.from_json, high=MAX_REFS),
            salt=shapes.digest(salt, f"{path}.salt"),
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        return cls.from_json(canonical.decode(data))


def _claims(value: object, path: str) -> dict[str, str]:
    if type(value) is not dict:
        shapes.refuse("SHAPE_TYPE", path, expected="object")
    if len(value) > MAX_CLAIMS:
        shapes.refuse("SHAPE_RANGE", path, low=0, high=MAX_CLAIMS)
    for name, claim in value.items():
        shapes.digest(claim, f"{path}.{name}")
    return value
