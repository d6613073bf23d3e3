"""The signer's own settings: which keys it holds, for whom, who may ask, and how much. FORMATS, "Remote signer".

They are not the ledger's: whoever runs the ledger must not be able to change what the signer lets pass.
"""

from __future__ import annotations

import grp
import pwd
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger.core.identifiers import organisation_id
from ledger.core.manifests import MAX_BATCH
from ledger.core.registries import Kind
from ledger.errors import ConfigError, InputError

MAX_HOUR = 10**9
_HASH = re.compile("(0x)?[0-9a-f]{64}")


class Rules(BaseModel):
    """Paths are relative to the folder of the file that names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: Path = Field(Path("keys"), description="folder of the signing and approval keys")
    log: Path = Field(Path("signed.jsonl"), description="what was signed, each entry chained to the one before")
    organisations: tuple[str, ...] = Field((), max_length=64, description="for whom it signs")
    socket: Path | None = Field(None, description="Unix socket on which it is asked")
    users: tuple[int | str, ...] = Field((), max_length=64, description="users that may ask there; none: its own")
    group: int | str | None = Field(None, description="group that may ask there; the socket is then 0660, else 0600")
    listen: str | None = Field(
        None, pattern=r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$", description="HOST:PORT for mTLS"
    )
    tls_certificate: Path | None = Field(None, description="its certificate there, PEM")
    tls_key: Path | None = Field(None, description="the private key of that, PEM")
    clients: tuple[Path, ...] = Field((), max_length=64, description="certificates that may ask there, PEM")
    kinds: tuple[str, ...] = Field((), max_length=64, description="kinds of records that it signs; none: all")
    types: tuple[str, ...] = Field((), max_length=4096, description="types of records that it signs; none: all")
    chains: tuple[str, ...] = Field((), max_length=64, description="genesis hashes, hex, of its chains; none: all")
    batch_records: int = Field(MAX_BATCH, ge=1, le=MAX_BATCH, description="most records of one batch")
    hour_records: int = Field(1_000_000, ge=1, le=MAX_HOUR, description="most records of an organisation in an hour")
    confirm: bool = Field(False, description="ask on the terminal before each batch")

    @property
    def served_kinds(self) -> frozenset[Kind]:
        return frozenset(Kind.of_word(word, "kinds") for word in self.kinds) or frozenset(Kind)

    @property
    def served_chains(self) -> frozenset[bytes]:
        """Genesis hashes, 32 bytes each; none: all. Raises ConfigError ``SIGNER_SETTINGS``."""
        if not all(_HASH.fullmatch(text) for text in self.chains):
            raise ConfigError("SIGNER_SETTINGS", key="chains", reason="hex")
        return frozenset(bytes.fromhex(text.removeprefix("0x")) for text in self.chains)

    def served_users(self) -> frozenset[int]:
        """Raises ConfigError ``SIGNER_SETTINGS``."""
        return frozenset(_number(name, lambda n: pwd.getpwnam(n).pw_uid, "users") for name in self.users)

    def served_group(self) -> int | None:
        """Raises ConfigError ``SIGNER_SETTINGS``."""
        return None if self.group is None else _number(self.group, lambda n: grp.getgrnam(n).gr_gid, "group")


def read_rules(file: Path | None, given: dict[str, Any]) -> Rules:
    """The rules of the TOML ``file``, of which ``given`` replaces what it names.

    Raises:
        ConfigError: ``SIGNER_SETTINGS`` with the key and the reason.
    """
    found: dict[str, Any] = {}
    if file is not None:
        try:
            found = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError("SIGNER_SETTINGS", key=str(file), reason=str(error)) from error
        except OSError as error:
            raise ConfigError("SIGNER_SETTINGS", key=str(file), reason=error.strerror or "") from error
    try:
        rules = Rules(**found)
        base = Path() if file is None else file.parent
        rules = Rules(**({**_beside(rules, base), **given}))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError("SIGNER_SETTINGS", key=key, reason=first["msg"]) from error
    _require_whole(rules)
    return rules


def _beside(rules: Rules, base: Path) -> dict[str, Any]:
    """The rules with paths as they are from here."""

    def placed(value: Any) -> Any:
        if isinstance(value, Path):
            return base / value
        return (
            tuple(base / each if isinstance(each, Path) else each for each in value) if type(value) is tuple else value
        )

    return {name: placed(getattr(rules, name)) for name in Rules.model_fields}


def _require_whole(rules: Rules) -> None:
    if (rules.socket is None) is (rules.listen is None):
        raise ConfigError("SIGNER_SETTINGS", key="socket, listen", reason="exactly one of them")
    if rules.listen is not None and not (rules.tls_certificate and rules.tls_key and rules.clients):
        raise ConfigError("SIGNER_SETTINGS", key="tls_certificate, tls_key, clients", reason="missing")
    if not rules.organisations:
        raise ConfigError("SIGNER_SETTINGS", key="organisations", reason="missing")
    try:
        for organisation in rules.organisations:
            organisation_id(organisation)
        _ = rules.served_kinds, rules.served_chains
    except InputError as error:
        raise ConfigError("SIGNER_SETTINGS", key="organisations, kinds", reason=error.code) from error


def _number(name: int | str, look_up: Any, key: str) -> int:
    if isinstance(name, int):
        return name
    try:
        return int(look_up(name))
    except KeyError as error:
        raise ConfigError("SIGNER_SETTINGS", key=key, reason=name) from error
