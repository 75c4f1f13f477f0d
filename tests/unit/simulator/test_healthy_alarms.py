"""Whole healthy batches of every culture, told as batches are, raise no alarm of a limit or of health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from simulator.organisms.organism import organism
from simulator.recipes.recipe import recipe
from simulator.vessels.vessel import vessel
from tests.unit.agents.frames import AlarmsAlone, Player, frame, sources, told, us
from tests.unit.simulator.batches import UNITS, recording

if TYPE_CHECKING:
    from schemas.alarm import AlarmTransition

HEALTHY = [unit for unit in UNITS if "hungry" not in unit]


def lived(unit: str) -> list[AlarmTransition]:
    """What the watch says of a batch that is sent once a minute, and told event by event."""
    batch, reactor = recording(), UNITS[unit]
    made = recipe(reactor.recipe)
    names = [name for name, rows in batch.readings.items() if np.isfinite(rows).any()]
    columns = dict(zip(names, batch.shown(unit, *names), strict=True))
    player = Player(AlarmsAlone())
    events = sorted(batch.phases[unit])
    outputs: list[AlarmTransition] = []
    for row, hours in enumerate(batch.hours.tolist()):
        while events and events[0][0] <= hours:
            begins_h, name = events.pop(0)
            player.second = round(begins_h * 3600.0)
            if not outputs and begins_h == 0:
                title = organism(made.organism).title.partition(",")[0]
                player.tell("start", phase=name, organism=title, scale_L=vessel(reactor.vessel).working_l)
            elif name == "end":
                player.tell("end")
            else:
                player.tell("phase", phase=name)
        at_s = hours * 3600.0
        values = {name: float(value[row]) for name, value in columns.items() if np.isfinite(value[row])}
        outputs += player.watch.on_frame(frame(values, at_s), us(at_s + 0.2), sources(row), player.batches)
    return outputs


@pytest.mark.parametrize("unit", HEALTHY)
def test_a_healthy_batch_raises_no_alarm(unit: str) -> None:
    assert told(lived(unit)) == []
