"""Everything that is decided about one unit: alarms first, then anomaly scores and forecasts.

Pure: time is the recorded time of the log and comes in as `now_us`; state is in the object and its snapshot.
Alarms do not depend on models, whose failure is reported and kept in `model_faults`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from agents import snapshot as memory
from agents.alarm_watch import AlarmWatch
from agents.alarms import definition as alarm_definition
from agents.alarms.annunciator import Moment
from agents.batch_context import NO_STORY
from agents.models import recipe as model_recipe
from agents.models.bank import ModelBank
from schemas.forecast import Forecast, ForecastMessage
from schemas.score import Score, ScoreMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agents.alarms.definition import MasterAlarmDatabase
    from agents.batch_context import BatchStory
    from agents.context import Context
    from agents.models.recipe import Recipes
    from agents.samples import Samples
    from schemas.alarm import AlarmTransition
    from schemas.decoding import Frame
    from schemas.source import Source


class UnitWatch:
    """The live state of one unit; see `memory` for what of it survives a restart.

    `changes` counts what has changed the memory.

    Args:
        site: the unit's site.
        unit: its name there.
        database: which alarms there are; the shipped ones if not given.
        recipes: the models in force; the shipped ones if not given.
    """

    def __init__(
        self,
        site: str,
        unit: str,
        *,
        database: MasterAlarmDatabase | None = None,
        recipes: Recipes | None = None,
    ) -> None:
        self.site = site
        self.unit = unit
        self._alarms = AlarmWatch(site, unit, database or alarm_definition.shipped())
        self._models = ModelBank(recipes or model_recipe.shipped())
        self._forecast_us: int | None = None
        self.changes = 0

    @property
    def model_faults(self) -> Mapping[str, str]:
        """The fault of each model that was taken out of service, by signal/model."""
        return self._models.faults

    @property
    def context(self) -> Context:
        """The batch under way, as of the last frame."""
        return self._alarms.context

    def on_frame(
        self, frame: Frame, now_us: int, at: Callable[[], Source], batches: BatchStory = NO_STORY
    ) -> list[AlarmTransition | ScoreMessage | ForecastMessage]:
        """Judge a frame recorded at `now_us`; `at` gives the next source id of the message being handled.

        batches: what is in force of the unit's batches.

        Samples that are not later than the last judged one of their signal are history and pass unjudged.
        """
        self.changes += 1
        # Values may be as large as a float can be: a difference that overflows is judged as infinite.
        with np.errstate(over="ignore", invalid="ignore"):
            outputs: list[AlarmTransition | ScoreMessage | ForecastMessage] = []
            told, news = self._alarms.on_frame(frame, Moment(now_us, at), batches)
            outputs += told
            if news is not None:
                outputs += self._score(news, now_us, at)
                outputs += self._forecast(int(news.time_us.max()), now_us, at)
        return outputs

    def on_tick(self, now_us: int, at: Callable[[], Source]) -> list[AlarmTransition]:
        """Let the time of the log reach `now_us` without a frame of this unit."""
        before = self._alarms.under_way()
        told = self._alarms.on_tick(Moment(now_us, at))
        self.changes += self._alarms.under_way() != before
        return told

    def memory(self) -> dict[str, object]:
        """Return everything that the unit knows, as `restored` takes it up (state_codec can write it)."""
        return {"alarms": self.snapshot().decode()}

    @classmethod
    def restored(cls, site: str, unit: str, memory: Mapping[str, Any]) -> Self:
        """Return a watch that goes on where `memory` was taken, as if it had never stopped.

        Raises:
            SnapshotRefused: it is of another unit, or of a version that this one does not read.
        """
        return cls.restore(site, unit, str(memory.get("alarms")).encode())

    def snapshot(self) -> bytes:
        """Return the alarm and health memory as JSON (snapshot.UnitSnapshot); models are not in it."""
        return memory.encode({"site": self.site, "unit": self.unit, **self._alarms.memory()})

    @classmethod
    def restore(
        cls, site: str, unit: str, snapshot: bytes, *, database: MasterAlarmDatabase | None = None
    ) -> Self:
        """Return a watch that goes on where `snapshot` was taken; its models start in their grace period.

        Raises:
            SnapshotRefused: the snapshot is torn, of another unit, or of an unknown version.
        """
        watch = cls(site, unit, database=database)
        watch._alarms.take_up(memory.decode(site, unit, snapshot))
        return watch

    def _score(self, news: Samples, now_us: int, at: Callable[[], Source]) -> list[ScoreMessage]:
        signals = self._alarms.table.signals
        for signal in signals[len(self._models) :]:
            self._models.add(signal.name, signal.spec)
        scores = self._models.take(news)
        if scores is None:
            return []
        columns = (
            scores.slots,
            scores.time_us,
            scores.value,
            scores.expected,
            scores.score,
            scores.suspect,
            scores.learned,
        )
        rows = [
            Score(
                signal=signals[slot].name,
                time_us=time_us,
                value=value,
                expected=expected,
                score=score,
                suspect=suspect,
                learned=learned,
            )
            for slot, time_us, value, expected, score, suspect, learned in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]
        return [
            ScoreMessage(
                source=at(),
                site=self.site,
                unit=self.unit,
                now_us=now_us,
                model=self._models.recipes.anomaly.ref,
                scores=rows,
            )
        ]

    def _forecast(self, newest_us: int, now_us: int, at: Callable[[], Source]) -> list[ForecastMessage]:
        recipe = self._models.recipes.forecast
        if self._forecast_us is not None and 0 <= now_us - self._forecast_us < recipe.every_s * 1e6:
            return []
        self._forecast_us = now_us
        signals = self._alarms.table.signals
        forecasts = [
            Forecast(
                signal=signals[slot].name,
                unit_code=signals[slot].unit_code,
                horizon_s=list(outlook.horizon_s),
                value=list(outlook.value),
                lower=list(outlook.lower),
                upper=list(outlook.upper),
                coverage=recipe.coverage,
                fallback=outlook.fallback,
            )
            for slot, outlook in self._models.outlooks()
        ]
        if not forecasts:
            return []
        return [
            ForecastMessage(
                source=at(),
                site=self.site,
                unit=self.unit,
                made_us=newest_us,
                model=recipe.ref,
                forecasts=forecasts,
            )
        ]
