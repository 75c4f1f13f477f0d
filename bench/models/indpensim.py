"""IndPenSim: is each fault of a penicillin batch found by the envelope of the normal batches that are there?

Batches without a fault are the references and nothing else; those with one are judged step by step in their
order. A window is found if an alarm of the unit begins inside it and lasts three samples: while an older one
stands, watch raises no other for the unit or its signals. The configuration is indpensim.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from agents.context import Context
from agents.models.envelope import BatchEnvelope
from agents.models.golden import EnvelopeRecipe, ReferenceBatch, build
from agents.models.step import Step
from bench._report import Figure, Report
from bench.models._files import Passed, files
from bench.models._penicillin import Batch, read_all
from bench.models._score import Confusion, always, at_random, confusion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from agents.models.golden import Envelope

FAR_TARGET = 0.02
PUBLISHED = (
    "Published beside: Gaussian max|z| without a phase finds 11 of 13 windows at F1 .22 and FAR 4.6 %; "
    "always alarming scores F1 .455 (seeds 201-208)."
)


def configuration() -> dict[str, Any]:
    """Return what indpensim.yaml says."""
    read: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return read


def references(batches: Sequence[Batch]) -> list[ReferenceBatch]:
    """Return the batches as the envelope takes them."""
    return [ReferenceBatch(one.name, one.time_s, (None,) * one.time_s.size, one.value) for one in batches]


def alarms(recipe: EnvelopeRecipe, envelope: Envelope, batch: Batch) -> tuple[NDArray[np.bool_], list[str]]:
    """Judge a batch row by row: (N,) whether the unit is suspect, and why."""
    layer = BatchEnvelope(recipe, envelope)
    for name in envelope.signals:
        layer.add(name, None)
    origin_us = round(float(batch.time_s[0]) * 1e6)
    context = Context(batch=batch.name, batch_since_us=origin_us)
    doubted = np.zeros(len(envelope.signals), dtype=np.bool_)
    suspect, reasons = np.zeros(batch.time_s.size, dtype=np.bool_), [""] * batch.time_s.size
    for row, value in enumerate(batch.value):
        known = np.isfinite(value)
        said = layer.take(Step(round(batch.time_s[row] * 1e6), value, known, known, context), doubted)
        if said is not None:
            suspect[row], reasons[row] = said.suspect, said.reason
    return suspect, reasons


def found_after(suspect: NDArray[np.bool_], window: tuple[int, int], in_a_row: int) -> int | None:
    """Rows from the window's first to the first of so many alarms in a row that begin in it; None without."""
    for row in range(window[0], window[1]):
        begins = row == 0 or not suspect[row - 1]
        if begins and suspect[row : row + in_a_row].sum() == in_a_row:
            return row - window[0]
    return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one window: rows to the alarm that begins in it, or None; whether one was on before."""

    batch: Batch
    window: tuple[int, int]
    after: int | None
    already_on: bool
    reasons: tuple[str, ...]

    @property
    def words(self) -> str:
        """Which batch, which samples, and how it was found."""
        first, last = self.window
        where = f"{self.batch.name}, samples {first + 1} to {last}"
        before = (
            f" when the window began, an alarm was already on: {self.reasons[0]};" if self.already_on else ""
        )
        if self.after is None:
            said = tuple(dict.fromkeys(filter(None, self.reasons[1:])))
            later = f" while it stood, the unit's alarm said: {'; '.join(said)}." if before and said else ""
            return f"{where}:{before}{later} not found by an alarm that begins inside it."
        hours = (self.batch.time_s[first + self.after] - self.batch.time_s[first]) / 3600.0
        told = f"found after {self.after} samples ({hours:.1f} h): {self.reasons[self.after]}."
        return f"{where}:{before} {told}"


def judge(
    recipe: EnvelopeRecipe, signals: Sequence[str], batches: Sequence[Batch], in_a_row: int
) -> tuple[Confusion, list[Verdict]]:
    """Judge every faulty batch by all normal ones: rows counted, and each window's verdict.

    Raises:
        ValueError: the normal batches are too short to say anything.
    """
    normal = [one for one in batches if not one.windows]
    envelope = build(recipe, signals, references(normal))
    if not envelope.segments:
        lengths = ", ".join(f"{one.name} {one.time_s.size}" for one in normal)
        raise ValueError(f"the normal batches are too short to be a reference (samples: {lengths})")
    counted, verdicts = Confusion(0, 0, 0, 0), []
    for batch in (one for one in batches if one.windows):
        suspect, reasons = alarms(recipe, envelope, batch)
        counted += confusion(batch.fault, suspect)
        for window in batch.windows:
            first, last = window
            on = first > 0 and bool(suspect[first - 1] & suspect[first])
            after = found_after(suspect, window, in_a_row)
            verdicts.append(Verdict(batch, window, after, on, tuple(reasons[first:last])))
    return counted, verdicts


def measure(data: Path) -> Report:
    """Judge the faulty batches in `data` by the normal ones; FileNotFoundError where there are not both."""
    told = configuration()
    signals, in_a_row = told["signals"], told["row_alarms"]
    passed = Passed(data)
    found = files(data, passed, ".csv", aside=".json")
    batches = read_all(found, signals, told["windows"], passed)
    normal = [one for one in batches if not one.windows]
    faulty = [one for one in batches if one.windows]
    recipe = EnvelopeRecipe.model_validate(told["recipe"])
    if len(normal) < recipe.least_batches or not faulty:
        wrong = (
            f"{data}: not enough batches ({len(normal)} of {recipe.least_batches} normal, "
            f"{len(faulty)} faulty)"
        )
        raise FileNotFoundError(passed.with_reasons(wrong))
    counted, verdicts = judge(recipe, signals, batches, in_a_row)
    count, hits = len(verdicts), sum(one.after is not None for one in verdicts)
    on = sum(one.already_on for one in verdicts)
    either = sum(one.already_on or one.after is not None for one in verdicts)
    truth = np.concatenate([one.fault for one in faulty])
    luck = at_random(truth, counted.far)
    figures = [
        Figure("fault windows found", hits, f"of {count}", hits / count, "all of them"),
        Figure("fault windows already under alarm as they began", on, f"of {count}"),
        Figure("fault windows found or already under alarm", either, f"of {count}"),
    ]
    if not truth.all():
        far = 100 * counted.far
        figures.append(Figure("false-alarm rate", far, "% of normal rows", counted.far / FAR_TARGET, "2 %"))
    figures += [
        Figure("missed rows", 100 * counted.mar, "% of fault rows"),
        Figure("F1", counted.f1, "", counted.f1 / always(truth).f1, "alarming always"),
        Figure("F1, alarming always", always(truth).f1, "at FAR 100 %"),
        Figure("fault windows found, alarming always", _always(faulty, in_a_row), f"of {count}"),
        Figure("F1, at random at the same FAR", luck.f1, f"at FAR {100 * luck.far:.1f} %"),
        Figure("windows found at random", _lucky(faulty, counted.far, in_a_row), f"of {count}"),
    ]
    seen = [one.words for one in verdicts]
    names = ", ".join(one.name for one in normal)
    seen.append(f"References: {names}; the recipe's minimum is {recipe.least_batches}.")
    seen += _beyond(recipe, normal, faulty) + _other_pace(recipe, batches)
    seen += [note for one in batches for note in one.notes]
    seen += _left_out(recipe, signals, normal)
    seen += [_varied(recipe, change, signals, batches, in_a_row) for change in told["sensitivity"]]
    return Report("indpensim", tuple(figures), (*seen, *passed.told, PUBLISHED))


def _beyond(recipe: EnvelopeRecipe, normal: Sequence[Batch], faulty: Sequence[Batch]) -> list[str]:
    """Say how many rows are later than enough references came: of those only standing still is judged."""
    ends = sorted((float(one.time_s[-1] - one.time_s[0]) for one in normal), reverse=True)
    reached = ends[recipe.least_batches - 1]
    late = sum(int(np.sum(one.time_s - one.time_s[0] > reached)) for one in faulty)
    rows = sum(one.time_s.size for one in faulty)
    came = f"{recipe.least_batches} references came ({reached / 3600:.0f} h)"
    told = f"{late} of {rows} rows are later than {came}: there only standing still is judged."
    return [told] if late else []


def _other_pace(recipe: EnvelopeRecipe, batches: Sequence[Batch]) -> list[str]:
    """Say which batches were sampled at another pace than the recipe's: it counts in samples."""
    usual = {one.name: float(np.median(np.diff(one.time_s))) for one in batches}
    other = [
        f"{name} {step_s / 60:.3g} min" for name, step_s in usual.items() if abs(step_s - recipe.step_s) > 1.0
    ]
    paces = f"The recipe is for samples {recipe.step_s / 60:.3g} min apart, and these are not"
    return [f"{paces}: {', '.join(other)}."] if other else []


def _always(faulty: Sequence[Batch], in_a_row: int) -> int:
    """Windows that the detector finds which alarms on every row: its one alarm begins with the batch."""
    return sum(
        found_after(np.ones(one.fault.size, dtype=np.bool_), window, in_a_row) is not None
        for one in faulty
        for window in one.windows
    )


def _lucky(faulty: Sequence[Batch], far: float, in_a_row: int) -> int:
    random = np.random.default_rng(20_261)
    draws = [(one, random.random(one.fault.size) < far) for one in faulty]
    return sum(
        found_after(drawn, window, in_a_row) is not None for one, drawn in draws for window in one.windows
    )


def _left_out(recipe: EnvelopeRecipe, signals: Sequence[str], normal: Sequence[Batch]) -> list[str]:
    """Judge each normal batch by the others, where these are enough."""
    if len(normal) <= recipe.least_batches:
        return []
    counts = []
    for one in normal:
        others = references([other for other in normal if other is not one])
        counts.append(confusion(one.fault, alarms(recipe, build(recipe, signals, others), one)[0]))
    whole = reduce(Confusion.__add__, counts)
    return [f"Normal batches, each judged by the others: FAR {100 * whole.far:.2f} %."]


def _varied(
    recipe: EnvelopeRecipe,
    change: Mapping[str, Any],
    signals: Sequence[str],
    batches: Sequence[Batch],
    in_a_row: int,
) -> str:
    other = EnvelopeRecipe.model_validate(recipe.model_dump() | dict(change))
    counted, verdicts = judge(other, signals, batches, in_a_row)
    hits = sum(one.after is not None for one in verdicts)
    said = ", ".join(f"{name} {value:g}" for name, value in change.items())
    far = f"FAR {100 * counted.far:.2f} %, F1 {counted.f1:.2f}"
    return f"With {said}: {hits} of {len(verdicts)} windows at {far}."
