"""Everything that is decided about one unit: limits, signal health, alarms, anomaly scores and forecasts.

Pure: time is the recorded time of the log and comes in as `now_us`; state is in the object and its snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.alarm import AlarmTransition
    from schemas.decoding import Frame
    from schemas.forecast import ForecastMessage
    from schemas.score import ScoreMessage
    from schemas.source import Source


class UnitWatch:
    """The live state of one unit; see `snapshot` for what of it survives a restart."""

    def __init__(self, site: str, unit: str) -> None:
        self.site = site
        self.unit = unit

    def on_frame(
        self, frame: Frame, now_us: int, at: Callable[[], Source]
    ) -> list[AlarmTransition | ScoreMessage | ForecastMessage]:
        """Judge a frame recorded at `now_us`; `at` gives the next source id of the message being handled."""
        del frame, now_us, at
        return []

    def on_tick(self, now_us: int, at: Callable[[], Source]) -> list[AlarmTransition]:
        """Let the time of the log reach `now_us` without a frame of this unit."""
        del now_us, at
        return []

    def snapshot(self) -> bytes:
        """Return the alarm and health memory as JSON."""
        return b"{}"

    @classmethod
    def restore(cls, site: str, unit: str, snapshot: bytes) -> Self:
        """Return a watch that goes on where `snapshot` was taken; models start anew in their grace period."""
        del snapshot
        return cls(site, unit)
