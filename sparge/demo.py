"""The demonstration: two simulated bioreactors, one goes wrong, its alert, and that read back."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from schemas.errors import PartFailed, StorageError
from simulator.faulting.fault import parse
from simulator.fleet import Fleet, Reactor
from simulator.sensing.style import PLANT
from sparge.alarm_feed import AlarmFeed
from sparge.live import US_PER_S, Clock, LiveFleet
from sparge.times import to_us
from storage import queries
from streams.batch_sender import BatchSender
from streams.fleet_publisher import FleetPublisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from schemas.alarm import AlarmTransition
    from simulator.faulting.truth import Truth
    from sparge.settings import Settings
    from storage.table import Table

T = TypeVar("T")

SITE = "demo"
SMALL, LARGE = Reactor("BR-01", "e_coli", "2L", 1), Reactor("BR-02", "e_coli", "200L", 2)
FAULTED, HEALTHY = f"{SITE}/{SMALL.name}", f"{SITE}/{LARGE.name}"
START_H = 8.0
"""Culture hour at which both begin: dense enough that a lost stirrer shows within seconds."""

HEALTHY_S = 10.0
"""Both are seen to be well for so long before one goes wrong."""

POLL_S = 0.3
SILENT = "silent"


def cultures() -> Fleet:
    """Grow both bioreactors to the hour at which they begin; takes some seconds."""
    return Fleet([SMALL, LARGE], start_h=START_H, style=PLANT)


class EndedEarly(PartFailed):
    """The demonstration was ended before it was over."""


class Scenario:
    """What happens, in three threads: samples stream, alarms are heard, and the story is told.

    Args:
        settings: name broker and database.
        fault: what goes wrong, as the simulator writes it without its time: `lost_stirrer`.
        fleet: both bioreactors, as soon as they are grown.
        tell: takes a line about what happened.
        show: takes an alarm transition.
        ended: set when all of it must end.
    """

    def __init__(
        self,
        settings: Settings,
        fault: str,
        fleet: Future[Fleet],
        *,
        tell: Callable[[str], None],
        show: Callable[[AlarmTransition], None],
        ended: threading.Event,
    ) -> None:
        self.waits_for = "the workers"
        self._broker = settings.kafka()
        self._conninfo = settings.conninfo()
        self._fault = fault
        self._tell = tell
        self._show = show
        self._ended = ended
        self._began_us = time.time_ns() // 1000
        self._origin_us = 0
        self._growing = fleet
        self._live: LiveFleet | None = None
        self._turn = threading.Lock()
        self._heard: list[AlarmTransition] = []
        self._feed = AlarmFeed(self._broker)
        self._feed.present()

    def stream(self) -> None:
        """Publish both bioreactors, second by second, until the end."""
        fleet = self._growing.result()
        self._origin_us = time.time_ns() // 1000
        clock = Clock(self._origin_us, self._origin_us)
        with FleetPublisher(self._broker) as publisher, BatchSender(self._broker) as events:
            self._live = live = LiveFleet(fleet, publisher, events, clock, site=SITE, member=SITE)
            while not self._ended.is_set():
                with self._turn:
                    live.advance(time.time_ns() // 1000)
                self._ended.wait(max(0.0, (live.next_due_us() - time.time_ns() // 1000) / US_PER_S))

    def listen(self) -> None:
        """Hear alarms from their topic, as an operator does, until the end."""
        for transition in self._feed.follow(self._ended.is_set, lambda error: self._tell(error.message)):
            self._heard.append(transition)
            self._show(transition)

    def play(self, *, on_fault: Callable[[Truth], None]) -> AlarmTransition:
        """Let one bioreactor go wrong; returns its alert, stored and read back.

        Raises:
            PartFailed: the other bioreactor has an alarm, too.
            EndedEarly: somebody wished it to end.
        """
        self.waits_for = "both bioreactors to be seen in the database"
        self._until(self._both_stored)
        fleet = self._growing.result()
        self._tell(
            f"{FAULTED} (2 L) and {HEALTHY} (200 L) stream, {len(fleet.measured(0))} signals each, "
            "and are stored."
        )
        self._until(self._well_for_long_enough)
        truth = self._inject()
        self._tell(f"Fault put into {FAULTED}: {truth.kind}. {HEALTHY} goes on as before.")
        on_fault(truth)
        self.waits_for = f"an alert on {FAULTED} {' or '.join(truth.signals[:3])}"
        alert = self._until(lambda: self._alert_on(truth))
        self.waits_for = f"the alert {alert.alarm_id} to be read back from the database"
        self._until(lambda: self._is_stored(alert))
        self._refuse_alarm_on_the_other()
        return alert

    def _until(self, look: Callable[[], T | None]) -> T:
        """Wait until `look` finds something; a database that does not answer yet is waited for."""
        while not self._ended.is_set():
            try:
                found = look()
            except StorageError as error:
                self.waits_for = f"the database: {error.message}"
                found = None
            if found:
                return found
            self._ended.wait(POLL_S)
        raise EndedEarly

    def _both_stored(self) -> bool:
        with queries.reading(self._conninfo, application="sparge demo") as connection:
            rows = list(_rows(queries.units(connection)))
        recorded_us = {
            f"{row['site']}/{row['unit']}": to_us(row["last_recorded"])
            for row in rows
            if row["last_recorded"]
        }
        return all(recorded_us.get(key, 0) >= self._began_us for key in (FAULTED, HEALTHY))

    def _well_for_long_enough(self) -> bool:
        return self._growing.result().time_s >= HEALTHY_S

    def _inject(self) -> Truth:
        fleet = self._growing.result()
        with self._turn:
            fleet.inject(parse(f"{SMALL.name}/{self._fault}@{math.ceil(fleet.time_s) + 1}"))
        return fleet.truths(self._origin_us)[-1]

    def _alert_on(self, truth: Truth) -> AlarmTransition | None:
        for heard in self._heard:
            concerned = heard.signal in truth.signals or heard.condition == SILENT
            late_enough = truth.start_us is not None and heard.time_us >= truth.start_us
            if heard.key == FAULTED and heard.event == "raised" and concerned and late_enough:
                return heard
        return None

    def _is_stored(self, alert: AlarmTransition) -> bool:
        with queries.reading(self._conninfo, application="sparge demo") as connection:
            alarms = _rows(queries.alarms(connection, FAULTED))
            return any(
                row["alarm_id"] == alert.alarm_id and to_us(row["since"]) == alert.since_us for row in alarms
            )

    def _refuse_alarm_on_the_other(self) -> None:
        with queries.reading(self._conninfo, application="sparge demo") as connection:
            stored = [row["alarm_id"] for row in _rows(queries.alarms(connection, HEALTHY, active_only=True))]
        heard = [
            one.alarm_id
            for one in self._heard
            if one.key == HEALTHY and one.event == "raised" and one.time_us >= self._origin_us
        ]
        if stored or heard:
            raise PartFailed(
                f"{HEALTHY}, in which nothing is wrong, has an alarm: {', '.join({*stored, *heard})}.",
                next_step="look at its samples and at the limits in agents/alarms/rationalisation.yaml",
            )


def _rows(table: Table) -> Iterable[dict[str, Any]]:
    return (dict(zip(table.columns, row, strict=True)) for row in table.rows())
