"""All settings of Cunda, in one list.

Values come from, in this order: environment variables ``CUNDA_<NAME>``, the TOML file named by
``CUNDA_CONFIG`` (or ``cunda.toml`` in the working directory), then the defaults below.
``docs/reference/settings.md`` prints this list; a test keeps the two equal.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from kernel.errors import InputError
from kernel.ids import new_secret


class SettingsError(InputError):
    """A setting has a value that cannot be used."""

    code = "settings"
    remedy = "docs/reference/settings.md lists each setting with its form."


def _default_home() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "cunda"


class Settings(BaseSettings):
    """What an operator can set; each field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="CUNDA_", extra="forbid", frozen=True)

    home: Path = Field(
        default_factory=_default_home,
        description="Folder of everything Cunda writes: database, regions, broker and device files.",
    )
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the database; SQLite in `home` when unset. "
        "`postgresql+psycopg://…` for more than one machine.",
    )
    zone: str = Field(default="Asia/Shanghai", description="Time zone of a region that names none.")
    http_host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    http_port: int = Field(default=8620, ge=0, le=65535, description="Port of the API; 0 takes a free one.")
    broker_url: str | None = Field(
        default=None,
        description="MQTT broker, `mqtt://host:port` or `mqtts://…`; unset: Cunda starts its own on loopback.",
    )
    broker_port: int = Field(
        default=8621, ge=0, le=65535, description="Port of the broker Cunda starts; 0 takes a free one."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line that is written."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`text` for people, `json` for machines, `auto`: text on a terminal."
    )
    token_secret: SecretStr | None = Field(
        default=None,
        description="Secret that signs access tokens; unset: made once and kept in `home`, readable by its owner only.",
    )
    access_token_s: int = Field(default=900, ge=60, le=3600, description="Life of an access token, seconds.")
    refresh_token_s: int = Field(
        default=43_200, ge=3600, le=2_592_000, description="Life of a login without a new password, seconds."
    )
    solve_seconds: float = Field(
        default=20.0, gt=0, le=3600, description="Time the solver gets for a day's plan unless the call says otherwise."
    )
    solve_seed: int = Field(default=1, ge=0, description="Seed of the solver unless the call says otherwise.")
    import_max_bytes: int = Field(
        default=67_108_864, gt=0, description="Largest manifest accepted, bytes; also after unpacking, times ten."
    )
    import_max_rows: int = Field(default=500_000, gt=0, description="Most rows accepted in one manifest.")
    worker_threads: int = Field(default=1, ge=1, le=256, description="Threads of the solver for one plan.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, file."""
        path = Path(os.environ.get("CUNDA_CONFIG", "cunda.toml"))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)

    @property
    def resolved_database_url(self) -> str:
        """Return the database URL in force."""
        return self.database_url or f"sqlite:///{self.home / 'cunda.db'}"

    @property
    def regions_dir(self) -> Path:
        """Return the folder of imported regions."""
        return self.home / "regions"

    def resolved_token_secret(self, make: Callable[[], str] = new_secret) -> str:
        """Return the secret that signs tokens, making and keeping it at the first call."""
        if self.token_secret is not None:
            return self.token_secret.get_secret_value()
        return keep_secret(self.home / "token.secret", make)


def keep_secret(path: Path, make: Callable[[], str] = new_secret) -> str:
    """Read a secret from a file that only its owner can read, writing it there the first time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        secret = make()
        file.write(secret)
    return secret


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from arguments, environment and file.

    Raises
    ------
    SettingsError
        If a value is malformed or a name is unknown; names the setting and where it came from.
    """
    named = os.environ.get("CUNDA_CONFIG")
    if named and not Path(named).is_file():
        raise SettingsError(f"CUNDA_CONFIG names {named}, which is not a file", path=named)
    known = {f"CUNDA_{name.upper()}" for name in Settings.model_fields} | {"CUNDA_CONFIG"}
    unknown = sorted(name for name in os.environ if name.startswith("CUNDA_") and name not in known)
    if unknown:
        raise SettingsError(f"unknown setting in the environment: {', '.join(unknown)}", names=unknown)
    try:
        return Settings(**overrides)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        raise SettingsError(f"setting {name}: {first['msg']}", name=name) from problem
    except ValueError as problem:  # the TOML itself
        raise SettingsError(f"settings file cannot be read: {problem}") from problem
