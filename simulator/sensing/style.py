"""How faithfully a plant's devices report: from every second of everything to what poor networks leave."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Style:
    """One way of reporting.

    Attributes:
        own_intervals: each signal at the dictionary's interval; else everything at every step.
        by_exception: held signals and totals only when they moved, or after `heartbeat_s`.
        heartbeat_s: a held signal is repeated after so long.
        dropped: share of single samples that never arrive.
        dropped_rows: share of whole rows that never arrive.
        late_rows: share of whole rows that arrive late.
        late_s: mean delay of those.
        clock_offset_s: spread of the devices' clocks.
        clock_drift_ppm: spread of the speed at which they run off.
    """

    name: str
    own_intervals: bool = False
    by_exception: bool = False
    heartbeat_s: float = 30.0
    dropped: float = 0.0
    dropped_rows: float = 0.0
    late_rows: float = 0.0
    late_s: float = 8.0
    clock_offset_s: float = 0.0
    clock_drift_ppm: float = 0.0

    @property
    def at_random(self) -> bool:
        """True if anything is dropped or late."""
        return max(self.dropped, self.dropped_rows, self.late_rows) > 0.0


CLEAN = Style("clean")
"""Everything at every step, at once, on time."""

PLANT = Style("plant", own_intervals=True, by_exception=True, clock_offset_s=0.02)
"""A sound plant: mixed intervals, held signals by exception, clocks kept by NTP to some 20 ms."""

POOR = Style(
    "poor",
    own_intervals=True,
    by_exception=True,
    dropped=0.005,
    dropped_rows=0.01,
    late_rows=0.02,
    clock_offset_s=2.0,
    clock_drift_ppm=20.0,
)
"""Free-running clocks (20 ppm: 1.7 s a day, usual for quartz), wireless bridges and full buffers."""

STYLES: Mapping[str, Style] = MappingProxyType({style.name: style for style in (CLEAN, PLANT, POOR)})


def style(name: str) -> Style:
    """The style of that name.

    Raises:
        SettingsError: there is none.
    """
    found = STYLES.get(name)
    if found is None:
        raise SettingsError(
            f"There is no way of reporting called {name}.", next_step=f"choose among {', '.join(STYLES)}"
        )
    return found
