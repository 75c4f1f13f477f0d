"""The context of a model on the command line: one set of options for all commands that need one."""

from __future__ import annotations

import inspect
import shlex
from functools import wraps
from math import inf, nan
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from agents.models.registry import EVERYWHERE
from schemas.errors import QueryRefused
from schemas.model_event import ModelContext

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS = {
    "unit": "One bioreactor, SITE/UNIT.",
    "organism": "Such as 'E. coli'.",
    "process": "Such as the product.",
    "scale": "Working volumes in litres: 1..5.",
    "phase": "Phase of the batch.",
}


def names_context(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command options that name a context, in place of its parameter `context`.

    It gets a ModelContext, or None where no option was given.
    """

    @wraps(command)
    def asked(**given: Any) -> None:
        named = {name: given.pop(name) for name in OPTIONS}
        command(**given, context=context_of(**named))

    own = inspect.signature(command, eval_str=True).parameters.values()
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, typer.Option(help=about, show_default=False)],
        )
        for name, about in OPTIONS.items()
    ]
    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for each in own
        for one in (options if each.name == "context" else [each])
    ]
    vars(asked)["__signature__"] = inspect.Signature(parameters)
    asked.__annotations__ = {one.name: one.annotation for one in parameters}
    return asked


def context_of(
    unit: str | None, organism: str | None, process: str | None, scale: str | None, phase: str | None
) -> ModelContext | None:
    """Return the context that was named; None where nothing was.

    Raises:
        QueryRefused: the scale is no span of volumes, the unit no unit, or a name is empty or unprintable.
    """
    low, high = (None, None) if scale is None else _scale(scale)
    if unit is not None:
        must_be_unit(unit)
    for option, said in (("organism", organism), ("process", process), ("phase", phase)):
        if said is not None and not (said.strip() and said.isprintable()):
            raise QueryRefused(
                f"--{option} is empty or has characters that cannot be printed. {OPTIONS[option]}"
            )
    named = ModelContext(
        unit=unit, organism=organism, process=process, scale_from_L=low, scale_to_L=high, phase=phase
    )
    return None if named == EVERYWHERE else named


def must_be_unit(said: str) -> None:
    """Make sure that this names a unit; whether there is such a one, the database knows.

    Raises:
        QueryRefused: it is not SITE/UNIT.
    """
    try:
        ModelContext(unit=said)
    except ValidationError as error:
        raise QueryRefused(f"'{said}' names no unit: write --unit SITE/UNIT, as in north/BR-01.") from error


def typed(context: ModelContext) -> str:
    """The options that name a context, each after a blank, as they are typed; nothing for everywhere."""
    scale = "" if context.scale_from_L is None else f"{context.scale_from_L!r}..{context.scale_to_L!r}"
    said = {
        "unit": context.unit,
        "organism": context.organism,
        "process": context.process,
        "scale": scale.replace(".0..", "..").removesuffix(".0"),
        "phase": context.phase,
    }
    return "".join(f" --{name} {shlex.quote(value)}" for name, value in said.items() if value)


def _scale(said: str) -> tuple[float, float]:
    low, dots, high = said.partition("..")
    try:
        found = float(low), float(high if dots else low)
    except ValueError:
        found = (nan, nan)
    if not 0.0 < found[0] <= found[1] < inf:
        raise QueryRefused(
            f"'{said}' is no span of volumes: write --scale 1..5, in litres, the smaller one first."
        )
    return found
