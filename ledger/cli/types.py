"""``type``: the types of records this ledger knows, and adding one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.session import Session
from ledger.cli.texts import about, table

GROUP = about("记录类型", "types of records", "zhengyin type list")
ADD = about("加入自己的类型文件", "add a type file of one's own", "zhengyin type add food-permit.toml")
LIST = about("列出所有类型", "list the types", "zhengyin type list --json")
SHOW = about("查看类型：表头与字段", "show a type: its columns and fields", "zhengyin type show business-license")


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="type", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("add", help=ADD)(add)
    app.command("list", help=LIST)(list_)
    app.command("show", help=SHOW)(show)
    root.add_typer(app)


def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="TOML")],
) -> int:
    session: Session = context.obj
    from ledger.assembly.file_acts import add_type

    with session.app() as app:
        definition = add_type(app, file)
    value = {"name": file.stem, "code": definition.code, "digest": definition.digest().hex()}
    session.result(value, f"{file.stem}  {definition.code}")
    return 0


def list_(context: typer.Context) -> int:
    session: Session = context.obj
    with session.app() as app:
        known = app.types.all()
    values = [
        {"name": stem, "code": d.code, "kind": d.kind.word, "zh": d.name.zh, "en": d.name.en}
        for stem, d in known.items()
    ]
    rows = [[v["name"], v["kind"], v["code"], v[session.language]] for v in values]
    session.results(values, table([["name", "kind", "code", "–"], *rows]))
    return 0


def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TYPE", help="类型名称或代码 · name or code of the type")],
) -> int:
    session: Session = context.obj
    with session.app() as app:
        definition = app.types.get(name)
    value: dict[str, Any] = definition.to_json() | {"digest": definition.digest().hex()}
    header = ["field", "column", "kind", "required", "personal", "public"]
    rows = [
        [f.name, " / ".join(f.columns), f.kind, _mark(f.required), _mark(f.personal), _mark(f.public)]
        for f in definition.fields
    ]
    special = {
        "identifier": definition.identifier_column or definition.serial_column,
        "file": definition.file_column,
        "supersedes": definition.supersedes_column,
    }
    lines = [f"{getattr(definition.name, session.language)}  {definition.code}  {definition.kind.word}"]
    lines += [f"  {use}: {column}" for use, column in special.items() if column]
    session.result(value, "\n".join([*lines, table([header, *rows])]))
    return 0


def _mark(on: bool) -> str:
    return "✓" if on else "–"
