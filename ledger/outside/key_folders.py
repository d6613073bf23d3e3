"""Where the files of keys lie: ``<root>/<organisation>/<name>.<purpose>.<ending>``, private to their owner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ledger.core.identifiers import organisation_id
from ledger.errors import ConfigError
from ledger.outside import private_files

PEM_PURPOSES = ("signing", "service", "council", "account", "node")
HEX_PURPOSES = ("approval", "index")
DATA = "data"
"""A key of several versions, each in a file of its own: ``data_keys``."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_ENDINGS = dict.fromkeys(PEM_PURPOSES, "pem") | dict.fromkeys(HEX_PURPOSES, "hex") | {DATA: "1.pem"}


class KeyFolders:
    """The folder ``root``, mode 0700, with a folder for each organisation."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, organisation: str, name: str, purpose: str, ending: str) -> Path:
        """Raises ConfigError ``KEYS_NAME``, ``KEYS_PERMISSIONS``."""
        # the name goes into a path: nothing but letters, digits and hyphens
        if not _NAME.fullmatch(name):
            raise ConfigError("KEYS_NAME", name=name)
        folder = self._folder(organisation)
        for level in (self.root, folder):
            if level.exists():
                private_files.require_private(level)
        return folder / f"{name}.{purpose}.{ending}"

    def organisations(self) -> Iterator[str]:
        for folder in sorted(self.root.iterdir()) if self.root.is_dir() else []:
            if folder.is_dir():
                yield folder.name.replace("_", "/")

    def names(self, organisation: str) -> Iterator[tuple[str, str]]:
        """(name, purpose) of an organisation's keys, none of which is opened."""
        folder = self._folder(organisation)
        for file in sorted(folder.iterdir()) if folder.is_dir() else []:
            name, _, rest = file.name.partition(".")
            purpose, _, ending = rest.partition(".")
            if name and ending == _ENDINGS.get(purpose, ""):
                yield name, purpose

    def _folder(self, organisation: str) -> Path:
        # a foreign register's number may hold "/", which must not lead to another folder
        return self.root / organisation_id(organisation).replace("/", "_")
