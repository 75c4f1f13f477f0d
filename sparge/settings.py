"""What a person or a deployment may set: environment variables `SPARGE_*`, and nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import SettingsError
from sparge.home import Home
from streams.connection import Broker, SecurityProtocol

PREFIX = "SPARGE_"

Place = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
"""A directory, wherever the process that is told of it may stand."""


class Settings(BaseSettings):
    """The settings of one process, each from the environment variable of its name with `SPARGE_` in front."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    broker: str | None = Field(default=None, description="host:port of a Kafka broker, or several by commas")
    broker_security: SecurityProtocol = "PLAINTEXT"
    broker_ca: Path | None = Field(default=None, description="file with the certificates to trust")
    broker_user: str | None = None
    broker_password: SecretStr | None = None
    broker_mechanism: str = "SCRAM-SHA-512"
    database: SecretStr | None = Field(default=None, description="PostgreSQL URL or keywords of the database")
    home: Place = Field(
        default_factory=lambda: platformdirs.user_data_path("sparge"), description="the data directory"
    )
    cache: Place = Field(
        default_factory=lambda: platformdirs.user_cache_path("sparge"), description="where downloads are kept"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address on which a worker shows its numbers")
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="its port; 0: a free one")
    stuck_after_s: float = Field(
        default=120.0, gt=0, description="so long a worker may stand still with work"
    )
    away_after_s: float = Field(default=600.0, gt=0, description="so long it may wait for broker or database")
    late_after_h: float = Field(
        default=24.0, gt=0, le=87_600, description="the horizon: samples that come later are flagged"
    )
    state_key: SecretStr | None = Field(default=None, description="by which watch signs what it keeps")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    def kafka(self) -> Broker:
        """Return the broker that the settings name; raises SettingsError if they name none."""
        if self.broker is None:
            raise self._nothing_named("broker", "SPARGE_BROKER=host:9092")
        return Broker(
            self.broker,
            self.broker_security,
            self.broker_ca,
            self.broker_user,
            self.broker_password,
            self.broker_mechanism,
        )

    def conninfo(self) -> str:
        """Return how to connect to the named database; raises SettingsError if none is named."""
        if self.database is None:
            raise self._nothing_named("database", "SPARGE_DATABASE=postgresql://user@host/name")
        return self.database.get_secret_value()

    def _nothing_named(self, what: str, example: str) -> SettingsError:
        home = Home(self.home)
        if home.starting() or home.demo.starting():
            return SettingsError(
                f"No {what} is named, and Sparge is just starting or stopping in the data directory.",
                detail=f"looked in {self.home}",
                next_step="wait until it says that Sparge runs, then type the command again",
            )
        return SettingsError(
            f"No {what} is named, and no Sparge runs in the data directory that would have one.",
            detail=f"looked in {self.home}",
            next_step=f"start one with: sparge up; or name yours: {example}",
        )

    def named(self, environment: Mapping[str, str]) -> Self:
        """Return these settings with others named as environment variables would name them."""
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX)
        }
        return type(self)(**{**self.model_dump(), **given})

    def environment(self) -> dict[str, str]:
        """Return the environment variables that give a child process these very settings."""
        plain: dict[str, Any] = self.model_dump()
        return {
            PREFIX + name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in plain.items()
            if value is not None
        }


def load() -> Settings:
    """Return the settings as the environment has them; raises SettingsError naming what is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(
            f"The environment variable {name} is wrong: {first['msg']}.",
            detail=str(error),
            next_step=f"correct it, or leave it out: unset {name}",
        ) from error


def reach() -> Settings:
    """Return the settings of this process; what they do not name is filled in from what runs on this machine.

    Looks into the data directory first, then into the demonstration's.
    """
    settings = load()
    if settings.broker is not None and settings.database is not None:
        return settings
    home = Home(settings.home)
    running = home.running() or home.demo.running()
    if running is None:
        return settings
    found = dict(running.environment)
    for name, given in (("BROKER", settings.broker), ("DATABASE", settings.database)):
        if given is not None:
            found = {key: value for key, value in found.items() if not key.startswith(PREFIX + name)}
    return settings.named(found)
