"""A batch replayed: what the log has kept is judged again, and held against what the database has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents import model_feed
from agents.batch_context import understood
from agents.model_replay import Differences, Key, Replay, Said, compare
from schemas.errors import QueryRefused
from sparge.envelopes import envelopes_of
from sparge.progress import Progress, silent
from sparge.replay_inputs import (
    frames_gone,
    models_changed,
    results_dropped,
    samples_corrected,
    versions_changed,
)
from sparge.terminal import command_name
from sparge.times import show_time
from storage.model_queries import (
    FOR_EVER_US,
    batch_span,
    corrected_samples,
    dropped_spans,
    stored_frames,
    stored_scores,
)
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
    from storage.model_queries import BatchSpan, Dropped, StoredScore
    from streams.connection import Broker
    from streams.record import Record

PORTION = 2000
"""Offsets that are read at once;"""
SLICE = 50
"""and records that are judged at once: between two slices it may be said how far it is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay did and found.

    notes: what differs in its inputs, in sentences. remarks: what else is to be known of them.
    """

    batch: BatchSpan
    frames: int
    stored: int
    differences: Differences
    notes: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def replay(
    broker: Broker,
    database: str,
    model: Standing,
    batch: str,
    *,
    member: str | None,
    zone: ZoneInfo | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Replay a batch with a model, and compare with what is stored of it.

    Raises:
        QueryRefused: there is no such batch, or nothing of this model is stored of it.
        BrokerError: the log cannot be read.
    """
    digest = model.model.digest
    progress = progress or Progress(silent)
    progress.begin(f"reading what is stored of {batch}")
    with reading(database, application="sparge models replay", answer_within_s=600.0) as connection:
        span = batch_span(connection, batch, member)
        during = (span.started_us, span.until_us)
        dropped = dropped_spans(connection, span.unit, *during)
        scores = stored_scores(connection, span.unit, digest, *during)
        tp, topic_id, last, here = _place(broker, scores, span, model, dropped)
        frames = stored_frames(connection, span.unit, (topic_id, tp.topic), tp.partition, last + 1)
        corrected = corrected_samples(connection, span.unit, tp.topic, *during)
    low, high = log_bounds(broker, [tp])[tp]
    said_of_models = [model_feed.understood(record) for record in read_all(broker, MODELS_REGISTRY.name)]
    watch = Replay(
        *(span.unit, tp.topic, topic_id, tp.partition),
        batch_events=[understood(record) for record in read_all(broker, BATCH_EVENTS.name)],
        model_events=said_of_models,
        digest=digest,
        envelopes=envelopes_of(broker),
    )
    progress.begin(f"judging {last + 1 - low:,} records again, to compare {len(here):,} scores")
    said: dict[Key, Said] = {}
    there: set[int] = set()
    for portion in _portions(broker, tp, low, min(last + 1, high)):
        there.update(record.offset for record in portion)
        for begin in range(0, len(portion), SLICE):
            part = portion[begin : begin + SLICE]
            said.update(one for one in watch.take(part) if span.started_us <= one[0].time_us < span.until_us)
            progress.reach("records judged", part[-1].offset - low + 1, last + 1 - low)
    stored = {Key(*score[3:7]): Said(*score[7:]) for score in here}
    running = span.until_us == FOR_EVER_US
    if running:
        # Of its last frame perhaps not everything is stored yet.
        stored, said = (
            {key: one for key, one in each.items() if key.offset < last} for each in (stored, said)
        )
    notes = [
        *frames_gone(frames, there, span, zone),
        *results_dropped(dropped, zone),
        *samples_corrected(corrected, zone),
        *versions_changed(model),
        *_other_logs(len(scores) - len(here)),
        *_faults(watch),
    ]
    remarks = [*models_changed(said_of_models, model, span, zone)]
    if running:
        remarks.append(
            "The batch is still running: compared is what was stored before its last scored frame."
        )
    found = compare(stored, said, _dropper(dropped))
    return Outcome(span, watch.frames, len(stored), found, tuple(notes), tuple(remarks))


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
    if found.dropped:
        yield f"{found.dropped:,} replayed that retention has dropped from the database: not compared."
    if found.first is not None:
        key, before, now = found.first
        what = key.signal or "the unit"
        ahead = f", {key.horizon_s:g} s ahead" if key.horizon_s else ""
        where = f"{what} at {show_time(key.time_us, zone)}{ahead}, offset {key.offset}"
        yield f"The first: {where}: stored {_text(before)}, now {_text(now)}."
    yield from outcome.remarks
    yield from (f"note: {note}" for note in outcome.notes)
    if not found.none and not outcome.notes:
        yield "note: no input is known to differ; the code has changed since, or the platform."


def _dropper(dropped: list[Dropped]) -> Callable[[Key], bool]:
    spans: dict[str, list[Dropped]] = {}
    for one in dropped:
        spans.setdefault(one.signal, []).append(one)
        spans.setdefault("", []).append(one)
    return lambda key: any(one.start_us <= key.time_us < one.end_us for one in spans.get(key.signal, ()))


def _place(
    broker: Broker, scores: list[StoredScore], span: BatchSpan, model: Standing, dropped: list[Dropped]
) -> tuple[TopicPartition, str, int, list[StoredScore]]:
    """The partition, the topic's id, the last offset whose scores are wanted, and those of this log."""
    if not scores:
        nothing = f"Nothing that {model.model.name} {model.model.version} said of {span.batch} is stored."
        raise QueryRefused(
            " ".join([nothing, *results_dropped(dropped, None)]),
            next_step=f"{command_name()} models list --unit {span.unit} says which models ran there",
        )
    topic_id = describe_log(broker, [FRAMES.name]).topics[FRAMES.name]
    here = [score for score in scores if score.topic_id == topic_id and score.topic == FRAMES.name]
    if not here:
        raise QueryRefused(
            f"The log of {FRAMES.name} from which {span.batch} was scored is gone: the topic was made anew.",
            kept="The scores, and the samples in the database.",
        )
    last = max(here, key=lambda score: score.offset)
    return TopicPartition(last.topic, last.partition), topic_id, last.offset, here


def _portions(broker: Broker, tp: TopicPartition, low: int, end: int) -> Iterator[list[Record]]:
    reader = RangeReader(broker, read_committed=False)
    try:
        for start in range(low, end, PORTION):
            yield reader.read(*tp, start, min(start + PORTION, end))
    finally:
        reader.close()


def _other_logs(count: int) -> Iterator[str]:
    if count:
        yield f"{count:,} stored scores are from a log that was made anew since: they are not compared."


def _faults(watch: Replay) -> Iterator[str]:
    if watch.refusal:
        yield f"The model cannot run here: {watch.refusal}"
    for name, fault in watch.faults.items():
        yield f"{name} raised: {fault}"


def _text(said: Said | None) -> str:
    if said is None:
        return "nothing"
    numbers = ", ".join(repr(number) for number in said.numbers)
    return f"{numbers} by the {said.role}" + (", suspect" if said.suspect else "")
