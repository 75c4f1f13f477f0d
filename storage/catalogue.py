"""Numbers for the names of units, signals, models and input logs; each is created at first sight.

Creation commits by itself, on a connection of its own: the transaction that writes rows is long, and another
worker that meets the same new name must not wait for it. A name without rows, left by a transaction that was
rolled back, harms nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from schemas.signals import spec
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from schemas.score import ModelRef
    from storage.connection import BoundedConnection


@dataclass(frozen=True, slots=True)
class Signal:
    """A stored signal; ucum is the unit of its values, None until a frame has said it."""

    signal_id: int
    ucum: str | None


class SignalName(NamedTuple):
    """A signal of the unit `key`, `site/unit`."""

    key: str
    name: str


Place: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...]]
"""A unit, `site/unit`, and the names and units of the signals of a frame of it."""

MOST_LAYOUTS = 4096
"""Layouts that are remembered; when there are more they are all looked up again."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The signals of a frame as they are stored.

    signal_ids: (S,). conversions: (place, scale, offset) of those whose stored unit is another one.
    """

    signal_ids: NDArray[np.int32]
    conversions: tuple[tuple[int, float, float], ...]


class Catalogue:
    """Names that were looked up once; `connection` gives the connection to look up the others on."""

    def __init__(self, connection: Callable[[], BoundedConnection]) -> None:
        self._connection = connection
        self._units: dict[str, int] = {}
        self._signals: dict[SignalName, Signal] = {}
        self.layouts: dict[Place, Layout] = {}
        self._newest_us = 0
        self._models: dict[tuple[str, str, str], int] = {}
        self._source_logs: dict[tuple[str, str], int] = {}

    def units(self, keys: Collection[str]) -> Mapping[str, int]:
        """unit_id of each of these units, and perhaps of more."""
        missing = sorted({key for key in keys if key not in self._units})
        if missing:
            connection = self._connection()
            sites, units = zip(*(key.split("/", 1) for key in missing), strict=True)
            connection.execute(statement("sites_add"), {"sites": list(sites)})
            connection.execute(statement("units_add"), {"sites": list(sites), "units": list(units)})
            rows = connection.execute(statement("units_find"), {"keys": missing}).fetchall()
            self._units.update(rows)
        return self._units

    def signals(self, wanted: Mapping[SignalName, str | None]) -> Mapping[SignalName, Signal]:
        """Each of these signals, and perhaps more.

        wanted: the unit that a new signal gets; None where only results are known of it. A signal of the
            dictionary gets its canonical unit. One that exists keeps its unit, so the answer's may differ.
        """
        missing = sorted(
            name
            for name, ucum in wanted.items()
            if name not in self._signals or (ucum is not None and self._signals[name].ucum is None)
        )
        if missing:
            unit_ids = self.units({name.key for name in missing})
            keys = {unit_ids[name.key]: name.key for name in missing}
            specs = [spec(name.name) for name in missing]
            parameters = {
                "unit_ids": [unit_ids[name.key] for name in missing],
                "names": [name.name for name in missing],
                "ucums": [s.unit if s else wanted[name] for s, name in zip(specs, missing, strict=True)],
                "declared": [s is not None for s in specs],
            }
            connection = self._connection()
            connection.execute(statement("signals_add"), parameters)
            connection.execute(statement("signals_settle"), parameters)
            for unit_id, name, signal_id, ucum in connection.execute(statement("signals_find"), parameters):
                self._signals[SignalName(keys[unit_id], name)] = Signal(signal_id, ucum)
        return self._signals

    def keep(self, place: Place, layout: Layout) -> None:
        """Remember which signals a frame has."""
        if len(self.layouts) >= MOST_LAYOUTS:
            self.layouts.clear()
        self.layouts[place] = layout

    def behind(self, recorded_us: int) -> bool:
        """Whether something recorded later has been written already; remembers this one."""
        behind = recorded_us < self._newest_us
        self._newest_us = max(self._newest_us, recorded_us)
        return behind

    def model(self, model: ModelRef) -> int:
        """model_id of this model."""
        known = (model.name, model.version, model.digest)
        if known not in self._models:
            parameters = {"name": model.name, "version": model.version, "digest": model.digest}
            self._models[known] = self._create("models", parameters)
        return self._models[known]

    def source_log(self, topic_id: str, topic: str) -> int:
        """source_log_id of this input log."""
        known = (topic_id, topic)
        if known not in self._source_logs:
            parameters = {"topic_id": topic_id, "topic": topic}
            self._source_logs[known] = self._create("source_logs", parameters)
        return self._source_logs[known]

    def _create(self, table: str, parameters: Mapping[str, str]) -> int:
        connection = self._connection()
        connection.execute(statement(f"{table}_add"), parameters)
        row = connection.execute(statement(f"{table}_find"), parameters).fetchone()
        assert row is not None  # noqa: S101 - the statement before has created it
        return int(row[0])

    def forget(self) -> None:
        """Look everything up again: the database may be another one, such as yesterday's backup."""
        self._newest_us = 0
        for cache in (self._units, self._signals, self.layouts, self._models, self._source_logs):
            cache.clear()
