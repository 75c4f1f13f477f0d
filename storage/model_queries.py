"""Questions about models: two on the same data, and what a replay is held against.

Spans are [start_us, end_us) in microseconds UTC; a unit is named `site/unit`.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from schemas.errors import QueryRefused
from storage.statements import statement

if TYPE_CHECKING:
    from storage.connection import BoundedConnection

FOR_EVER_US = 2**62


class Agreement(NamedTuple):
    """How often two models judged the same, how often each suspected it, and how often both did."""

    judged: int
    first_suspects: int
    second_suspects: int
    both_suspect: int

    @property
    def alike(self) -> int:
        """How often they agreed."""
        return self.judged - self.first_suspects - self.second_suspects + 2 * self.both_suspect


class Foresight(NamedTuple):
    """How a model forecast at one horizon, where both models did and it came true.

    error, interval_score: median over signals, in persistence's mean absolute errors; None where nothing
    moved. coverage: share of true values that its intervals held. silent: share of forecasts at which it was
    no better than persistence and answered with it.
    """

    error: float | None
    interval_score: float | None
    coverage: float
    silent: float


class Foreseen(NamedTuple):
    """Both models at one horizon; judged: forecasts that came true of so many signals."""

    horizon_s: float
    judged: int
    signals: int
    first: Foresight
    second: Foresight


class Comparison(NamedTuple):
    """Two models on the same stored data: samples, whole units, forecasts by horizon."""

    samples: Agreement
    units: Agreement
    forecasts: list[Foreseen]


class BatchSpan(NamedTuple):
    """A batch in a unit; until_us is far ahead while it runs."""

    unit: str
    batch: str
    member: str
    started_us: int
    until_us: int


class OutOfService(NamedTuple):
    """A model that failed in a unit, by layer and digest: when (device time), and what it said of it."""

    unit: str
    layer: str
    digest: str
    time_us: int
    reason: str


class StoredScore(NamedTuple):
    """What a model said, as it is stored; `signal` is empty for the unit as a whole, whose `numbers` are one.

    numbers: value, expected and score of a sample; value, lower and upper of a forecast, whose `suspect` says
    that it fell back, and `learned` that it was silent.
    """

    topic_id: str
    topic: str
    partition: int
    offset: int
    signal: str
    time_us: int
    horizon_s: float
    numbers: tuple[float, ...]
    suspect: bool
    learned: bool
    role: str


class Dropped(NamedTuple):
    """A span of a signal, [start_us, end_us), that retention has dropped, with what was said of it."""

    signal: str
    start_us: int
    end_us: int


class Corrected(NamedTuple):
    """A sample that was judged as `before` and is known as `now`, since recorded_us; None: missing."""

    signal: str
    time_us: int
    before: float | None
    now: float | None
    recorded_us: int


def compare(
    connection: BoundedConnection, unit: str | None, digests: tuple[str, str], start_us: int, end_us: int
) -> Comparison:
    """What two models said of the same samples, steps and times; unit None: of every one."""
    first, second = digests
    asked = {"unit": unit, "first": first, "second": second, "start_us": start_us, "end_us": end_us}
    samples = connection.execute(statement("query_models_scores"), asked).fetchall()[0]
    units = connection.execute(statement("query_models_unit_scores"), asked).fetchall()[0]
    rows = connection.execute(statement("query_models_forecasts"), asked).fetchall()
    found = {(digest, row[0]): row for digest, *row in rows}
    foreseen = [
        Foreseen(*found[first, horizon_s][:3], *(Foresight(*found[one, horizon_s][3:]) for one in digests))
        for horizon_s in sorted({horizon_s for _, horizon_s in found})
    ]
    return Comparison(Agreement(*samples), Agreement(*units), foreseen)


def batch_span(connection: BoundedConnection, batch: str, member: str | None) -> BatchSpan:
    """Where and when a batch was.

    Raises:
        QueryRefused: there is none of this name, or several members have one.
    """
    rows = connection.execute(statement("query_batch_spans"), {"batch": batch, "member": member}).fetchall()
    if not rows:
        known = [name for (name,) in connection.execute(statement("query_batches_newest"))]
        near = difflib.get_close_matches(batch, known, n=3) or known[:5]
        whose = f" of {member}" if member else ""
        raise QueryRefused(
            f"No batch {batch}{whose} is stored. "
            + (f"There are {', '.join(near)}." if near else "None is: sparge batch start tells of one.")
        )
    if len(rows) > 1:
        owners = ", ".join(f"{row[2]} in {row[0]}" for row in rows)
        raise QueryRefused(f"There are {len(rows)} batches {batch}: {owners}.", next_step="--member MEMBER")
    unit, name, owner, started_us, until_us = rows[0]
    return BatchSpan(unit, name, owner, started_us, FOR_EVER_US if until_us is None else until_us)


def out_of_service(connection: BoundedConnection) -> list[OutOfService]:
    """The models that failed in the present batch of each unit, or since its last one ended."""
    return [OutOfService(*row) for row in connection.execute(statement("query_models_out_of_service"))]


def stored_scores(
    connection: BoundedConnection, unit: str, digest: str, start_us: int, end_us: int
) -> list[StoredScore]:
    """Everything that a model said of a unit in a span, with the message that caused it."""
    asked = {"unit": unit, "digest": digest, "start_us": start_us, "end_us": end_us}
    rows = connection.execute(statement("query_replay_scores"), asked).fetchall()
    return [StoredScore._make((*row[:7], tuple(row[7]), *row[8:])) for row in rows]


def dropped_spans(connection: BoundedConnection, unit: str, start_us: int, end_us: int) -> list[Dropped]:
    """What retention has dropped of a unit within a span."""
    asked = {"unit": unit, "start_us": start_us, "end_us": end_us}
    return [Dropped(*row) for row in connection.execute(statement("query_replay_dropped"), asked)]


def corrected_samples(
    connection: BoundedConnection, unit: str, topic: str, start_us: int, end_us: int
) -> list[Corrected]:
    """The samples of a unit within a span that came in `topic` and have been corrected since."""
    asked = {"unit": unit, "topic": topic, "start_us": start_us, "end_us": end_us}
    return [Corrected(*row) for row in connection.execute(statement("query_replay_corrected"), asked)]


def stored_frames(
    connection: BoundedConnection, unit: str, log: tuple[str, str], partition: int, before: int
) -> list[tuple[int, int]]:
    """(offset, recorded_us) of the unit's frames in a partition below an offset; log: topic id and topic."""
    topic_id, topic = log
    asked = {
        "unit": unit,
        "topic_id": topic_id,
        "topic": topic,
        "partition": partition,
        "before": before,
    }
    return connection.execute(statement("query_replay_frames"), asked).fetchall()
