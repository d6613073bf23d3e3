"""The license's metadata in a document's DocInfo (GB/T 36903-2018), under the names that issuing systems write.

They are what the file says of itself: as good as the seal over ``OFD.xml``, and no better.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from ledger.crypto.ofd.xml import Node
from ledger.errors import InputError

MAX_FIELDS = 1024
# one widespread system writes its own XML with a letter wrong
_LISTS, _FIELDS = ("CustomDatas", "CuslomDatas"), ("CustomData", "CuslomData")
_DATE = re.compile(r"(\d{4})(?:-|年|/)?(\d{1,2})(?:-|月|/)?(\d{1,2})日?(?:[T ].*)?")
_FOREVER = frozenset({"", "长期", "99991231", "9999-12-31", "9999年12月31日"})
_HOLDER = ("CZZT", "CZZTDM", "CZZTDMLXDM")
_COPY = ("JZJZZSJ", "JZJZZZ", "JZJZZSY", "JZJYXQJZSJ")
_TEXTS = {
    "ZZMC": "name", "ZZLXDM": "type_code", "ZZBH": "number", "ZZBS": "identifier", "ZZBFJG": "issuer",
    "ZZBFJGDM": "issuer_code", "ZZBFJGJB": "issuer_level",
}  # fmt: skip
_DATES = {"ZZBFRQ": "issued", "ZZYXQQSRQ": "valid_from", "ZZYXQJZRQ": "valid_until"}
_EXTENSION = "KZ_"
_KNOWN = frozenset({*_TEXTS, *_DATES, *_HOLDER, *_COPY})


@dataclass(frozen=True, slots=True)
class Holder:
    """``code`` and ``code_type`` (GB/T 36903 annex A) as written, each None where there are not as many as names."""

    name: str
    code: str | None
    code_type: str | None


@dataclass(frozen=True, slots=True)
class LicenseMetadata:
    """What is not there is None. ``issued``, ``valid_from``, ``valid_until``: YYYY-MM-DD; an end that never comes is
    None. ``copy``: when, by whom, why and until when an annotated copy (加注件) was made, by names; empty for the
    license itself. ``extensions``: the issuer's own (KZ_…). ``others``: every other field. ``unread``: names of dates
    that are none. ``misspelt``: found under the wrong element."""

    identifier: str | None
    name: str | None
    type_code: str | None
    number: str | None
    issuer: str | None
    issuer_code: str | None
    issuer_level: str | None
    issued: str | None
    valid_from: str | None
    valid_until: str | None
    holders: tuple[Holder, ...]
    copy: tuple[tuple[str, str], ...]
    extensions: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]
    unread: tuple[str, ...]
    misspelt: bool

    def public(self) -> dict[str, Any]:
        """What names the license and nobody, as a report shows it: holders, the printed number and the issuer's own
        fields stay in the file."""
        named = {
            "identifier": self.identifier,
            "name": self.name,
            "typeCode": self.type_code,
            "issuer": self.issuer,
            "issuerCode": self.issuer_code,
            "issued": self.issued,
            "validFrom": self.valid_from,
            "validUntil": self.valid_until,
        }
        return {key: value for key, value in named.items() if value is not None}


def read_metadata(info: Node) -> LicenseMetadata | None:
    """What ``DocInfo`` says of a license; None if it names none of the known fields.

    Raises:
        InputError: ``OFD_METADATA_TWICE`` two values of a field that has one; ``OFD_MANY``; ``OFD_XML_…``.
    """
    fields = [field for tag in _LISTS for group in info.all(tag) for field in group.children if field.tag in _FIELDS]
    if len(fields) > MAX_FIELDS:
        raise InputError("OFD_MANY", limit=MAX_FIELDS)
    pairs = [(name, _value(name, field)) for field in fields if (name := field.need("Name"))]
    single = _single(pairs)
    if not single and not any(name in _HOLDER for name, _ in pairs):
        return None
    dates = {name: _date(text) for name, text in single.items() if name in _DATES}
    return LicenseMetadata(
        **{key: single.get(name) or None for name, key in _TEXTS.items()},
        **{key: dates.get(name) for name, key in _DATES.items()},
        holders=_holders(pairs),
        copy=tuple(pair for pair in pairs if pair[0] in _COPY),
        extensions=tuple(pair for pair in pairs if pair[0].startswith(_EXTENSION)),
        others=tuple(p for p in pairs if p[0] not in _KNOWN and not p[0].startswith(_EXTENSION)),
        unread=tuple(n for n, found in dates.items() if found is None and single[n] not in _FOREVER),
        misspelt=any(f.tag != _FIELDS[0] for f in fields) or any(info.all(tag) for tag in _LISTS[1:]),
    )


def _value(name: str, field: Node) -> str:
    """Other fields are the issuer's, of any length and look; nothing shows them."""
    return field.value() if name in _KNOWN else field.text


def _single(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in pairs:
        if (name in _TEXTS or name in _DATES) and found.setdefault(name, text) != text:
            raise InputError("OFD_METADATA_TWICE", name=name)
    return found


def _holders(pairs: list[tuple[str, str]]) -> tuple[Holder, ...]:
    names, codes, types = ([text for name, text in pairs if name == wanted] for wanted in _HOLDER)
    if len(codes) != len(names):
        return tuple(Holder(name, None, None) for name in names)
    kinds: list[str] | list[None] = types if len(types) == len(names) else [None] * len(names)
    return tuple(Holder(name, code, kind) for name, code, kind in zip(names, codes, kinds, strict=True))


def _date(text: str) -> str | None:
    match = _DATE.fullmatch(text)
    if not match or text in _FOREVER:
        return None
    try:
        return date(*(int(part) for part in match.groups())).isoformat()
    except ValueError:
        return None
