"""Which inputs of a replay are not what they were when the batch was judged, in sentences."""

from __future__ import annotations

from importlib import metadata
from itertools import groupby
from typing import TYPE_CHECKING

from agents.models.registry import context_text
from sparge.times import show_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from agents.model_feed import Said
    from agents.models.registry import Standing
    from storage.model_queries import BatchSpan, Corrected, Dropped

MOST_SHOWN = 3
"""Ranges that are named one by one."""


def frames_gone(
    frames: Sequence[tuple[int, int]], there: Collection[int], span: BatchSpan, zone: ZoneInfo | None
) -> Iterator[str]:
    """Say which of the unit's stored frames, (offset, recorded_us) in order, are not in the log any more."""
    runs = [list(run) for gone, run in groupby(frames, lambda one: one[0] not in there) if gone]
    for run in runs[:MOST_SHOWN]:
        (low, first_us), (high, last_us) = run[0], run[-1]
        of_batch = sum(span.started_us <= at_us for _, at_us in run)
        yield (
            f"{_frames(len(run))} no longer in the log, {of_batch:,} of them recorded since the batch began: "
            f"{_span(low, high)}, recorded {show_time(first_us, zone)} to {show_time(last_us, zone)}. "
            f"What the models knew from them cannot be had again."
        )
    if len(runs) > MOST_SHOWN:
        yield f"There are {len(runs) - MOST_SHOWN} more such gaps."


def results_dropped(dropped: Sequence[Dropped], zone: ZoneInfo | None) -> Iterator[str]:
    """Say which spans retention has taken from the database."""
    ranges: dict[tuple[int, int], list[str]] = {}
    for one in dropped:
        ranges.setdefault((one.start_us, one.end_us), []).append(one.signal)
    for (start_us, end_us), signals in list(ranges.items())[:MOST_SHOWN]:
        more = f" and {len(signals) - MOST_SHOWN} more" if len(signals) > MOST_SHOWN else ""
        yield (
            f"Retention has dropped samples and scores of {', '.join(signals[:MOST_SHOWN])}{more} from "
            f"{show_time(start_us, zone)} to {show_time(end_us, zone)}: nothing is compared there."
        )
    if len(ranges) > MOST_SHOWN:
        yield f"There are {len(ranges) - MOST_SHOWN} more such spans."


def samples_corrected(corrected: Sequence[Corrected], zone: ZoneInfo | None) -> Iterator[str]:
    """Say which samples are known otherwise now than they were judged."""
    if corrected:
        first = corrected[0]
        many = f"{len(corrected):,} samples of the batch were corrected after they were judged, the first"
        one = "A sample of the batch was corrected after it was judged:"
        yield (
            f"{many if len(corrected) > 1 else one} "
            f"{first.signal} at {show_time(first.time_us, zone)}: it was judged as {_value(first.before)}, "
            f"and is {_value(first.now)} since {show_time(first.recorded_us, zone)}. "
            f"The replay judges what the log had then, as watch did."
        )


def versions_changed(model: Standing) -> Iterator[str]:
    """Say which library is another one than the model was registered with."""
    made = model.registered
    for name, library, was in (
        ("River", "river", made.river_version),
        ("NumPy", "numpy", made.numpy_version),
    ):
        now = metadata.version(library)
        if was is not None and was != now:
            yield f"The model was registered with {name} {was}, and this is {now}."


def models_changed(
    said: Sequence[Said], model: Standing, span: BatchSpan, zone: ZoneInfo | None
) -> Iterator[str]:
    """Say who was promoted, rolled back or retired in the model's layer while the batch ran."""
    for one in said:
        event = one.event
        if event is None or event.event not in {"promoted", "rolled_back", "retired"} or event.model is None:
            continue
        here = event.context is not None and event.context.unit in {None, span.unit}
        if event.layer == model.layer and here and span.started_us <= one.recorded_us < span.until_us:
            where = context_text(event.context) if event.context else ""
            yield (
                f"{show_time(one.recorded_us, zone)}: {event.by} {_DONE[event.event]} {event.model.name}@"
                f"{event.model.version} for {event.layer}, {where}; in force for what was recorded after it."
            )


_DONE = {"promoted": "promoted", "rolled_back": "rolled back", "retired": "retired"}


def _frames(count: int) -> str:
    return "A frame of the unit is" if count == 1 else f"{count:,} frames of the unit are"


def _span(low: int, high: int) -> str:
    return f"offset {low}" if low == high else f"offsets {low} to {high}"


def _value(value: float | None) -> str:
    return "missing" if value is None else f"{value:g}"
