"""``trust``: the file that a verifier brings along by another road than the chain."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli import trust_recognitions, trust_services, trust_upkeep
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.core.trust import Trust, TrustFile
    from ledger.services.trust_difference import ServiceChange

GROUP = about("信任文件", "the trust file", "zhengyin trust show")
EXPORT = about(
    "导出信任文件，交给核验者", "export the trust file for verifiers", "zhengyin trust export --renew -o trust.json"
)
SHOW = about(
    "查看信任文件及其指纹，与公报核对",
    "show a trust file and its fingerprint, to compare with the gazette",
    "zhengyin trust show trust.json --fingerprint",
)
IMPORT = about(
    "导入信任文件；拒绝旧版本与分叉",
    "import a trust file; an older or forked one is refused",
    "zhengyin --home ./verifier trust import trust.json",
)
SIGN = about(
    "以本机理事会密钥补签信任文件",
    "add the signatures of the council keys that lie here",
    "zhengyin trust sign trust.json -o trust-signed.json",
)
Output = Annotated[Path | None, typer.Option("-o", "--output", dir_okay=False, help="文件 · file")]


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="trust", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("export", help=EXPORT)(export)
    app.command("show", help=SHOW)(show)
    app.command("import", help=IMPORT)(import_)
    app.command("sign", help=SIGN)(sign)
    for part in (trust_services, trust_recognitions, trust_upkeep):
        part.add_commands(app)
    root.add_typer(app)


def export(
    context: typer.Context,
    output: Output = None,
    renew: Annotated[bool, typer.Option("--renew", help="先签发新版本 · make the next version first")] = False,
    jurisdictions: Annotated[
        list[str] | None, typer.Option("--jurisdiction", help="新增管辖地（与 --renew 同用） · jurisdiction to add")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="trust|lote", help="信任文件，或 ETSI TS 119 602 形式的列表 · form")
    ] = "trust",
    territory: Annotated[str, typer.Option(help="lote：国家或地区代码 · lote: ISO 3166-1 code")] = "CN",
    operator: Annotated[str | None, typer.Option(help="lote：发布机构名称 · lote: who publishes it")] = None,
) -> int:
    session: Session = context.obj
    if format_ not in ("trust", "lote"):
        raise InputError("CLI_TRUST_FORMAT")
    with session.app() as app:
        if renew or jurisdictions:
            from ledger.assembly.file_acts import install_trust
            from ledger.assembly.trusting import renewed_trust

            file = renewed_trust(app, jurisdictions or ())
            if len(file.signatures) < file.content.threshold:
                # the other members sign this file where their keys lie; the one who completes it imports it
                session.note("CLI_TRUST_PARTIAL", signatures=len(file.signatures), threshold=file.content.threshold)
            else:
                install_trust(app, file)
        else:
            file = app.trust.current()
        who = operator or app.settings.organisation or app.chain_file.operator
    if format_ == "lote":
        from ledger.services.trust_lote_writing import lote

        _write(session, file, lote(file.content, who, territory), output)
    else:
        _write(session, file, file.to_bytes(), output)
    return 0


def _write(session: Session, file: TrustFile, data: bytes, output: Path | None) -> None:
    import sys

    if output is None:
        sys.stdout.write(data.decode())
        return
    output.write_bytes(data)
    value = _described(file)
    session.result(value | {"file": str(output)}, _text(session, value))


def show(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="默认为数据文件夹中的 · default: one's own")
    ] = None,
    fingerprint: Annotated[bool, typer.Option("--fingerprint", help="只显示指纹 · the fingerprint only")] = False,
) -> int:
    session: Session = context.obj
    from ledger.assembly.trust_files import read_trust_file

    value = _described(read_trust_file(file or session.home / "trust.json"))
    if fingerprint:
        session.result({"fingerprint": value["fingerprint"], "sha256": value["sha256"]}, value["fingerprint"])
    else:
        session.result(value, _text(session, value))
    return 0


def import_(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="信任文件或列表 · trust file, or list"),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="列表：不再询问 · a list: apply without asking")] = False,
    output: Output = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly.home import Home, TrustFolder
    from ledger.assembly.trust_files import read_trust_file

    if not (data := file.read_bytes()).startswith(b'{"content":') and b'"ListAndSchemeInformation"' in data:
        return _import_list(session, file, yes, output)
    found = read_trust_file(file)
    before = read_trust_file(session.home / "trust.json").content if (session.home / "trust.json").exists() else None
    if session.founded:
        from ledger.assembly.file_acts import install_trust

        with session.app() as app:
            install_trust(app, found)
    else:  # a verifier's folder has no log
        session.home.mkdir(parents=True, exist_ok=True)
        TrustFolder(Home(session.home).trust, time.time).install(found)
    told, lines = _difference(session, before, found.content)
    value = _described(found) | told
    session.result(value, "\n".join([*lines, _text(session, value)]))
    session.note("CLI_TRUST_COMPARE")
    return 0


def _import_list(session: Session, file: Path, yes: bool, output: Path | None) -> int:
    """Show what the list would change; apply it when told to. A list is unsigned: the council's keys sign the trust
    file that is made from it."""
    import sys

    from ledger.assembly.trust_lists_in import apply, incoming

    with session.app() as app:
        list_ = incoming(app, file.read_bytes())
        value: dict[str, Any] = {
            "operator": list_.found.operator,
            "territory": list_.found.territory,
            "sequence": list_.found.sequence,
            "changes": [c.to_json() for c in list_.changes],
        }
        if not list_.changes:
            session.result(value | {"applied": False}, session.words("CLI_LOTE_NOTHING"))
            return 0
        if not yes and sys.stdin.isatty() and not session.json:
            sys.stderr.write("\n".join(_shown(session, list_.changes)) + "\n")
            yes = typer.confirm(session.words("CLI_LOTE_ASK", count=len(list_.changes)), err=True)
        if not yes:
            session.result(value | {"applied": False}, "\n".join(_shown(session, list_.changes)))
            session.note("CLI_LOTE_NOT_APPLIED")
            return 0
        made = apply(app, list_)
    if output is not None:
        output.write_bytes(made.to_bytes())
    whole = len(made.signatures) >= made.content.threshold
    if not whole:
        session.note("CLI_TRUST_PARTIAL", signatures=len(made.signatures), threshold=made.content.threshold)
    value |= {"applied": whole, "version": made.content.version, "signatures": [s.key for s in made.signatures]}
    session.result(value, "\n".join(_shown(session, list_.changes)))
    return 0


def _difference(session: Session, before: Trust | None, after: Trust) -> tuple[dict[str, Any], list[str]]:
    """(as JSON, in words) what a trust file says otherwise than the one in force."""
    from ledger.services.trust_difference import difference, other_changes

    changes = difference(before, after) if before else []
    others = other_changes(before, after) if before else []
    more = [session.words("CLI_TRUST_OTHER_CHANGES", names=", ".join(others))] if others else []
    return {"changes": [c.to_json() for c in changes], "otherChanges": others}, _shown(session, changes) + more


def _shown(session: Session, changes: Sequence[ServiceChange]) -> list[str]:
    lines = []
    for change in changes:
        lines.append(
            session.words(f"CLI_LOTE_{change.change.upper()}", name=change.name, id=change.certificate.hex()[:16])
        )
        lines += [f"  {field}: {before} → {after}" for field, (before, after) in change.fields.items()]
    return lines


def sign(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="信任文件 · trust file")],
    output: Output = None,
) -> int:
    session: Session = context.obj
    from ledger.assembly.file_acts import trust_signed
    from ledger.core.trust import TrustFile
    from ledger.crypto.trust_signatures import require_later, sign_trust

    found = TrustFile.from_bytes(file.read_bytes())
    done = {s.key: s for s in found.signatures}
    with session.app() as app:
        app.operations.require()
        before = app.trust.content()
        require_later(found.content, before)
        # a key that the next version no longer lists signs it as well: it speaks for the version before
        listed = {k.id: k for k in (*before.keys, *found.content.keys)}
        added = []
        for organisation, name in app.keys.held("council"):
            if session.organisation not in (None, organisation):
                continue
            key, private = app.keys.council(organisation, name)
            if listed.get(key.id) == key and key.id not in done:
                done[key.id] = sign_trust(found.content, key.id, private)
                added.append(key.id)
        if not added and not {k.id for k in found.content.keys} <= set(done):
            raise ConfigError("CLI_TRUST_NO_KEY")
        signed = TrustFile(found.content, tuple(done[id_] for id_ in sorted(done)))
        (output or file).write_bytes(signed.to_bytes())
        if added:
            trust_signed(app, found, signed)
    told, lines = _difference(session, before, found.content)
    value = {"file": str(output or file), "added": added, "signatures": len(done), "threshold": found.content.threshold}
    words = session.words("CLI_TRUST_SIGNED", count=len(done), threshold=found.content.threshold)
    session.result(value | told, "\n".join([*lines, words]))
    return 0


def _described(file: TrustFile) -> dict[str, Any]:
    from ledger.crypto.trust_signatures import fingerprint_words

    content = file.content
    return {
        "version": content.version,
        "issued": content.issued,
        "expires": content.expires,
        "threshold": content.threshold,
        "keys": [k.id for k in content.keys],
        "signatures": [s.key for s in file.signatures],
        "chains": [c.identity.to_json() for c in content.chains],
        "authorities": [a.name for a in content.authorities],
        "jurisdictions": [p.jurisdiction for p in content.policies],
        "fingerprint": fingerprint_words(content.fingerprint()),
        "sha256": content.fingerprint().hex(),
    }


def _text(session: Session, value: dict[str, Any]) -> str:
    from ledger.verification.words import instant

    return session.words(
        "CLI_TRUST_TEXT",
        version=value["version"],
        expires=instant(value["expires"]),
        signatures=len(value["signatures"]),
        threshold=value["threshold"],
        authorities="、".join(value["authorities"]),
        jurisdictions="、".join(value["jurisdictions"]),
        fingerprint=value["fingerprint"],
    )
