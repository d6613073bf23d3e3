"""Type files: one TOML file describes one type of record, its fields, and how a table row becomes one.

The file is read strictly: an unknown key is refused with the nearest known one, because a misspelt
``personal`` would publish a name. The digest of a definition names exactly this reading of the type.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from ledger.core import shapes
from ledger.core.canonical import encode
from ledger.core.records import TYPE
from ledger.core.registries import Kind
from ledger.errors import InputError

TAG = "zhengyin/type/1"
FIELD_KINDS = ("text", "code", "integer", "date", "instant", "uscc", "citizenNumber", "boolean")
MAX_FIELDS = 128
MAX_FILE, MAX_DOTS = 65_536, 64  # characters of a type file, dots in one of its lines
MAX_TEXT = 1000  # characters of a field, unless its type says otherwise
_NAME = re.compile(r"[a-z][A-Za-z0-9]{0,31}")
_RULE = re.compile(r"none|field|years:[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class Words:
    """A name for people, in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """One field: the claim ``name``, the headers it may stand under, and what its cells hold.

    ``length``: exact number of characters of a code; ``max_length``: the most a text or code may have;
    ``separator``: if not empty, the cell lists several values (co-owners) and the claim is an array.
    """

    name: str
    columns: tuple[str, ...]
    label: Words
    kind: str
    required: bool
    personal: bool
    public: bool
    max_length: int
    length: int | None
    separator: str


@dataclass(frozen=True, slots=True)
class ValidityRule:
    """``rule``: none, field, or years counted from ``start``; ``start`` and ``end`` are claim names."""

    rule: str
    start: str | None
    end: str | None
    years: int


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """A type of record.

    ``public``: may be looked up by its id alone. ``identifier_column`` holds whole GB/T 36904 identifiers,
    ``serial_column`` serials to make them from; neither: the record gets a URN. ``file_column`` names the
    file a row belongs to, ``supersedes_column`` the identifier of the license it replaces.
    """

    code: str
    kind: Kind
    name: Words
    public: bool
    identifier_column: str | None
    serial_column: str | None
    valid: ValidityRule
    file_column: str | None
    supersedes_column: str | None
    fields: tuple[FieldDefinition, ...]

    def to_json(self) -> dict[str, Any]:
        """Every property, in the closed grammar of canonical bytes."""
        return {
            "tag": TAG,
            "code": self.code,
            "kind": self.kind.word,
            "name": {"zh": self.name.zh, "en": self.name.en},
            "public": self.public,
            "identifier": {"column": self.identifier_column, "serial": self.serial_column},
            "valid": {"rule": self.valid.rule, "from": self.valid.start, "until": self.valid.end},
            "file": self.file_column,
            "supersedes": self.supersedes_column,
            "fields": [_field_json(field) for field in self.fields],
        }

    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes of ``to_json``, 32 bytes."""
        return hashlib.sha256(encode(self.to_json())).digest()

    def field(self, name: str) -> FieldDefinition:
        """The field ``name`` (``TYPEFILE_FIELD_UNKNOWN`` if there is none)."""
        for field in self.fields:
            if field.name == name:
                return field
        raise InputError("TYPEFILE_FIELD_UNKNOWN", field=name, path="fields")


def _field_json(field: FieldDefinition) -> dict[str, Any]:
    return {
        "name": field.name,
        "columns": list(field.columns),
        "label": {"zh": field.label.zh, "en": field.label.en},
        "kind": field.kind,
        "required": field.required,
        "personal": field.personal,
        "public": field.public,
        "maxLength": field.max_length,
        "length": field.length,
        "separator": field.separator,
    }


def parse_type_file(text: str) -> TypeDefinition:
    """The definition in a type file.

    Raises:
        InputError: ``TYPEFILE_SYNTAX`` (no TOML), ``TYPEFILE_KEY`` (unknown key, with the nearest known one),
            ``TYPEFILE_MISSING``, ``TYPEFILE_VALUE``, ``TYPEFILE_TWICE``, ``TYPEFILE_FIELD_UNKNOWN``,
            ``TYPEFILE_PERSONAL_PUBLIC``, or ``SHAPE_…``; all with the path in the file.
    """
    # the library takes memory by the square of a dotted key's parts
    if len(text) > MAX_FILE or any(line.count(".") > MAX_DOTS for line in text.splitlines()):
        raise InputError("TYPEFILE_SYNTAX", detail=f"{MAX_FILE} characters, {MAX_DOTS} dots in a line at most")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError("TYPEFILE_SYNTAX", detail=str(error)) from error
    top = _table(
        document,
        "$",
        ("code", "kind", "name", "fields"),
        ("public", "identifier", "valid", "file", "supersedes"),
    )
    fields = shapes.array(top["fields"], "fields", _field, low=1, high=MAX_FIELDS)
    _unique([field.name for field in fields], "fields.name")
    _unique([column for field in fields for column in field.columns], "fields.column")
    identifier = _table(top.get("identifier", {}), "identifier", (), ("column", "serial"))
    if len(identifier) > 1:
        raise InputError("TYPEFILE_TWICE", path="identifier", value="column, serial")
    kind = Kind.of_word(top["kind"], "kind")
    definition = TypeDefinition(
        code=shapes.text(top["code"], "code", TYPE),
        kind=kind,
        name=_words(top["name"], "name"),
        public=shapes.boolean(top.get("public", False), "public"),
        identifier_column=_column(identifier, "identifier.column", "column"),
        serial_column=_column(identifier, "identifier.serial", "serial"),
        valid=_validity(top.get("valid", {"rule": "none"})),
        file_column=_single_column(top, "file"),
        supersedes_column=_single_column(top, "supersedes"),
        fields=fields,
    )
    _require_consistent(definition)
    return definition


def _require_consistent(definition: TypeDefinition) -> None:
    if definition.kind is Kind.LICENSE and not (definition.identifier_column or definition.serial_column):
        raise InputError("TYPEFILE_MISSING", path="$", key="identifier")
    for name in (definition.valid.start, definition.valid.end):
        if name is not None and definition.field(name).kind != "date":
            raise InputError("TYPEFILE_VALUE", path=f"valid: {name}", expected="date")
    for field in definition.fields:
        if field.personal and field.public:
            raise InputError("TYPEFILE_PERSONAL_PUBLIC", path=f"fields.{field.name}")
    encode(definition.to_json())  # words of another grammar than records' would have no digest


def _field(value: object, path: str) -> FieldDefinition:
    table = _table(
        value,
        path,
        ("name", "column", "label", "kind"),
        ("aliases", "required", "personal", "public", "max_length", "length", "separator"),
    )
    kind = shapes.text(table["kind"], f"{path}.kind")
    if kind not in FIELD_KINDS:
        raise InputError("TYPEFILE_VALUE", path=f"{path}.kind", expected=", ".join(FIELD_KINDS))
    length = table.get("length")
    if length is not None and kind != "code":
        raise InputError("TYPEFILE_VALUE", path=f"{path}.length", expected='kind = "code"')
    aliases = shapes.array(table.get("aliases", []), f"{path}.aliases", shapes.text)
    separator = table.get("separator")
    return FieldDefinition(
        name=shapes.text(table["name"], f"{path}.name", _NAME),
        columns=(shapes.text(table["column"], f"{path}.column"), *aliases),
        label=_words(table["label"], f"{path}.label"),
        kind=kind,
        required=shapes.boolean(table.get("required", False), f"{path}.required"),
        personal=shapes.boolean(table.get("personal", False), f"{path}.personal"),
        public=shapes.boolean(table.get("public", False), f"{path}.public"),
        max_length=shapes.integer(table.get("max_length", MAX_TEXT), f"{path}.max_length", 1, 10_000),
        length=None if length is None else shapes.integer(length, f"{path}.length", 1, 256),
        separator="" if separator is None else shapes.text(separator, f"{path}.separator", high=4),
    )


def _validity(value: object) -> ValidityRule:
    table = _table(value, "valid", ("rule",), ("from", "until"))
    rule = shapes.text(table["rule"], "valid.rule", _RULE)
    start = shapes.optional(table.get("from"), "valid.from", shapes.text)
    end = shapes.optional(table.get("until"), "valid.until", shapes.text)
    years = int(rule.partition(":")[2] or 0)
    fits = {"none": not (start or end), "field": bool(start or end)}.get(rule, bool(start) and not end)
    if not fits:
        raise InputError("TYPEFILE_VALUE", path="valid", expected="none; field + from/until; years:N + from")
    return ValidityRule(rule, start, end, years)


def _words(value: object, path: str) -> Words:
    table = _table(value, path, ("zh", "en"))
    return Words(shapes.text(table["zh"], f"{path}.zh"), shapes.text(table["en"], f"{path}.en"))


def _single_column(top: dict[str, Any], key: str) -> str | None:
    return _column(_table(top[key], key, ("column",)), f"{key}.column", "column") if key in top else None


def _column(table: dict[str, Any], path: str, key: str) -> str | None:
    return shapes.text(table[key], path) if key in table else None


def _table(value: object, path: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if type(value) is not dict:
        raise InputError("SHAPE_TYPE", path=path, expected="table")
    known = (*needed, *optional)
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0)
            raise InputError("TYPEFILE_KEY", path=path, key=key, near=near[0] if near else "")
    for key in needed:
        if key not in value:
            raise InputError("TYPEFILE_MISSING", path=path, key=key)
    return value


def _unique(values: list[str], path: str) -> None:
    for value in values:
        if values.count(value) > 1:
            raise InputError("TYPEFILE_TWICE", path=path, value=value)
