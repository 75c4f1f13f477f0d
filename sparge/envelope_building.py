"""From stored batches to an envelope: which count as good, what they measured, and how the envelope does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.context import Context
from agents.models.golden import build
from agents.models.held_out import held_out
from agents.models.reference_batches import StoredBatch, holds_s, on_grid
from agents.models.registry import fits
from schemas.errors import ModelRefused, QueryRefused
from schemas.model_event import ModelContext, Trained
from schemas.status import Status
from storage.queries import samples, signals
from storage.references import candidates, log_spans, phases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from agents.models.golden import Envelope, EnvelopeRecipe, ReferenceBatch
    from agents.models.held_out import Judged
    from storage.connection import BoundedConnection
    from storage.references import Candidate

NOTHING_CHANGED = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Built:
    """An envelope, and what is known of it.

    trained_on: where its batches lie in the logs. judged: each batch by the envelope of the others.
    left_out: signals that not every batch has.
    """

    envelope: Envelope
    trained_on: list[Trained]
    judged: list[Judged]
    left_out: tuple[str, ...]

    def metrics(self) -> dict[str, float]:
        """The figures that are recorded with it."""
        told = {"reference_batches": float(len(self.envelope.batches))}
        steps = sum(one.judged for one in self.judged)
        if steps:
            told["held_out_steps"] = float(steps)
            told["held_out_suspect_share"] = sum(one.suspected for one in self.judged) / steps
            told["held_out_suspicions_a_batch"] = sum(one.began for one in self.judged) / len(self.judged)
        return told


def named(connection: BoundedConnection, names: Sequence[str], member: str | None) -> list[Candidate]:
    """The batches that a person names.

    Raises:
        QueryRefused: one is not stored, still runs, or is the name of several.
    """
    found = [one for one in candidates(connection, names) if member in {None, one.member}]
    for name in names:
        same = [one for one in found if one.batch == name]
        if not same:
            raise QueryRefused(
                f"No batch {name} is stored.",
                kept=NOTHING_CHANGED,
                next_step="sparge query SITE/UNIT --last 1d",
            )
        if len(same) > 1:
            owners = ", ".join(f"{one.member} in {one.unit}" for one in same)
            raise QueryRefused(
                f"There are {len(same)} batches {name}: {owners}.",
                kept=NOTHING_CHANGED,
                next_step="--member MEMBER",
            )
        if same[0].until_us is None:
            raise QueryRefused(
                f"The batch {name} still runs: only one that has ended can be a reference.",
                kept=NOTHING_CHANGED,
            )
    return found


def sound(
    connection: BoundedConnection, where: ModelContext, member: str | None
) -> tuple[list[Candidate], list[str]]:
    """All ended batches of a context in which no alarm was called true; and why others are left out.

    Raises:
        QueryRefused: there are none.
    """
    # A batch has all its phases, wherever the envelope is to speak.
    whole = where.model_copy(update={"phase": None})
    here = [
        one
        for one in candidates(connection, ())
        if member in {None, one.member} and fits(whole, one.unit, _context(one))
    ]
    found = [one for one in here if one.until_us is not None and not one.faults]
    left_out = [
        f"{one.name}: " + ("it still runs" if one.until_us is None else f"{one.faults} true alarms")
        for one in here
        if one not in found
    ]
    if not found:
        raise QueryRefused(
            "No ended batch without a true alarm is stored for that context.",
            detail="; ".join(left_out),
            kept=NOTHING_CHANGED,
            next_step="sparge query SITE/UNIT --last 4w",
        )
    return found, left_out


def common(batches: Sequence[Candidate]) -> ModelContext:
    """What all batches have in common: organism, process and scale; of one unit alone where they tell none.

    Raises:
        ModelRefused: they have nothing in common.
    """
    organism, process = (_same([getattr(one, name) for one in batches]) for name in ("organism", "process"))
    scales = [one.scale_l for one in batches if one.scale_l is not None]
    scale = (min(scales), max(scales)) if len(scales) == len(batches) else (None, None)
    where = ModelContext(organism=organism, process=process, scale_from_L=scale[0], scale_to_L=scale[1])
    if organism is None and process is None:
        unit = _same([one.unit for one in batches])
        if unit is None:
            raise ModelRefused(
                "The batches have neither organism nor process nor unit in common: nobody can tell where "
                "their envelope would apply.",
                kept=NOTHING_CHANGED,
                next_step="say where: --unit, --organism, --process, --scale",
            )
        where = ModelContext(unit=unit)
    return where


def built(
    connection: BoundedConnection,
    recipe: EnvelopeRecipe,
    batches: Sequence[Candidate],
    wanted: Sequence[str],
    told: Callable[[str, int, int], None],
) -> Built:
    """Read batches as they are known now, Bad samples left out, and build their envelope.

    wanted: its signals; none: all that every batch has. told: hears what is done, and how much of it.

    Raises:
        ModelRefused: a batch has no samples, or a wanted signal is not measured in every batch.
    """
    every = sorted({name for one in batches for name in _measured(connection, one)})
    names = [name for name in every if not wanted or name in wanted]
    read: list[ReferenceBatch] = []
    trained_on: list[Trained] = []
    for place, one in enumerate(batches):
        stored = _stored(connection, one, names)
        if not stored.samples:
            raise ModelRefused(f"The batch {one.name} has no samples of these signals.", kept=NOTHING_CHANGED)
        read.append(on_grid(stored, names, recipe.step_s, holds_s(stored, names)))
        trained_on += [Trained.model_validate(span._asdict()) for span in log_spans(connection, one)]
        told("reading batches", place + 1, len(batches))
    shared = [
        column for column in range(len(names)) if all(np.isfinite(one.value[:, column]).any() for one in read)
    ]
    if missing := set(wanted) - {names[column] for column in shared}:
        raise ModelRefused(
            f"Not every batch has measured {', '.join(sorted(missing))}.", kept=NOTHING_CHANGED
        )
    columns = tuple(names[column] for column in shared)
    read = [type(one)(one.name, one.time_s, one.phase, one.value[:, shared]) for one in read]
    envelope = build(recipe, columns, read)
    judged = held_out(recipe, columns, read, lambda done, of: told("judging each by the others", done, of))
    return Built(envelope, trained_on, judged, tuple(name for name in every if name not in columns))


def _measured(connection: BoundedConnection, batch: Candidate) -> list[str]:
    found: list[str] = list(signals(connection, batch.unit).columns["signal"])
    return found


def _stored(connection: BoundedConnection, batch: Candidate, names: Sequence[str]) -> StoredBatch:
    until_us = batch.started_us if batch.until_us is None else batch.until_us
    known = set(_measured(connection, batch))
    read: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
    for name in names:
        if name in known:
            table = samples(connection, batch.unit, [name], batch.started_us, until_us)
            value = np.asarray(table.columns["value"], dtype=np.float64)
            status = np.asarray(table.columns["status"], dtype=np.uint32)
            good = np.isfinite(value) & (status < Status.BAD)
            time_us = np.asarray(table.columns["time"]).astype("datetime64[us]").astype(np.int64)
            if good.any():
                read[name] = (time_us[good], value[good])
    return StoredBatch(batch.name, batch.started_us, until_us, phases(connection, batch), read)


def _context(batch: Candidate) -> Context:
    return Context(
        batch=batch.batch,
        member=batch.member,
        organism=batch.organism,
        process=batch.process,
        scale_l=batch.scale_l,
    )


def _same(said: Sequence[str | None]) -> str | None:
    return said[0] if said and len(set(said)) == 1 else None
