"""Everything that is decided about one unit: alarms first, then anomaly scores and forecasts.

Pure: time is the recorded time of the log and comes in as `now_us`; state is in the object and its memory.
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
from agents.limits_ahead import judge_limits_ahead, limits_ahead
from agents.model_alarms import end_forecast_alarms, judge_anomalies
from agents.model_outputs import forecast_message, score_messages
from agents.models.lineup import everywhere
from agents.models.unit_models import UnitModels
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agents.alarms.definition import MasterAlarmDatabase
    from agents.batch_context import BatchStory
    from agents.context import Context
    from agents.models.lineup import Lineup
    from agents.samples import Samples
    from schemas.alarm import AlarmTransition
    from schemas.decoding import Frame
    from schemas.forecast import ForecastMessage
    from schemas.score import ScoreMessage
    from schemas.source import Source

    Output = AlarmTransition | ScoreMessage | ForecastMessage


class UnitWatch:
    """The live state of one unit; see `memory` for what of it survives a restart.

    `changes` counts what has changed the memory. `anew` has, by model, why its memory was not taken up.

    Args:
        site: the unit's site.
        unit: its name there.
        database: which alarms there are; the shipped ones if not given.
        choose: which models are in force in a context; the shipped ones if not given.
    """

    def __init__(
        self,
        site: str,
        unit: str,
        *,
        database: MasterAlarmDatabase | None = None,
        choose: Callable[[Context], Lineup] = everywhere,
    ) -> None:
        self.site = site
        self.unit = unit
        self._alarms = AlarmWatch(site, unit, database or alarm_definition.shipped())
        self._models = UnitModels(choose)
        self._names: list[str] = []
        self.anew: dict[str, str] = {}
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
    ) -> list[Output]:
        """Judge a frame recorded at `now_us`; `at` gives the next source id of the message being handled.

        batches: what is in force of the unit's batches.

        Samples that are not later than the last judged one of their signal are history and pass unjudged.
        """
        self.changes += 1
        # Values may be as large as a float can be: a difference that overflows is judged as infinite.
        with np.errstate(over="ignore", invalid="ignore"):
            outputs: list[Output] = []
            told, news = self._alarms.on_frame(frame, Moment(now_us, at), batches)
            outputs += told
            if news is not None:
                outputs += self._score(frame.device, news, Moment(now_us, at))
        return outputs

    def on_tick(self, now_us: int, at: Callable[[], Source]) -> list[AlarmTransition]:
        """Let the time of the log reach `now_us` without a frame of this unit."""
        before = self._alarms.under_way()
        told = self._alarms.on_tick(Moment(now_us, at))
        self.changes += self._alarms.under_way() != before
        return told

    def memory(self) -> dict[str, object]:
        """Return everything that the unit knows, as `restored` takes it up (state_codec can write it)."""
        return {"alarms": self.snapshot().decode(), "models": self._models.state()}

    @classmethod
    def restored(
        cls,
        site: str,
        unit: str,
        kept: Mapping[str, Any],
        *,
        database: MasterAlarmDatabase | None = None,
        choose: Callable[[Context], Lineup] = everywhere,
    ) -> Self:
        """Return a watch that goes on where `kept` was taken, as if it had never stopped.

        Raises:
            SnapshotRefused: it is of another unit, or of a version that this one does not read.
        """
        watch = cls.restore(site, unit, str(kept.get("alarms")).encode(), database=database, choose=choose)
        watch._go_on(kept.get("models"), choose)  # noqa: SLF001 - its own
        return watch

    def snapshot(self) -> bytes:
        """Return the alarm and health memory as JSON (snapshot.UnitSnapshot); models are not in it."""
        return memory.encode({"site": self.site, "unit": self.unit, **self._alarms.memory()})

    @classmethod
    def restore(
        cls,
        site: str,
        unit: str,
        snapshot: bytes,
        *,
        database: MasterAlarmDatabase | None = None,
        choose: Callable[[Context], Lineup] = everywhere,
    ) -> Self:
        """Return a watch that goes on where `snapshot` was taken; its models start in their grace period.

        Raises:
            SnapshotRefused: the snapshot is torn, of another unit, or of an unknown version.
        """
        watch = cls(site, unit, database=database, choose=choose)
        watch._alarms.take_up(memory.decode(site, unit, snapshot))
        return watch

    def _go_on(self, kept: Any, choose: Callable[[Context], Lineup]) -> None:
        """Take up the models' memory; alarms go on from their own, whatever has become of it."""
        self._meet()
        try:
            self.anew = self._models.take_up(kept, self.context)
        except (SnapshotRefused, KeyError, TypeError, ValueError) as wrong:
            self._models = UnitModels(choose)
            self._names = []
            self.anew = {"models": str(wrong)}

    def _meet(self) -> None:
        """Let the models know of the signals that have joined the table."""
        for signal in self._alarms.table.signals[len(self._names) :]:
            self._models.add(signal.name, signal.spec)
            self._names.append(signal.name)

    def _score(self, device: str, news: Samples, moment: Moment) -> list[Output]:
        self._meet()
        said = self._models.take(device, news, self._alarms.unfit, self.context, moment.now_us)
        told: list[Output] = [
            *judge_anomalies(self._models, self._alarms, moment),
            *end_forecast_alarms(self._models, self._alarms, moment),
        ]
        looks = self._models.looks_like()
        told += score_messages(
            (self.site, self.unit), self._names, said, moment, looks.looks_like if looks else None
        )
        signals = self._alarms.table.signals
        for foresaid in self._models.foresaid:
            leads = foresaid.role == "champion"
            ahead = limits_ahead(foresaid, signals) if leads else {}
            if leads:
                told += judge_limits_ahead(ahead, foresaid.ref, self._alarms, moment)
            told += forecast_message((self.site, self.unit), signals, foresaid, ahead, moment)
        return told
