"""Words of the pages. ``words/<page>.toml``: tables ``[page.CODE]`` for templates, ``[js.CODE]`` for scripts,
``[finding.CODE]`` for what only a judgement in the page can find; each with ``zh`` and ``en``."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import get_args

from ledger.errors import Language, messages

WEB: Traversable = resources.files("api").joinpath("web")
LANGUAGES: tuple[Language, ...] = get_args(Language)

_CODE = re.compile(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"')
_SHOWN = ("HEADLINE_", "LINE_", "WORD_", "AGE_", "STEP_")


@cache
def words(name: str, part: str, language: Language) -> dict[str, str]:
    """``{code: text}`` of one part of ``words/<name>.toml``."""
    table = tomllib.loads(WEB.joinpath("words", f"{name}.toml").read_text("utf-8"))
    return {code: texts[language] for code, texts in table.get(part, {}).items()}


@cache
def finding_words(language: Language) -> dict[str, str]:
    """Words for every code that the scripts of a judgement name: the ledger's own, and the few of the page."""
    named = {
        code
        for folder in ("lib", "verify")
        for file in WEB.joinpath("js", folder).iterdir()
        for code in _CODE.findall(file.read_text("utf-8"))
    }
    known = messages()
    shown = {code for code in known if code in named or code.startswith(_SHOWN)}
    return {code: known[code][language] for code in sorted(shown)} | words("result", "finding", language)


def preferred(query: str | None, accepted: str | None) -> Language:
    """The language asked for by ``?lang=``, else by Accept-Language (RFC 9110 section 12.5.4), else Chinese."""
    for language in LANGUAGES:
        if query == language:
            return language
    best: tuple[float, Language] = (0.0, "zh")
    for item in (accepted or "")[:1000].split(","):
        tag, _, parameter = item.strip().partition(";")
        weight = _weight(parameter)
        for language in LANGUAGES:
            if tag.lower().split("-")[0] == language and weight > best[0]:
                best = (weight, language)
    return best[1]


def _weight(parameter: str) -> float:
    match = re.fullmatch(r"\s*q=([01](?:\.[0-9]{0,3})?)\s*", parameter)
    if match:
        return float(match[1])
    return 0.0 if parameter.strip() else 1.0
