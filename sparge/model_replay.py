"""A batch replayed: what the log has kept is judged again, and held against what the database has."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from agents import model_feed
from agents.batch_context import understood
from agents.model_replay import Differences, Key, Replay, Said, compare
from schemas.errors import QueryRefused
from sparge.times import show_time
from storage.model_queries import batch_span, stored_frames, stored_scores
from storage.queries import reading
from streams.admin import describe_log, log_bounds
from streams.range_reader import RangeReader
from streams.record import TopicPartition
from streams.tail import read_all
from streams.topics import BATCH_EVENTS, FRAMES, MODELS_REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from agents.models.registry import Standing
    from storage.model_queries import BatchSpan, StoredScore
    from streams.connection import Broker
    from streams.record import Record

PORTION = 2000
"""Offsets that are read and judged at once."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay did and found; notes: what differs in its inputs, in sentences."""

    batch: BatchSpan
    frames: int
    stored: int
    differences: Differences
    notes: tuple[str, ...]


def replay(
    broker: Broker,
    database: str,
    model: Standing,
    batch: str,
    *,
    member: str | None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Outcome:
    """Replay a batch with a model, and compare with what is stored of it.

    Raises:
        QueryRefused: there is no such batch, or nothing of this model is stored of it.
        BrokerError: the log cannot be read.
    """
    with reading(database, application="sparge models replay", answer_within_s=600.0) as connection:
        span = batch_span(connection, batch, member)
        scores = stored_scores(connection, span.unit, model.model.digest, span.started_us, span.until_us)
        tp, topic_id, last = _place(broker, scores, span, model)
        frames = stored_frames(connection, span.unit, (topic_id, tp.topic), tp.partition, last + 1)
    low, high = log_bounds(broker, [tp])[tp]
    watch = Replay(
        *(span.unit, tp.topic, topic_id, tp.partition),
        batch_events=[understood(record) for record in read_all(broker, BATCH_EVENTS.name)],
        model_events=[model_feed.understood(record) for record in read_all(broker, MODELS_REGISTRY.name)],
        digest=model.model.digest,
    )
    said: dict[Key, Said] = {}
    there: set[int] = set()
    for portion in _portions(broker, tp, low, min(last + 1, high)):
        there.update(record.offset for record in portion)
        of_batch = (one for one in watch.take(portion) if span.started_us <= one[0].time_us < span.until_us)
        said.update(of_batch)
        if portion:
            progress(portion[-1].offset - low + 1, last + 1 - low)
    stored = {Key(*score[3:6]): Said(*score[6:]) for score in scores}
    gone = [(offset, at_us) for offset, at_us in frames if offset not in there]
    notes = [*_notes(model, gone, span, low), *_faults(watch)]
    return Outcome(span, watch.frames, len(stored), compare(stored, said), tuple(notes))


def told(outcome: Outcome, zone: ZoneInfo | None) -> Iterator[str]:
    """Yield an outcome in sentences."""
    found, span = outcome.differences, outcome.batch
    yield (
        f"{span.batch} of {span.member} in {span.unit}: {outcome.frames:,} frames judged from where the log "
        f"begins, {outcome.stored:,} stored scores compared."
    )
    if found.none:
        yield "Identical, bit by bit."
    else:
        yield (
            f"{found.identical:,} identical bit by bit, {found.near:,} within 1e-9, "
            f"{found.other:,} different, {found.missing:,} only stored, {found.added:,} only replayed."
        )
    if found.first is not None:
        key, before, now = found.first
        what = key.signal or "the unit"
        at = show_time(key.time_us, zone)
        yield f"The first: {what} at {at}, offset {key.offset}: stored {_text(before)}, now {_text(now)}."
    yield from (f"note: {note}" for note in outcome.notes)
    if not found.none and not outcome.notes:
        yield "note: no input is known to differ; the code has changed since, or the platform."


def _place(
    broker: Broker, scores: list[StoredScore], span: BatchSpan, model: Standing
) -> tuple[TopicPartition, str, int]:
    """The partition, the topic's id, and the last offset whose scores are wanted."""
    if not scores:
        raise QueryRefused(
            f"Nothing that {model.model.name} {model.model.version} said of {span.batch} is stored.",
            next_step=f"sparge query {span.unit} --what scores --last 1d",
        )
    topic_id = describe_log(broker, [FRAMES.name]).topics[FRAMES.name]
    here = [score for score in scores if score.topic_id == topic_id and score.topic == FRAMES.name]
    if not here:
        raise QueryRefused(
            f"The log of {FRAMES.name} from which {span.batch} was scored is gone: the topic was made anew.",
            kept="The scores, and the samples in the database.",
        )
    last = max(here, key=lambda score: score.offset)
    return TopicPartition(last.topic, last.partition), topic_id, last.offset


def _portions(broker: Broker, tp: TopicPartition, low: int, end: int) -> Iterator[list[Record]]:
    reader = RangeReader(broker, read_committed=False)
    try:
        for start in range(low, end, PORTION):
            yield reader.read(*tp, start, min(start + PORTION, end))
    finally:
        reader.close()


def _notes(model: Standing, gone: list[tuple[int, int]], span: BatchSpan, low: int) -> Iterator[str]:
    """Say which inputs are not what they were."""
    if gone:
        within = sum(at_us >= span.started_us for _, at_us in gone)
        yield (
            f"{len(gone):,} frames of the unit are no longer in the log, {within:,} of them of the batch: it "
            f"begins at offset {low}. What the models knew from these cannot be had again."
        )
    made = model.registered
    for name, was in (("river", made.river_version), ("numpy", made.numpy_version)):
        now = metadata.version(name)
        if was is not None and was != now:
            yield f"The model was registered with {name} {was}, and this is {now}."


def _faults(watch: Replay) -> Iterator[str]:
    for name, fault in watch.faults.items():
        yield f"{name} raised: {fault}"


def _text(said: Said | None) -> str:
    if said is None:
        return "nothing"
    return f"score {said.numbers[-1]!r}" + (", suspect" if said.suspect else "")
