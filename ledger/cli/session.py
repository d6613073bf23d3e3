"""What every command shares: the data folder, for whom one acts, the language, and where words go.

Results go to stdout, everything else to stderr. With ``--json`` a result is one JSON object a line, and so is an error.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import InputError, Language, ZhengyinError, message

if TYPE_CHECKING:
    from ledger.assembly.app import App

HOME, LANGUAGE, SETTINGS = "ZHENGYIN_HOME", "ZHENGYIN_LANGUAGE", "zhengyin.toml"


@dataclass
class Session:
    """``organisation``: as given with ``--org``, not what the settings say."""

    home: Path
    organisation: str | None = None
    json: bool = False
    quiet: bool = False
    language: Language = "zh"

    @classmethod
    def from_environment(cls) -> Session:
        home = Path(os.environ.get(HOME) or ".zhengyin")
        return cls(home, language=_language(home, None))

    def fill(
        self, home: Path | None, organisation: str | None, as_json: bool, language: str | None, quiet: bool
    ) -> None:
        """Take over the global options."""
        self.home = home or self.home
        self.organisation, self.json, self.quiet = organisation, as_json, quiet
        self.language = _language(self.home, language)

    # ---- words -----------------------------------------------------------------------------------------------------

    def words(self, code: str, /, **values: Any) -> str:
        return message(code, self.language, values)

    def note(self, code: str, /, **values: Any) -> None:
        """A remark for people, on stderr."""
        if not self.quiet:
            _err(self.words(code, **values))

    def result(self, value: dict[str, Any], text: str) -> None:
        """One result on stdout: an object with ``--json``, words without."""
        sys.stdout.write((json.dumps(value, ensure_ascii=False, default=str) if self.json else text) + "\n")

    def results(self, values: list[dict[str, Any]], text: str) -> None:
        """Many results: JSON lines, or one text."""
        for value in values if self.json else []:
            self.result(value, "")
        if not self.json and text:
            self.result({}, text)

    def fail(self, error: ZhengyinError, **where: Any) -> int:
        """Say an error; ``where``: what it is about. Returns its exit code."""
        text = error.text(self.language)
        named = [str(file) for file in (error.values.get("file"),) if file is not None and str(file) not in text]
        about = "".join(f"{value}: " for value in [*where.values(), *named])
        _err(f"{about}{text} [{error.code}]")
        if self.json:
            self.result(where | {"error": described(error)}, "")
        return error.exit_code

    def fail_usage(self, text: str) -> None:
        _err(self.words("CLI_USAGE", reason=text))
        if self.json:
            self.result({"error": {"code": "CLI_USAGE", "exitCode": 2, "zh": text, "en": text}}, "")

    def fail_unexpected(self, name: str) -> None:
        """A bug: its kind only, since its words could hold what no message may show."""
        _err(self.words("CLI_BUG", name=name))
        if self.json:
            self.result({"error": {"code": "CLI_BUG", "exitCode": 70, "values": {"name": name}}}, "")

    # ---- the ledger ------------------------------------------------------------------------------------------------

    @property
    def founded(self) -> bool:
        """Is the data folder one that ``init`` made?"""
        return (self.home / SETTINGS).is_file()

    @contextmanager
    def app(self) -> Iterator[App]:
        """The ledger of the data folder. Raises ConfigError SETTINGS_…."""
        from ledger.assembly.app import App
        from ledger.settings import load_settings

        with App(load_settings(self.home)) as app:
            yield app

    def acting(self, app: App) -> str:
        """The organisation one acts for: ``--org``, the settings, or the only one with a signing key here.

        Raises:
            InputError: CLI_ORG_NEEDED with those that there are; ORGANISATION_ID, USCC_….
        """
        from ledger.core.identifiers import organisation_id

        chosen = self.organisation or app.settings.organisation
        if chosen:
            return organisation_id(chosen)
        known = sorted({organisation for organisation, _ in app.keys.held("signing")})
        if len(known) != 1:
            raise InputError("CLI_ORG_NEEDED", known=", ".join(known) or "–")
        return known[0]


def described(error: ZhengyinError) -> dict[str, Any]:
    """An error as JSON shows it."""
    return {
        "code": error.code,
        "exitCode": error.exit_code,
        "zh": error.text("zh"),
        "en": error.text("en"),
        "values": error.values,
    }


def _err(text: str) -> None:
    sys.stderr.write(text + "\n")


def _language(home: Path, given: str | None) -> Language:
    """``--lang``, the environment, or the settings file, which is only glanced at: reading it in full costs more than
    many a command."""
    chosen = given or os.environ.get(LANGUAGE)
    if chosen is None:
        try:
            chosen = tomllib.loads((home / SETTINGS).read_text("utf-8")).get("language")
        except (OSError, ValueError):
            chosen = None  # whoever needs the settings reads them properly and says what is wrong
    return "en" if chosen == "en" else "zh"
