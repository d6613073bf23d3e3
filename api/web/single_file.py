"""One script from many modules, for the offline copy: browsers refuse ES modules from ``file://``.

The modules keep to a small part of the language, and anything else is refused here: static imports and exported
declarations, each import and export a statement of its own. Every module becomes a function that returns its exports.
"""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
from collections.abc import Callable

_IMPORT = re.compile(r'^import (?:(\{[^}]*\}|\* as \w+) from )?"([^"]+)";\n', re.MULTILINE)
_DECLARED = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
_LISTED = re.compile(r"^export \{([\w\s,]*)\};?\s*$", re.MULTILINE)
_LEFT = re.compile(r"^\s*(?:import|export)\b|\bimport\s*\(|\bimport\.meta\b|</script", re.MULTILINE | re.IGNORECASE)


def join_modules(entry: str, read: Callable[[str], str]) -> str:
    """A classic script that does what the module ``entry`` does. ``read``: source of a module by its path.

    Raises:
        ValueError: a module uses what cannot be joined.
    """
    names: dict[str, str] = {}
    parts: list[str] = []
    _join(entry, read, names, parts, ())
    return '"use strict";\n' + "".join(parts)


def _join(
    path: str, read: Callable[[str], str], names: dict[str, str], parts: list[str], above: tuple[str, ...]
) -> str:
    """Add the module and what it imports to ``parts``, once each; returns the name of its exports."""
    if path in above:
        raise ValueError(f"modules import each other: {path}")
    if path not in names:
        source = read(path)
        taken = []
        for clause, target in _IMPORT.findall(source):
            inner = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            name = _join(inner, read, names, parts, (*above, path))
            taken.append(_taken(clause, name))
        names[path] = f"module{len(names)}"
        parts.append(_as_function(path, names[path], source, "".join(taken)))
    return names[path]


def _taken(clause: str, name: str) -> str:
    if not clause:
        return ""
    if clause.startswith("*"):
        return f"const {clause.removeprefix('* as ')} = {name};\n"
    return f"const {' '.join(clause.replace(' as ', ': ').split())} = {name};\n"


def _as_function(path: str, name: str, source: str, taken: str) -> str:
    exported = [word for _, word in _DECLARED.findall(source)]
    for listed in _LISTED.findall(source):
        exported += [word.strip() for word in listed.split(",") if word.strip()]
    body = _LISTED.sub("", _DECLARED.sub(r"\1 \2", _IMPORT.sub("", source)))
    code = re.sub(r"^\s*(?://|\*|/\*).*$", "", body, flags=re.MULTILINE)
    if found := _LEFT.search(code):
        raise ValueError(f"{path} cannot be joined: {found[0].strip()}")
    return f"const {name} = (() => {{\n{taken}{body}\nreturn {{ {', '.join(exported)} }};\n}})();\n"


def hash_source(text: str) -> str:
    """The source expression that permits exactly this inline script or style (CSP Level 3 section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
