"""``show`` and ``bundle``: what the keeper of a record can read, and what its holder takes along."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.acts_shown import act_lines, acts_of
from ledger.cli.qr_codes import picture_form, write_qr
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import ConflictError, InputError, NotFoundError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.ports import RecordRow
    from ledger.services.bundling import Opened

SHOW = about("查看一条记录：内容、状态、批次", "show a record: content, status, batch", "zhengyin show urn:zhengyin:…")
BUNDLE = about(
    "输出证明包：脱离本系统也能核验",
    "cut a bundle: it can be verified without this system",
    "zhengyin bundle 1.2.156.3005.2.….001.X --state -o license.zyb --qr license.png",
)
Id = Annotated[str, typer.Argument(metavar="ID", help="记录标识或叶子 · id of the record, or its leaf in hex")]
_LEAF = re.compile(r"[0-9a-f]{64}")


def register(app: typer.Typer) -> None:
    app.command("show", help=SHOW)(show)
    app.command("bundle", help=BUNDLE)(bundle)


def show(
    context: typer.Context,
    id_: Id,
    code: Annotated[
        bool, typer.Option("--code", help="显示核验码，须与编号一并交给持有人 · the code printed beside the number")
    ] = False,
) -> int:
    session: Session = context.obj
    with session.app() as app:
        row = find(app, id_, session.organisation)
        value = _place(app, row) | {"status": _history(app, row)}
        try:
            opened = app.bundling.open(row)
        except NotFoundError as e:
            tombstone = _tombstone(app, row)
            session.result(value | {"erased": tombstone}, _erased_text(session, tombstone))
            return session.fail(e)
        value |= _content(app, opened) | (_code(app, row, opened) if code else {})
        session.result(value, _text(session, app, value, opened))
        return 0


def bundle(
    context: typer.Context,
    id_: Id,
    state: Annotated[bool, typer.Option("--state", help="附上当前状态，供离线核验 · staple the current state")] = False,
    disclose: Annotated[str, typer.Option(help="all、none 或字段名 · all, none, or field names: a,b")] = "all",
    output: Annotated[Path | None, typer.Option("-o", "--output", dir_okay=False, help="文件 · file")] = None,
    qr: Annotated[
        Path | None,
        typer.Option("--qr", dir_okay=False, help="二维码图片（.png 或 .svg），扫描即核验 · QR code for the page"),
    ] = None,
) -> int:
    form = picture_form(qr)
    session: Session = context.obj
    with session.app() as app:
        row = find(app, id_, session.organisation)
        names = None if disclose == "all" else [] if disclose == "none" else disclose.split(",")
        if names:
            known = app.types.get(row.type).fields
            unknown = sorted(set(names) - {f.name for f in known})
            if unknown:
                raise InputError("ISSUE_FIELD_UNKNOWN", fields=", ".join(unknown), type=row.type)
        cut = app.bundling.bundle(row, sorted(names) if names else names, state)
        data = cut.to_bytes()
        (code,) = app.codes.of([row])
        if qr is not None:
            write_qr(app, cut.record.id, code, qr, form)
    if output is None and qr is None:
        sys.stdout.write(data.decode() + ("\n" if sys.stdout.isatty() else ""))
        session.note("CLI_BUNDLE_CODE", code=code)
        return 0
    value: dict[str, Any] = {"id": id_}
    lines = []
    if output is not None:
        output.write_bytes(data)
        value |= {"file": str(output), "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        lines.append(session.words("CLI_BUNDLE_WRITTEN", file=output, size=len(data)))
    if qr is not None:
        value["qr"] = str(qr)
        lines.append(session.words("CLI_QR_WRITTEN", file=qr))
    lines.append(session.words("CLI_BUNDLE_CODE", code=code))
    session.result(value | {"code": code}, "\n".join(lines))
    return 0


def find(app: App, id_: str, issuer: str | None) -> RecordRow:
    """The newest record with that id, of one issuer where several have it; or the record with that leaf, which is all
    the name that an erased one has.

    Raises:
        NotFoundError: RECORD_UNKNOWN. ConflictError: CLI_SEVERAL_ISSUERS.
    """
    with app.store.read() as unit:
        if _LEAF.fullmatch(id_):
            named = unit.records.by_leaf(bytes.fromhex(id_))
            found = [] if named is None else [named]
        else:
            found = unit.records.find_ids(app.index_key.id(id_))
        rows = [r for r in found if issuer in (None, r.issuer)]
    if not rows:
        raise NotFoundError("RECORD_UNKNOWN")
    issuers = sorted({r.issuer for r in rows})
    if len(issuers) > 1:
        raise ConflictError("CLI_SEVERAL_ISSUERS", issuers=", ".join(issuers))
    return rows[-1]


def _place(app: App, row: RecordRow) -> dict[str, Any]:
    value: dict[str, Any] = {"issuer": row.issuer, "kind": row.kind.word, "type": row.type, "leaf": row.leaf.hex()}
    if row.batch is None:
        return value | {"batch": None}
    with app.store.read() as unit:
        batch = unit.batches.get(row.batch)
    return value | {
        "batch": {
            "root": batch.root.hex(), "state": batch.state, "index": row.index, "size": batch.size,
            "sequence": batch.sequence, "block": batch.block, "problem": batch.problem,
        }
    }  # fmt: skip


def _history(app: App, row: RecordRow) -> dict[str, Any]:
    app.indexing.run()
    with app.store.read() as unit:
        entries = unit.chain.entries(row.issuer, row.leaf)
        pending = [i for i in unit.intents.for_leaf(row.issuer, row.leaf) if i.state in ("accepted", "ready", "sent")]
    return {
        "state": entries[-1].entry.state.word if entries else "active",
        "history": [e.entry.to_json() | {"block": e.block} for e in entries],
        "pending": [{"state": i.change.word, "effective": i.effective, "reason": i.reason.word} for i in pending],
        **acts_of(app, row),
    }


def _code(app: App, row: RecordRow, opened: Opened) -> dict[str, Any]:
    """The code, and what a printed QR code puts behind ``#`` of the page's address."""
    from ledger.core.verification_code import link_fragment

    (code,) = app.codes.of([row])
    return {"code": code, "fragment": link_fragment(opened.record.id, code)}


def _tombstone(app: App, row: RecordRow) -> dict[str, Any] | None:
    """What the tombstone says; ``None`` where a key went without one."""
    found = app.erasing.tombstone(row)
    if found is None:
        return None
    return {"tombstone": found.record.id, "erased": found.record.issued, **found.values}


def _erased_text(session: Session, tombstone: dict[str, Any] | None) -> str:
    from ledger.verification.words import instant

    if tombstone is None:
        return session.words("CLI_SHOW_ERASED_SILENTLY")
    reason = session.words(f"WORD_ERASURE_{tombstone['reason'].upper()}")
    return session.words(
        "CLI_SHOW_ERASED", erased=instant(tombstone["erased"]), reason=reason, tombstone=tombstone["tombstone"],
        decision=tombstone["decision"] or "–",
    )  # fmt: skip


def _content(app: App, opened: Opened) -> dict[str, Any]:
    record = opened.record
    return {
        "id": record.id,
        "issued": record.issued,
        "origin": record.origin,
        "valid": {"from": record.valid_from, "until": record.valid_until},
        "files": [{"size": f.size, "sha256": f.sha256.hex(), "sm3": f.sm3.hex()} for f in record.files],
        "references": [r.to_json() for r in record.refs],
        "values": opened.values,
    }


def _text(session: Session, app: App, value: dict[str, Any], opened: Opened) -> str:
    from ledger.verification.words import instant

    definition = app.types.get(value["type"])
    lines = [
        f"{getattr(definition.name, session.language)}  {value['id']}",
        session.words(
            "CLI_SHOW_ISSUED", issuer=value["issuer"], issued=instant(value["issued"]),
            since=value["valid"]["from"] or "–", until=value["valid"]["until"] or "–",
        ),
        session.words("CLI_SHOW_STATE", state=session.words(f"WORD_STATE_{value['status']['state'].upper()}")),
    ]  # fmt: skip
    if "code" in value:
        lines.insert(1, session.words("CLI_SHOW_CODE", code=value["code"]))
    for entry in value["status"]["history"]:
        words = {
            "state": session.words(f"WORD_STATE_{entry['state'].upper()}"),
            "effective": instant(entry["effective"]),
        }
        reason = session.words(f"WORD_REASON_{entry['reason'].upper()}")
        lines.append(session.words("CLI_SHOW_CHANGE", reason=reason, block=entry["block"], **words))
    for change in value["status"]["pending"]:
        lines.append(session.words("CLI_SHOW_PENDING", state=session.words(f"WORD_STATE_{change['state'].upper()}")))
    lines += act_lines(session, value["status"])
    batch = value["batch"]
    place = batch or {"state": "accepted", "block": "–", "index": "–", "size": "–"}
    lines.append(session.words("CLI_SHOW_BATCH", **place))
    lines += [f"  SHA-256 {f['sha256']}  {f['size']}" for f in value["files"]]
    labels = {f.name: getattr(f.label, session.language) for f in definition.fields}
    lines += [f"  {labels.get(n, n)}: {_plain(v)}" for n, v in opened.values.items() if v is not None]
    return "\n".join(lines)


def _plain(value: object) -> str:
    return "、".join(map(str, value)) if isinstance(value, list) else str(value)
