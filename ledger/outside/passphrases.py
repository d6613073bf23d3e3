"""Passphrases, from the environment or a private file, never from a command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ledger.errors import ConfigError
from ledger.outside import private_files


def passphrase_from(environment: Mapping[str, str], variable: str = "ZHENGYIN_KEY_PASSPHRASE") -> bytes | None:
    """The passphrase in ``variable``, or in the file named by the same with ``_FILE``.

    Raises:
        ConfigError: ``KEYS_PERMISSIONS``, ``KEYS_PASSPHRASE`` if empty. NotFoundError: ``KEYS_UNKNOWN``.
    """
    words = environment.get(variable)
    file = environment.get(f"{variable}_FILE")
    if words is None and file is None:
        return None
    found = words.encode() if words is not None else private_files.read_private(Path(file or "")).rstrip(b"\r\n")
    if not found:
        raise ConfigError("KEYS_PASSPHRASE")
    return found
