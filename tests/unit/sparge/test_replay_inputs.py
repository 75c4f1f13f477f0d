"""What is not as it was when a batch was judged is named: which range, which sample, which version."""

from __future__ import annotations

from importlib import metadata
from typing import Any
from zoneinfo import ZoneInfo

from agents.model_feed import Said
from agents.models.registry import EVERYWHERE, Standing
from schemas.model_event import ModelContext, ModelEvent
from schemas.score import ModelRef
from sparge.replay_inputs import (
    frames_gone,
    models_changed,
    results_dropped,
    samples_corrected,
    versions_changed,
)
from storage.model_queries import BatchSpan, Corrected, Dropped

UTC = ZoneInfo("UTC")
START_US = 1_790_000_000_000_000
SPAN = BatchSpan("north/BR-01", "B1", "institute", START_US, START_US + 100_000_000)
MODEL = ModelRef(name="trees", version="1", digest="aa" * 32)


def event(kind: str, **changes: Any) -> ModelEvent:
    fields: dict[str, Any] = {
        "id": "e1",
        "event": kind,
        "time_us": START_US,
        "by": "M. Okafor",
        "why": "Seen.",
        "layer": "residual",
        "context": EVERYWHERE,
        "model": MODEL,
        **({"recipe": "name: trees", "river_version": "0.1"} if kind == "registered" else {}),
    }
    return ModelEvent(**{**fields, **changes})


def standing(**versions: str) -> Standing:
    return Standing(
        *("residual", EVERYWHERE, MODEL, "champion", 0, "M. Okafor", "Seen."), event("registered", **versions)
    )


def test_each_run_of_frames_that_is_gone_is_named_by_offsets_and_times() -> None:
    frames = [(offset, START_US + (offset - 4) * 1_000_000) for offset in range(0, 20, 2)]
    told = list(frames_gone(frames, {4, 8, 10, 12, 14, 16}, SPAN, UTC))
    assert len(told) == 3
    assert (
        "2 frames of the unit are no longer in the log, 0 of them recorded since the batch began" in told[0]
    )
    assert "offsets 0 to 2, recorded 2026-09-21 14:13:16+00:00 to 2026-09-21 14:13:18+00:00" in told[0]
    assert "A frame of the unit is no longer in the log" in told[1]
    assert "began: offset 6, recorded" in told[1]
    assert "began: offset 18, recorded" in told[2]
    many = list(frames_gone(frames, {2, 6, 10, 14, 18}, SPAN, UTC))
    assert many[-1] == "There are 2 more such gaps."
    assert list(frames_gone(frames, {offset for offset, _ in frames}, SPAN, UTC)) == []


def test_spans_that_retention_dropped_are_named_with_their_signals() -> None:
    day = [Dropped(name, START_US, START_US + 1_000_000) for name in ("DO", "OTR", "pH", "temperature", "X1")]
    (told,) = results_dropped(day, UTC)
    assert "of DO, OTR, pH and 2 more from 2026-09-21 14:13:20+00:00 to 2026-09-21 14:13:21+00:00" in told


def test_a_corrected_sample_is_named_with_what_it_was_and_is() -> None:
    one = Corrected("DO", START_US, 40.25, None, START_US + 5_000_000)
    (told,) = samples_corrected([one], UTC)
    assert "DO at 2026-09-21 14:13:20+00:00: it was judged as 40.25, and is missing since" in told
    (several,) = samples_corrected([one, one], UTC)
    assert several.startswith("2 samples of the batch were corrected")
    assert list(samples_corrected([], UTC)) == []


def test_another_library_than_at_registration_is_named() -> None:
    now = metadata.version("river")
    assert list(versions_changed(standing(river_version="0.1"))) == [
        f"The model was registered with River 0.1, and this is {now}."
    ]
    numpy = metadata.version("numpy")
    assert list(versions_changed(standing(river_version=now, numpy_version=numpy))) == []


def test_who_was_promoted_while_the_batch_ran_is_told_and_no_other() -> None:
    elsewhere = ModelContext(unit="north/BR-02")
    said = [
        Said(0, START_US + 5_000_000, event("promoted")),
        Said(1, START_US - 1, event("promoted")),
        Said(2, START_US + 6_000_000, event("rolled_back", layer="multivariate")),
        Said(3, START_US + 7_000_000, event("rolled_back", context=elsewhere)),
        Said(4, START_US + 8_000_000, None),
        Said(5, START_US + 200_000_000, event("retired")),
    ]
    (told,) = models_changed(said, standing(), SPAN, UTC)
    assert told.startswith("2026-09-21 14:13:25+00:00: M. Okafor promoted trees@1 for residual, everywhere")
