"""The whole error tree. Every error carries a stable code, its values, and words in Chinese and English.

    ZhengyinError
    ├── InputError        the data offered breaks a rule (hostile or merely wrong)     exit 2
    ├── ConflictError     well-formed, but the state of things refuses it              exit 2
    ├── NotFoundError     nothing known under that name; never means "forged"          exit 3
    ├── UnavailableError  the outside world did not answer; try again                  exit 3
    ├── IntegrityError    stored bytes contradict each other; work stops here          exit 1
    └── ConfigError       settings, keys, chain or contracts are not what was named    exit 4

The class says what kind of trouble it is; the code says which. Words live in ``ledger/messages/*.toml``
(one table a code, keys ``zh`` and ``en``, with ``{name}`` for values), so the tree stays small and a
test can hold every code raised against every code documented. Anything else that escapes is a bug (70).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Literal

Language = Literal["zh", "en"]


class ZhengyinError(Exception):
    """Base of every error raised on purpose. ``values`` never hold secrets or personal data."""

    exit_code: ClassVar[int] = 70

    def __init__(self, code: str, /, **values: Any) -> None:
        super().__init__(code, values)
        self.code = code
        self.values = values

    def text(self, language: Language = "en") -> str:
        """Words for people, values filled in."""
        return message(self.code, language, self.values)

    def __str__(self) -> str:
        return f"{self.code}: {self.text('en')}"


class InputError(ZhengyinError):
    exit_code = 2


class ConflictError(ZhengyinError):
    exit_code = 2


class NotFoundError(ZhengyinError):
    exit_code = 3


class UnavailableError(ZhengyinError):
    exit_code = 3


class IntegrityError(ZhengyinError):
    exit_code = 1


class ConfigError(ZhengyinError):
    exit_code = 4


class _Values(dict[str, Any]):
    # A missing value must not turn one error into another: it is shown by its name.
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


@cache
def messages() -> dict[str, dict[str, str]]:
    """All codes with their words, read once: ``{code: {"zh": …, "en": …}}``."""
    table: dict[str, dict[str, str]] = {}
    for file in sorted(resources.files("ledger").joinpath("messages").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            table.update(tomllib.loads(file.read_text("utf-8")))
    return table


def message(code: str, language: Language, values: dict[str, Any] | None = None) -> str:
    """Words of ``code``; the code itself where none are documented."""
    words = messages().get(code, {}).get(language)
    return words.format_map(_Values(values or {})) if words else code
