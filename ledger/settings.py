"""Settings of one data folder: defaults, then ``zhengyin.toml`` in the folder, then ``ZHENGYIN_…`` in the environment.

Unknown keys are errors. Secrets never stand here: they are files below ``keys/`` or the environment.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ledger.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

FILE = "zhengyin.toml"
HOME = "ZHENGYIN_HOME"
SettingValue = str | int | tuple[str, ...]


class Settings(BaseSettings):
    """``home`` is the data folder; paths in the file are relative to it."""

    model_config = SettingsConfigDict(env_prefix="ZHENGYIN_", extra="forbid", frozen=True)

    home: Path = Field(description="the data folder")
    language: Literal["zh", "en"] = Field("zh", description="language of words for people")
    organisation: str | None = Field(None, description="for whom one acts when `--org` is not given")
    database: str = Field("rows.db", repr=False, description="a SQLite file in the folder, or postgresql://…")
    database_password_file: Path | None = Field(None, description="private file with the password of the database")
    crypto_profile: Literal["intl", "gm", "dual"] = Field("intl", description="suite of new records and signatures")
    segments_copy: Path | None = Field(None, description="second medium: every segment is written there too")
    trust_days: int = Field(365, ge=1, le=3650, description="days until an exported trust file expires")
    backup_days: int = Field(30, ge=1, le=3650, description="days until a backup expires and is removed")
    engine: tuple[str, ...] = Field((), max_length=16, description="nodes of a network's chain; none: the embedded one")
    engine_credentials: Path | None = Field(None, description="file with `user:password` or `Bearer …` for the nodes")
    engine_ca: Path | None = Field(None, description="PEM file of the CA whose certificates the nodes have")
    engine_patience: float = Field(10.0, gt=0, le=600, description="seconds until a chain that is silent is given up")
    engine_depth: int = Field(12, ge=1, le=1000, description="later blocks that make one final where nobody seals")
    revocation: Literal["files", "online"] = Field("files", description="where lists of revoked certificates come from")
    revocation_hosts: tuple[str, ...] = Field((), max_length=64, description="hosts asked for revocation; none: all")
    revocation_grace: int = Field(86_400, ge=0, le=90 * 86_400, description="seconds until revocation is asked again")
    timestamp_urls: tuple[str, ...] = Field((), max_length=16, description="time-stamp authorities, in this order")
    timestamp_policy: str | None = Field(
        None, pattern=r"^[0-2](\.(0|[1-9]\d{0,9})){1,30}$", description="OID of the policy of their time-stamps"
    )
    anchor_timeout: float = Field(120.0, gt=0, description="seconds that `--wait` waits with nothing moving")
    page_address: str | None = Field(
        None, pattern=r"^https?://[^\s#?]{1,200}$", description="address of the citizens' page, as QR codes name it"
    )
    login_address: str | None = Field(
        None, pattern=r"^https?://[a-z0-9.:\[\]-]{1,200}$", description="address where people log in; none: no login"
    )
    bind: str = Field("127.0.0.1", description="address that `serve` listens on")
    port: int = Field(8080, ge=0, le=65535, description="port that `serve` listens on")
    rpc_port: int | None = Field(None, ge=0, le=65535, description="loopback port for reading the embedded chain")
    tls_certificate: Path | None = Field(None, description="certificate chain of `serve`, PEM")
    tls_key: Path | None = Field(None, description="private key of `serve`, PEM")
    trusted_proxy: str | None = Field(None, description="address whose X-Forwarded-For is believed")
    public_rate: int = Field(120, ge=0, description="verifications a minute that one address may ask for; 0: no limit")
    crypto_rate: int = Field(6000, ge=0, description="uses of the crypto service a minute by one token; 0: no limit")
    upload_limit: int = Field(1 << 29, ge=1, description="bytes of an uploaded table")
    report_days: int = Field(7, ge=1, le=3650, description="days that the report of an uploaded table is kept")
    answer_days: int = Field(30, ge=1, le=3650, description="days that an Idempotency-Key is remembered")
    patience: float = Field(20.0, gt=0, description="seconds for a request's next bytes, or to read an answer's")
    connections: int = Field(1000, ge=10, description="connections at once; more are refused")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        def environment() -> dict[str, object]:
            # the folder was chosen before its settings are read: ZHENGYIN_HOME must not send them elsewhere
            return {key: value for key, value in env_settings().items() if key != "home"}

        return cast(PydanticBaseSettingsSource, environment), init_settings

    def database_url(self) -> URL:
        """Where the rows are, with the password from its file.

        Raises:
            ConfigError: STORE_URL, STORE_PASSWORD, KEYS_PERMISSIONS. NotFoundError: KEYS_UNKNOWN.
        """
        from ledger.outside.private_files import read_private  # what needs no rows need not load them
        from ledger.store.dialect import locate

        file = self.database_password_file
        password = None if file is None else read_private(self.home / file).rstrip(b"\r\n").decode("utf-8", "replace")
        return locate(self.database, self.home, password)

    @property
    def copy_root(self) -> Path | None:
        return self.home / self.segments_copy if self.segments_copy else None


def default_home() -> Path:
    return Path(os.environ.get(HOME) or ".zhengyin")


def load_settings(home: Path) -> Settings:
    """Settings of an existing data folder.

    Raises:
        ConfigError: SETTINGS_NO_HOME (not created by ``init``), SETTINGS_INVALID with the key and the reason.
    """
    path = home / FILE
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as e:
        raise ConfigError("SETTINGS_NO_HOME", home=str(home)) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError("SETTINGS_INVALID", file=str(path), key="", reason=str(e)) from e
    try:
        return Settings(**(found | {"home": home}))
    except ValidationError as e:
        first = e.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError("SETTINGS_INVALID", file=str(path), key=key, reason=first["msg"]) from e


def write_settings(home: Path, values: dict[str, SettingValue]) -> None:
    """Write the first ``zhengyin.toml``; refuses to overwrite one.

    Raises:
        ConfigError: SETTINGS_EXISTS.
    """
    lines = [f"{key} = {_toml(value)}" for key, value in sorted(values.items())]
    try:
        with (home / FILE).open("x", encoding="utf-8") as stream:
            head = "# Settings of this data folder; ledger/FORMATS.md names every key."
            stream.write("\n".join([head, *lines, ""]))
    except FileExistsError as e:
        raise ConfigError("SETTINGS_EXISTS", home=str(home)) from e


def _toml(value: SettingValue) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return str(value) if isinstance(value, int) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
