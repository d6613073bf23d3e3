"""What a ledger asks its signer, and what that answers: values on both sides, messages between them.

There is no question by which bytes of the asker's choice could be signed: a manifest comes with all that it is made of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ledger.core import canonical, shapes
from ledger.core.canonical import b64
from ledger.core.identifiers import organisation_id
from ledger.core.manifests import MAX_BATCH, Manifest
from ledger.core.merkle import HASH_BYTES
from ledger.core.records import TYPE
from ledger.core.registries import Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.errors import (
    ConfigError,
    ConflictError,
    InputError,
    IntegrityError,
    NotFoundError,
    UnavailableError,
    ZhengyinError,
    messages,
)
from ledger.outside.signing_service.frames import Message

MAX_QUESTION = 3 * MAX_BATCH * HASH_BYTES + canonical.RECORD_LIMITS.size
"""Bytes of parts: leaves, approvals and leaves by SM3 of the largest batch, and a manifest."""
MAX_ANSWER = 4 * MAX_BATCH
"""Bytes of parts: the index of every record."""
_KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_VALUE_NAME = re.compile(r"[a-z][A-Za-z0-9]{0,31}")
_CLASSES: dict[str, type[ZhengyinError]] = {
    kind.__name__: kind
    for kind in (ConfigError, ConflictError, InputError, IntegrityError, NotFoundError, UnavailableError)
}


@dataclass(frozen=True, slots=True)
class BatchParts:
    """``ports.SegmentReader`` over what came with a question."""

    leaf_bytes: bytes
    approval_bytes: bytes
    second: Sm3Leaves | None
    counts: tuple[tuple[str, int], ...] = ()

    def leaves(self) -> bytes:
        return self.leaf_bytes

    def approvals(self) -> bytes:
        return self.approval_bytes

    def types(self) -> tuple[tuple[str, int], ...]:
        return self.counts

    def sm3(self) -> Sm3Leaves | None:
        return self.second

    @property
    def parts(self) -> tuple[bytes, ...]:
        return self.leaf_bytes, self.approval_bytes, *([] if self.second is None else [self.second.leaves])

    @property
    def suite(self) -> Suite:
        return Suite.INTL if self.second is None else self.second.suite


@dataclass(frozen=True, slots=True)
class Describe:
    """The certificate of an organisation's key of this name."""

    organisation: str
    key: str

    def to_message(self) -> Message:
        return Message({"question": "describe", "organisation": self.organisation, "key": self.key})


@dataclass(frozen=True, slots=True)
class Unapproved:
    """Which of these records no source has released?"""

    organisation: str
    batch: BatchParts

    def to_message(self) -> Message:
        body = {"question": "unapproved", "organisation": self.organisation, "suite": self.batch.suite.word}
        return Message(body, self.batch.parts)


@dataclass(frozen=True, slots=True)
class SignBatch:
    """A signature over the manifest by the key of ``certificate`` (its SHA-256)."""

    organisation: str
    certificate: bytes
    manifest: Manifest
    batch: BatchParts

    def to_message(self) -> Message:
        body = {
            "question": "signBatch",
            "organisation": self.organisation,
            "suite": self.batch.suite.word,
            "certificate": b64(self.certificate),
            "counts": [{"type": type_, "count": count} for type_, count in self.batch.counts],
        }
        return Message(body, (self.manifest.to_bytes(), *self.batch.parts))


Question = Describe | Unapproved | SignBatch


def read_question(message: Message) -> Question:
    """Strict reading.

    Raises:
        InputError: ``SIGNER_QUESTION``, ``SHAPE_…``, ``CANONICAL_…``, ``MANIFEST_…``, ``REGISTRY_UNKNOWN``,
            ``ORGANISATION_ID``, ``USCC_…``.
    """
    kind, path = message.body.get("question"), "question"
    if kind == "describe":
        _, organisation, key = shapes.members(message.body, path, "question", "organisation", "key")
        _require_parts(message, 0)
        return Describe(_organisation(organisation), shapes.text(key, f"{path}.key", _KEY_NAME))
    if kind == "unapproved":
        _, organisation, suite = shapes.members(message.body, path, "question", "organisation", "suite")
        return Unapproved(_organisation(organisation), _batch(message, 0, suite, ()))
    if kind == "signBatch":
        names = ("question", "organisation", "suite", "certificate", "counts")
        _, organisation, suite, certificate, counts = shapes.members(message.body, path, *names)
        named = shapes.array(counts, f"{path}.counts", _count, low=1)
        batch = _batch(message, 1, suite, named)
        manifest = Manifest.from_bytes(message.parts[0])
        return SignBatch(
            _organisation(organisation), shapes.digest(certificate, f"{path}.certificate"), manifest, batch
        )
    raise InputError("SIGNER_QUESTION")


def described(certificate: bytes) -> Message:
    return Message({"answer": "described"}, (certificate,))


def unapproved(indexes: Sequence[int]) -> Message:
    return Message({"answer": "unapproved"}, (b"".join(index.to_bytes(4, "big") for index in indexes),))


def signed(attributes: bytes, signature: bytes) -> Message:
    return Message({"answer": "signed"}, (attributes, signature))


def refused(error: ZhengyinError) -> Message:
    """``error`` with those of its values that are numbers and short texts."""
    values = {name: value for name, value in error.values.items() if _VALUE_NAME.fullmatch(name) and _plain(value)}
    return Message({"answer": "refused", "kind": type(error).__name__, "code": error.code, "values": values})


def read_answer(message: Message, kind: str, parts: int) -> tuple[bytes, ...]:
    """The parts of an answer of that kind.

    Raises:
        The error with which the signer refused; UnavailableError: ``SIGNER_ANSWER`` for anything else.
    """
    if message.body.get("answer") == "refused":
        _raise(message.body)
    if message.body != {"answer": kind} or len(message.parts) != parts:
        raise UnavailableError("SIGNER_ANSWER")
    return message.parts


def read_indexes(data: bytes, size: int) -> list[int]:
    """Of ``unapproved``: ascending, each below ``size``. Raises UnavailableError ``SIGNER_ANSWER``."""
    found = [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]
    if len(data) % 4 or found != sorted(set(found)) or (found and found[-1] >= size):
        raise UnavailableError("SIGNER_ANSWER")
    return found


def _raise(body: dict[str, Any]) -> NoReturn:
    kind, code, values = _CLASSES.get(str(body.get("kind"))), body.get("code"), body.get("values")
    known = isinstance(code, str) and _CODE.fullmatch(code) and code in messages()
    if kind is None or not known or not isinstance(values, dict) or not all(_plain(v) for v in values.values()):
        raise UnavailableError("SIGNER_ANSWER")
    raise kind(str(code), **values)


def _batch(message: Message, before: int, word: object, counts: tuple[tuple[str, int], ...]) -> BatchParts:
    suite = Suite.of_word(word, "question.suite")
    _require_parts(message, before + (3 if suite.has_sm3 else 2))
    leaves, approvals, *second = message.parts[before:]
    for part in (leaves, approvals, *second):
        if not 0 < len(part) <= MAX_BATCH * HASH_BYTES or len(part) % HASH_BYTES:
            raise InputError("SIGNER_FRAME", cause="leaves")
    return BatchParts(leaves, approvals, Sm3Leaves(suite, second[0]) if second else None, counts)


def _require_parts(message: Message, count: int) -> None:
    if len(message.parts) != count:
        raise InputError("SIGNER_FRAME", cause="parts")


def _organisation(value: object) -> str:
    return organisation_id(shapes.text(value, "question.organisation"))


def _count(value: object, path: str) -> tuple[str, int]:
    type_, count = shapes.members(value, path, "type", "count")
    return shapes.text(type_, f"{path}.type", TYPE), shapes.integer(count, f"{path}.count", 1, MAX_BATCH)


def _plain(value: object) -> bool:
    if type(value) is str:
        return len(value) <= 256 and not canonical.FORBIDDEN.search(value)
    return type(value) is int and 0 <= value <= canonical.MAX_INTEGER
