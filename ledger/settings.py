"""Settings of one data folder: defaults, then ``zhengyin.toml`` in the folder, then ``ZHENGYIN_…`` in the environment.

Unknown keys are errors. Secrets never stand here: they are files below ``keys/`` or the environment.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Literal, cast

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ledger.errors import ConfigError

FILE = "zhengyin.toml"
HOME = "ZHENGYIN_HOME"


class Settings(BaseSettings):
    """``home`` is the data folder; paths in the file are relative to it."""

    model_config = SettingsConfigDict(env_prefix="ZHENGYIN_", extra="forbid", frozen=True)

    home: Path = Field(description="the data folder")
    language: Literal["zh", "en"] = Field("zh", description="language of words for people")
    organisation: str | None = Field(None, description="for whom one acts when `--org` is not given")
    segments_copy: Path | None = Field(None, description="second medium: every segment is written there too")
    trust_days: int = Field(365, ge=1, le=3650, description="days until an exported trust file expires")
    anchor_timeout: float = Field(120.0, gt=0, description="seconds that `anchor --wait` waits")

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

    @property
    def database(self) -> Path:
        return self.home / "rows.db"

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


def write_settings(home: Path, values: dict[str, str | int]) -> None:
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


def _toml(value: str | int) -> str:
    return str(value) if isinstance(value, int) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
