"""Parameters kept as data: a YAML file gives each number together with where it comes from."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.errors import SpargeError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


class UnknownParameters(SpargeError):
    """There is no parameter file of that name."""


class Parameters(BaseModel):
    """Numbers by name, each with its source.

    In the file a number is `{value: 1.15, source: "author year, journal"}`; what is text is plain.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    sources: dict[str, str] = Field(default_factory=dict, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _part_values_from_sources(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "sources" in given:
            return given
        cited = {name: entry for name, entry in given.items() if isinstance(entry, dict)}
        values = {name: entry["value"] for name, entry in cited.items()}
        return {**given, **values, "sources": {name: entry["source"] for name, entry in cited.items()}}

    @model_validator(mode="after")
    def _every_number_has_a_source(self) -> Self:
        numbers = {name for name in self.model_fields_set if isinstance(getattr(self, name), float | int)}
        bare = sorted(numbers - {name for name, source in self.sources.items() if source.strip()})
        if bare:
            raise ValueError(f"{self.name}: no source is given for {', '.join(bare)}")
        return self


P = TypeVar("P", bound=Parameters)


def _folder(package: str) -> Traversable:
    return files(f"simulator.{package}")


@cache
def names(package: str) -> tuple[str, ...]:
    """The parameter files of `package`, a folder of the simulator, by name."""
    found = (entry.name for entry in _folder(package).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


def load(package: str, name: str, kind: type[P]) -> P:
    """The parameters `name` of `package`, checked.

    Raises:
        UnknownParameters: there is no such file.
    """
    if name not in names(package):
        raise UnknownParameters(
            f"There is no {name!r} among the {package}.",
            next_step=f"Choose one of {', '.join(names(package))}.",
        )
    text = (_folder(package) / f"{name}.yaml").read_text(encoding="utf-8")
    return kind.model_validate({"name": name, **yaml.safe_load(text)})
