"""The context of a model on the command line: one set of options for all commands that need one."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
        QueryRefused: the scale is no span of volumes.
    """
    low, high = _scale(scale) if scale else (None, None)
    named = ModelContext(
        unit=unit, organism=organism, process=process, scale_from_L=low, scale_to_L=high, phase=phase
    )
    return None if named == EVERYWHERE else named


def _scale(said: str) -> tuple[float, float]:
    low, dots, high = said.partition("..")
    try:
        return float(low), float(high if dots else low)
    except ValueError as error:
        raise QueryRefused(f"'{said}' is no span of volumes: write --scale 1..5, in litres.") from error
