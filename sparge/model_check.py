"""A recipe under every check, and what was found as a table."""

from __future__ import annotations

import time

from agents.models.check_subjects import subject
from agents.models.checks import FULL, QUICK, examine
from agents.models.contenders import read
from schemas.errors import ModelRefused
from sparge.model_cards import findings
from sparge.model_registry import NOTHING_CHANGED
from sparge.terminal import command_name, err, say

WITHIN_S = 30.0
"""Processor time of the long check, unless it is to be run in full."""


def must_pass(text: str, layer: str | None, *, full: bool = False) -> None:
    """Check a recipe, say what was found, and raise ModelRefused where that is anything.

    layer: the shipped layer whose parameters these are; None for a recipe that names River's estimators.
    full: a million samples, however long they take.
    """
    kind, recipe, make = read(text, layer)
    samples, within_s = (FULL, float("inf")) if full else (QUICK, WITHIN_S)
    if not full:
        err.print(f"The long check ends after {within_s:g} s of processor time.", style="dim")
    try:
        found = examine(
            *(subject(kind, recipe, make), time.thread_time),
            samples=samples,
            within_s=within_s,
            begun=lambda check: err.print(f"checking: {check}", style="dim"),
        )
    except KeyboardInterrupt:
        err.print(f"Ended before every check was made. {NOTHING_CHANGED}", style="yellow")
        raise
    say(findings(found))
    if not all(one.passed for one in found):
        raise ModelRefused(
            f"{recipe.name} {recipe.version} does not pass every check.",
            kept=NOTHING_CHANGED,
            next_step=f"correct the recipe, and type {command_name()} models check again",
        )
