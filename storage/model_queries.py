"""Questions about models: two on the same data, whose alarm it was, and what a replay is held against.

Spans are [start_us, end_us) in microseconds UTC; a unit is named `site/unit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from schemas.errors import QueryRefused
from schemas.score import ModelRef
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


class Errors(NamedTuple):
    """The forecasts of two models at one horizon, where both were made and came true.

    ratio: median over signals of the second's mean absolute error over the first's; None where that was 0.
    """

    horizon_s: float
    judged: int
    ratio: float | None
    first_coverage: float
    second_coverage: float


class Comparison(NamedTuple):
    """Two models on the same stored data: samples, whole units, forecasts by horizon."""

    samples: Agreement
    units: Agreement
    forecasts: list[Errors]


class BatchSpan(NamedTuple):
    """A batch in a unit; until_us is far ahead while it runs."""

    unit: str
    batch: str
    member: str
    started_us: int
    until_us: int


class StoredScore(NamedTuple):
    """A score as it is stored; `signal` is empty for that of the unit as a whole, whose `numbers` are one.

    numbers: value, expected and score of a sample.
    """

    topic_id: str
    topic: str
    partition: int
    offset: int
    signal: str
    time_us: int
    numbers: tuple[float, ...]
    suspect: bool
    learned: bool


def compare(
    connection: BoundedConnection, unit: str | None, digests: tuple[str, str], start_us: int, end_us: int
) -> Comparison:
    """What two models said of the same samples, steps and times; unit None: of every one."""
    first, second = digests
    asked = {"unit": unit, "first": first, "second": second, "start_us": start_us, "end_us": end_us}
    samples = connection.execute(statement("query_models_scores"), asked).fetchall()[0]
    units = connection.execute(statement("query_models_unit_scores"), asked).fetchall()[0]
    forecasts = connection.execute(statement("query_models_forecasts"), asked).fetchall()
    return Comparison(Agreement(*samples), Agreement(*units), [Errors(*row) for row in forecasts])


def model_of_alarm(connection: BoundedConnection, unit: str, signal: str, raised_us: int) -> ModelRef | None:
    """The champion that suspected the signal, or else the unit, in the hour before an alarm was raised."""
    asked = {"unit": unit, "signal": signal, "raised_us": raised_us}
    row = connection.execute(statement("query_model_of_alarm"), asked).fetchone()
    return None if row is None else ModelRef(name=row[0], version=row[1], digest=row[2])


def batch_span(connection: BoundedConnection, batch: str, member: str | None) -> BatchSpan:
    """Where and when a batch was.

    Raises:
        QueryRefused: there is none of this name, or several members have one.
    """
    rows = connection.execute(statement("query_batch_spans"), {"batch": batch, "member": member}).fetchall()
    if not rows:
        raise QueryRefused(f"No batch {batch} is stored.", next_step="sparge query SITE/UNIT --last 1d")
    if len(rows) > 1:
        owners = ", ".join(f"{row[2]} in {row[0]}" for row in rows)
        raise QueryRefused(f"There are {len(rows)} batches {batch}: {owners}.", next_step="--member MEMBER")
    unit, name, owner, started_us, until_us = rows[0]
    return BatchSpan(unit, name, owner, started_us, FOR_EVER_US if until_us is None else until_us)


def stored_scores(
    connection: BoundedConnection, unit: str, digest: str, start_us: int, end_us: int
) -> list[StoredScore]:
    """Everything that a model said of a unit in a span, with the message that caused it."""
    asked = {"unit": unit, "digest": digest, "start_us": start_us, "end_us": end_us}
    rows = connection.execute(statement("query_replay_scores"), asked).fetchall()
    return [StoredScore._make((*row[:6], tuple(row[6]), *row[7:])) for row in rows]


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
