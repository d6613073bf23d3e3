"""Types of records, as far as everybody may know them."""

from __future__ import annotations

from api.schemas.common import Shown


class Label(Shown):
    zh: str
    en: str


class FieldLabel(Shown):
    """``columns``: headers that a table may have for it."""

    name: str
    label: Label
    kind: str
    required: bool
    personal: bool
    public: bool
    columns: list[str]


class Type(Shown):
    """``public``: may be looked up by number alone; ``numbered``: takes an id or a serial."""

    name: str
    code: str
    kind: str
    label: Label
    public: bool
    numbered: bool
    fields: list[FieldLabel]


class TypeList(Shown):
    items: list[Type]
