"""What the words of batch events mean to rules: culture, stage of the batch, wall of the vessel.

Events carry free text. What is not understood is None, and rules fall back on what holds for any.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast, get_args

from agents.context import Stage
from schemas.signals import Culture, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.signals import Vessel

Meaning = TypeVar("Meaning")


class _Entry(NamedTuple):
    """A term as it is looked for: its tokens, and what it means."""

    tokens: tuple[str, ...]
    meaning: str


class _Words(NamedTuple):
    cultures: tuple[_Entry, ...]
    stages: tuple[_Entry, ...]
    glass_to_l: float


@lru_cache(maxsize=512)
def culture_of(organism: str | None) -> Culture | None:
    """Whose limits hold for an organism, as `E. coli BL21` or `CHO-K1`; None where it is not understood."""
    return cast("Culture | None", _found(organism, _words().cultures))


@lru_cache(maxsize=512)
def stage_of(phase: str | None) -> Stage | None:
    """The stage that a plant's name of a phase stands for, as `fed-batch`; None where it is not known."""
    return cast("Stage | None", _found(phase, _words().stages))


def vessel_of(scale_l: float | None) -> Vessel | None:
    """The wall of a vessel of this working volume, None where the volume does not tell it."""
    return "glass" if scale_l is not None and scale_l <= _words().glass_to_l else None


def _found(text: str | None, entries: Iterable[_Entry]) -> str | None:
    tokens = re.findall(r"[a-z0-9]+", (text or "").casefold())
    places = [
        (place, -len(entry.tokens), entry.meaning)
        for entry in entries
        for place in range(len(tokens) - len(entry.tokens) + 1)
        if _stands_at(entry.tokens, tokens[place:])
    ]
    return min(places)[2] if places else None


def _stands_at(term: Sequence[str], tokens: Sequence[str]) -> bool:
    *head, last = term
    if tokens[: len(head)] != head:
        return False
    rest = tokens[len(head)].removeprefix(last)
    return tokens[len(head)] == last or (rest != tokens[len(head)] and rest[:1].isdigit())


@lru_cache(maxsize=1)
def _words() -> _Words:
    written = read_yaml(files("agents").joinpath("batch_words.yaml").read_text("utf-8"))
    return _Words(
        _entries(written["cultures"], get_args(Culture)),
        _entries(written["stages"], get_args(Stage)),
        float(written["glass_to_l"]),
    )


def _entries(written: dict[str, list[list[str]]], known: tuple[str, ...]) -> tuple[_Entry, ...]:
    if set(written) != set(known):
        raise ValueError(f"batch_words.yaml: {sorted(written)} are not {sorted(known)}")
    return tuple(
        _Entry(tuple(term.split()), meaning)
        for meaning, lines in written.items()
        for line in lines
        for term in line
    )
