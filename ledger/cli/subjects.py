"""Which record or batch a command means: by id, by leaf, by root, and whose it is where several issuers have it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import ConflictError, InputError, NotFoundError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.ports import RecordRow

DIGEST = re.compile(r"[0-9a-f]{64}")
Issuer = Annotated[
    str | None, typer.Option("--issuer", help="发证机构，默认为本机构 · whose record it is; default: one's own")
]
Leaf = Annotated[
    str | None,
    typer.Option("--leaf", help="记录的叶子（十六进制），记录不在本机时用 · leaf of a record kept elsewhere"),
]


def digest(text: str, option: str) -> bytes:
    """32 bytes from 64 hexadecimal digits. Raises InputError CLI_DIGEST."""
    if not DIGEST.fullmatch(text):
        raise InputError("CLI_DIGEST", option=option)
    return bytes.fromhex(text)


def organisation(text: str | None) -> str | None:
    from ledger.core.identifiers import organisation_id

    return organisation_id(text) if text else None


def records(app: App, id_: str) -> list[RecordRow]:
    """Every record here with that id, or with that leaf (64 hexadecimal digits)."""
    with app.store.read() as unit:
        if DIGEST.fullmatch(id_):
            found = unit.records.by_leaf(bytes.fromhex(id_))
            return [found] if found else []
        return unit.records.find_ids(app.index_key.id(id_))


def record(app: App, id_: str, issuer: str | None) -> RecordRow:
    """The newest record with that id, of one issuer where several have it.

    Raises:
        NotFoundError: RECORD_UNKNOWN. ConflictError: CLI_SEVERAL_ISSUERS.
    """
    rows = [r for r in records(app, id_) if issuer in (None, r.issuer)]
    if not rows:
        raise NotFoundError("RECORD_UNKNOWN")
    issuers = sorted({r.issuer for r in rows})
    if len(issuers) > 1:
        raise ConflictError("CLI_SEVERAL_ISSUERS", issuers=", ".join(issuers))
    return rows[-1]


def leaf_of(app: App, id_: str | None, leaf: str | None, issuer: str | None) -> tuple[str, bytes]:
    """(issuer, leaf) of a record: from its id, or from ``leaf``, which need not be here and then names its issuer.

    Raises:
        InputError: CLI_ID_OR_LEAF, CLI_DIGEST, CLI_ISSUER_NEEDED. NotFoundError, ConflictError: as `record`.
    """
    if (id_ is None) == (leaf is None):
        raise InputError("CLI_ID_OR_LEAF")
    given = leaf if leaf is not None else id_ or ""
    if not DIGEST.fullmatch(given):
        if leaf is not None:
            raise InputError("CLI_DIGEST", option="--leaf")
        found = record(app, given, issuer)
        return found.issuer, found.leaf
    if issuer is not None:
        return issuer, bytes.fromhex(given)
    here = records(app, given)
    if not here:
        raise InputError("CLI_ISSUER_NEEDED")
    return here[0].issuer, here[0].leaf


def batch_of(app: App, given: str, issuer: str | None) -> tuple[str, bytes]:
    """(issuer, root) of a batch: from its root, or from the id of a record in it.

    Raises:
        InputError: CLI_ISSUER_NEEDED. NotFoundError: RECORD_UNKNOWN, ACT_BATCH_UNKNOWN. ConflictError: as `record`.
    """
    if DIGEST.fullmatch(given):
        root = bytes.fromhex(given)
        with app.store.read() as unit:
            batch = unit.batches.by_root(root)
        if issuer is None and batch is None:
            raise InputError("CLI_ISSUER_NEEDED")
        return issuer or (batch.issuer if batch else ""), root
    found = record(app, given, issuer)
    if found.batch is None:
        raise NotFoundError("ACT_BATCH_UNKNOWN", root="–")
    with app.store.read() as unit:
        return found.issuer, unit.batches.get(found.batch).root
