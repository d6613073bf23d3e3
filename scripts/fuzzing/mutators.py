"""Changes that keep an input readable: lengths of DER, canonical JSON and checksums of a ZIP are put right again, so
that most of what is tried gets past the first line of a parser. ``bits`` changes bytes blindly."""

from __future__ import annotations

import base64
import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

from ledger.crypto import der
from ledger.errors import InputError

Bits = Callable[[bytes], bytes]
Mutator = Callable[[bytes, random.Random, Bits], bytes]
_DEPTH = 16
_TAGS = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0C, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0xA0, 0xA1, 0xA3)
_CONTENTS = (
    b"",
    b"\0",
    b"\xff",
    b"\x80",
    b"\0" * 20,
    b"\xff" * 20,
    b"\x7f" * 9,
    b"99991231235959Z",
    b"19491231235959Z",
)
_VALUES: tuple[Any, ...] = (None, True, 0, 1, (1 << 53) - 1, "", "\U0001f600", "A", "AA", [], {}, [[]], {"tag": ""})


class _Node:
    """An element; OCTET and BIT STRINGs that hold DER are opened, too."""

    def __init__(self, tag: int, content: bytes, depth: int) -> None:
        self.tag, self.content, self.lead = tag, content, b""
        self.children: list[_Node] = []
        if tag & 0x20:
            self.children = _nodes(content, depth)
        elif tag in (der.OCTET_STRING, der.BIT_STRING) and len(content) > 2:
            self.lead = content[:1] if tag == der.BIT_STRING else b""
            self.children = _nodes(content[len(self.lead) :], depth)

    def encoded(self) -> bytes:
        if not self.children:
            return der.write(self.tag, self.content)
        return der.write(self.tag, self.lead, *(child.encoded() for child in self.children))


def _nodes(content: bytes, depth: int) -> list[_Node]:
    try:
        return [_Node(e.tag, e.content, depth - 1) for e in der.read_all(content)] if depth else []
    except InputError:
        return []


def mutate_der(data: bytes, chance: random.Random, bits: Bits) -> bytes:
    roots = _nodes(data, _DEPTH)
    every: list[tuple[list[_Node], int]] = []

    def gather(siblings: list[_Node]) -> None:
        for at, node in enumerate(siblings):
            every.append((siblings, at))
            gather(node.children)

    gather(roots)
    if not every:
        return bits(data)
    siblings, at = chance.choice(every)
    node = siblings[at]
    others, there = chance.choice(every)
    match chance.randrange(9):
        case 0:
            del siblings[at]
        case 1:
            siblings.insert(at, node)
        case 2:
            siblings[at] = _Node(others[there].tag, others[there].content, _DEPTH)
        case 3:
            siblings.insert(at, _Node(others[there].tag, others[there].content, _DEPTH))
        case 4:
            node.tag = chance.choice(_TAGS)
        case 5:
            node.content, node.children = chance.choice(_CONTENTS), []
        case 6:
            siblings[at] = _Node(chance.choice(_TAGS), node.encoded(), _DEPTH)
        case _:
            node.content, node.children = bits(node.content), []
    return b"".join(root.encoded() for root in roots)


def mutate_json(data: bytes, chance: random.Random, bits: Bits) -> bytes:
    try:
        whole = [json.loads(data)]
    except (ValueError, RecursionError):
        return bits(data)
    places: list[tuple[Any, Any]] = []

    def gather(holder: Any) -> None:
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            places.append((holder, key))
            if isinstance(holder[key], dict | list):
                gather(holder[key])

    gather(whole)
    holder, key = chance.choice(places)
    other, its = chance.choice(places)
    copied = json.loads(json.dumps(other[its]))
    match chance.randrange(6):
        case 0 if holder is not whole:
            del holder[key]
        case 1 if isinstance(holder, list) and holder is not whole:
            holder.insert(key, copied)
        case 2:
            holder[key] = copied
        case 3:
            holder[key] = chance.choice(_VALUES)
        case _:
            holder[key] = _changed(holder[key], chance, bits)
    if not whole:
        return data
    return json.dumps(whole[0], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")


def _changed(value: Any, chance: random.Random, bits: Bits) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return chance.choice(_VALUES)
    if isinstance(value, int):
        return max(0, value + chance.choice((-1, 1, 1 << 31, 1 << 40, -value)))
    try:
        inner = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return bits(value.encode("utf-8", "replace")).decode("utf-8", "replace")
    inner = mutate_der(inner, chance, bits) if inner[:1] == b"\x30" else bits(inner)
    return base64.urlsafe_b64encode(inner).decode().rstrip("=")


def mutate_zip(data: bytes, chance: random.Random, bits: Bits) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()[:64]}
    except Exception:  # whatever zipfile makes of a broken one
        return bits(data)
    if not files:
        return bits(data)
    name, other = chance.choice(list(files)), chance.choice(list(files))
    match chance.randrange(8):
        case 0:
            del files[name]
        case 1:
            files[name] = files[other]
        case 2:
            files[bits(name.encode()).decode("latin-1")[:64]] = files[name]
        case _:
            inner = files[name]
            files[name] = mutate_der(inner, chance, bits) if inner[:1] == b"\x30" else bits(inner)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path or "x", (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


MUTATORS: dict[str, Mutator] = {
    "der": mutate_der,
    "json": mutate_json,
    "zip": mutate_zip,
    "raw": lambda data, _, bits: bits(data),
}
