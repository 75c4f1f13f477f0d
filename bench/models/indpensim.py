"""IndPenSim: is each fault of a penicillin batch found by the envelope of the normal batches that are there?

Batches without a fault are the references and nothing else; those with one are judged step by step in their
order. The configuration is indpensim.yaml.
"""

from __future__ import annotations

import csv
import json
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


@dataclass(frozen=True, slots=True)
class Batch:
    """One file: `time_s` (N,), `value` (N, S), `fault` (N,) and the windows of it as row ranges."""

    name: str
    time_s: NDArray[np.float64]
    value: NDArray[np.float64]
    fault: NDArray[np.bool_]
    windows: tuple[tuple[int, int], ...]


def configuration() -> dict[str, Any]:
    """Return what indpensim.yaml says."""
    read: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return read


def read(path: Path, signals: Sequence[str], by_code: Mapping[int, Sequence[Sequence[int | None]]]) -> Batch:
    """Read a batch: two header rows, then numbers.

    Raises:
        ValueError: a signal is missing, or nothing says which fault the batch has.
    """
    with path.open(encoding="utf-8", newline="") as file:
        names, _, *rows = csv.reader(file)
    columns = {name.strip(): place for place, name in enumerate(names)}
    if missing := [name for name in ("time_h", *signals) if name not in columns]:
        raise ValueError(f"{path.name}: there is no column {', '.join(missing)}")
    table = np.array([[float(cell or "nan") for cell in row] for row in rows])
    flag = next((place for name, place in columns.items() if name.lower().startswith("fault")), None)
    meta = path.with_name(path.name.replace("_states.csv", "_meta.json"))
    if flag is not None:
        fault = table[:, flag] > 0
    elif meta.exists():
        fault = np.zeros(len(table), dtype=np.bool_)
        told = int(json.loads(meta.read_text("utf-8")).get("faults", 0))
        # Code 6 is all of the process faults in one batch.
        for code in (1, 2, 3, 4, 5) if told == 6 else (told,):
            for first, last in by_code.get(code, ()):
                fault[(first or 1) - 1 : last] = True
    else:
        raise ValueError(f"{path.name}: neither a column nor {meta.name} says which fault it has")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], fault.astype(np.int8), [0]])))
    windows = tuple((int(first), int(last)) for first, last in edges.reshape(-1, 2))
    value = table[:, [columns[name] for name in signals]]
    return Batch(
        path.name.removesuffix("_states.csv"), table[:, columns["time_h"]] * 3600.0, value, fault, windows
    )


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
    """Rows from the window's first to the first of so many alarms in a row; None where there are none."""
    for row in range(window[0], window[1]):
        if suspect[row : row + in_a_row].sum() == in_a_row:
            return row - window[0]
    return None


def judge(
    recipe: EnvelopeRecipe, signals: Sequence[str], batches: Sequence[Batch], in_a_row: int
) -> tuple[Confusion, list[tuple[Batch, tuple[int, int], int | None, str]]]:
    """Judge every faulty batch by all normal ones: rows counted, each window with its delay and reason."""
    normal = [one for one in batches if not one.windows]
    envelope = build(recipe, signals, references(normal))
    counted, windows = Confusion(0, 0, 0, 0), []
    for batch in (one for one in batches if one.windows):
        suspect, reasons = alarms(recipe, envelope, batch)
        counted += confusion(batch.fault, suspect)
        for window in batch.windows:
            after = found_after(suspect, window, in_a_row)
            windows.append((batch, window, after, "" if after is None else reasons[window[0] + after]))
    return counted, windows


def measure(data: Path) -> Report:
    """Judge the faulty batches in `data` by the normal ones; FileNotFoundError where there are not both."""
    told = configuration()
    signals, in_a_row = told["signals"], told["row_alarms"]
    batches = [read(path, signals, told["windows"]) for path in sorted(data.rglob("*_states.csv"))]
    normal = [one for one in batches if not one.windows]
    faulty = [one for one in batches if one.windows]
    recipe = EnvelopeRecipe.model_validate(told["recipe"])
    if len(normal) < recipe.least_batches or not faulty:
        raise FileNotFoundError(
            f"{data}: not enough batches ({len(normal)} of {recipe.least_batches} normal, "
            f"{len(faulty)} faulty)"
        )
    counted, windows = judge(recipe, signals, batches, in_a_row)
    hits = sum(after is not None for _, _, after, _ in windows)
    truth = np.concatenate([one.fault for one in faulty])
    luck = at_random(truth, counted.far)
    figures = [
        Figure("fault windows found", hits, f"of {len(windows)}", hits / len(windows), "all of them"),
        Figure("false-alarm rate", 100 * counted.far, "% of normal rows", counted.far / FAR_TARGET, "2 %"),
        Figure("missed rows", 100 * counted.mar, "% of fault rows"),
        Figure("F1", counted.f1, "", counted.f1 / always(truth).f1, "alarming always"),
        Figure("F1, alarming always", always(truth).f1, "at FAR 100 %"),
        Figure("F1, at random at the same FAR", luck.f1, f"at FAR {100 * luck.far:.1f} %"),
        Figure("windows found at random", _lucky(faulty, counted.far, in_a_row), f"of {len(windows)}"),
    ]
    seen = [_told(batch, window, after, reason) for batch, window, after, reason in windows]
    names = ", ".join(one.name for one in normal)
    seen.append(f"References: {names}; the recipe's minimum is {recipe.least_batches}.")
    seen += _left_out(recipe, signals, normal)
    seen += [_varied(recipe, change, signals, batches, in_a_row) for change in told["sensitivity"]]
    return Report("indpensim", tuple(figures), (*seen, PUBLISHED))


def _told(batch: Batch, window: tuple[int, int], after: int | None, reason: str) -> str:
    where = f"{batch.name}, samples {window[0] + 1} to {window[1]}"
    if after is None:
        return f"{where}: not found."
    hours = (batch.time_s[window[0] + after] - batch.time_s[window[0]]) / 3600.0
    return f"{where}: found after {after} samples ({hours:.1f} h): {reason}."


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
    counted, windows = judge(other, signals, batches, in_a_row)
    hits = sum(after is not None for _, _, after, _ in windows)
    said = ", ".join(f"{name} {value:g}" for name, value in change.items())
    far = f"FAR {100 * counted.far:.2f} %, F1 {counted.f1:.2f}"
    return f"With {said}: {hits} of {len(windows)} windows at {far}."
