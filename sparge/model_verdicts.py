"""What people say of alarms, against the model that raised them and where it spoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agents.batch_context import BatchFeed, understood
from agents.models.registry import context_text
from schemas.errors import QueryRefused
from sparge.alarm_feed import AlarmFeed
from sparge.model_registry import NOTHING_CHANGED
from sparge.terminal import command_name
from sparge.times import show_second
from streams.tail import read_all
from streams.topics import BATCH_EVENTS

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from agents.models.registry import Registry, Standing
    from schemas.alarm import AlarmTransition
    from schemas.model_event import ModelEvent, Verdict
    from streams.connection import Broker

VERDICTS: dict[str, Verdict] = {"true": "true", "nuisance": "nuisance", "known-work": "known_work"}
"""As they are typed, and as they are said."""

PARTS = 4
FROM_MODELS = frozenset({"anomaly", "drift", "time_to_limit"})


class Judged(NamedTuple):
    """An alarm to be judged: as it was raised, the model that raised it if one did, the verdict until now."""

    alarm: str
    raised: AlarmTransition
    model: Standing | None
    before: ModelEvent | None

    def told(self, said: str, zone: ZoneInfo | None = None) -> str:
        """The verdict in a sentence."""
        instead = ""
        if self.before is not None and self.before.verdict is not None:
            instead = f", instead of {_typed(self.before.verdict)} ({self.before.by})"
        raised = show_second(self.raised.since_us, zone)
        return f"{self.alarm}, raised {raised}: {said}{instead}, {self._whose()}."

    def _whose(self) -> str:
        if self.model is not None:
            name = f"{self.model.model.name}@{self.model.model.version}"
            return f"against {name} for {self.model.layer}, {context_text(self.model.context)}"
        if self.raised.model is not None:
            name = f"{self.raised.model.name}@{self.raised.model.version}"
            return f"against {name}, which is registered nowhere that fits the unit"
        if self.raised.condition in FROM_MODELS:
            return "against no model: an earlier version raised it, and did not say which"
        return "against no model: it is no model's alarm"


def to_judge(broker: Broker, registry: Registry, alarm: str, raised_us: int | None = None) -> Judged:
    """Find an alarm, as it was raised last or at `raised_us`, and what led to it.

    Raises:
        QueryRefused: this is the name of no alarm, or it was not raised, or not then.
    """
    if len(alarm.split("/")) != PARTS:
        raise QueryRefused(
            f"'{alarm}' is the name of no alarm: write SITE/UNIT/SIGNAL/CONDITION, as in north/BR-01/DO/low.",
            kept=NOTHING_CHANGED,
            next_step=f"{command_name()} alerts --since 8h",
        )
    found = [one for one in AlarmFeed(broker, "").present() if (one.alarm_id, one.event) == (alarm, "raised")]
    if not found:
        raise QueryRefused(
            f"No alarm {alarm} was ever raised.",
            kept=NOTHING_CHANGED,
            next_step=f"{command_name()} alerts --since 8h",
        )
    raised = found[-1] if raised_us is None else _at(found, raised_us)
    model = None
    if raised.model is not None:
        batches = BatchFeed([understood(record) for record in read_all(broker, BATCH_EVENTS.name)])
        batches.reach(raised.time_us)
        context = batches.story(raised.key).at(raised.sample_us or raised.time_us)
        model = registry.spoke(raised.model.digest, raised.key, context)
    return Judged(alarm, raised, model, registry.verdict_on(alarm, raised.since_us))


def refuse_repeat(judged: Judged, verdict: Verdict, by: str) -> None:
    """Make sure that a verdict says something new.

    Raises:
        QueryRefused: the same person has said the same of this alarm last.
    """
    before = judged.before
    if before is not None and (before.verdict, before.by) == (verdict, by):
        raise QueryRefused(
            f"{by} has called {judged.alarm}, raised {show_second(judged.raised.since_us)}, "
            f"{_typed(verdict)} already, at {show_second(before.time_us)}.",
            kept=NOTHING_CHANGED,
            next_step="say another verdict to change it",
        )


def _at(found: list[AlarmTransition], raised_us: int) -> AlarmTransition:
    nearest = min(found, key=lambda one: abs(one.since_us - raised_us))
    if abs(nearest.since_us - raised_us) >= 1_000_000:
        times = ", ".join(show_second(one.since_us) for one in found[-5:])
        raise QueryRefused(
            f"{nearest.alarm_id} was not raised at {show_second(raised_us)}.",
            kept=NOTHING_CHANGED,
            next_step=f"it was at {times}",
        )
    return nearest


def _typed(verdict: Verdict) -> str:
    return next(typed for typed, said in VERDICTS.items() if said == verdict)
