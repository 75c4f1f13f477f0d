"""The real recording, to the sample. Skipped where the data are not."""

from __future__ import annotations

import os
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from streams.importers import Import, read
from tests.unit.importers.export import BERLIN, options

DATA = Path(os.environ.get("SPARGE_DATA") or Path(__file__).parents[4] / "shared" / "data")
RECORDING = DATA / "dasgip" / "B_subtilis_2_reactors.Control.csv"

pytestmark = pytest.mark.skipif(
    not RECORDING.exists(), reason="the DASGIP recording is not in the data directory"
)


@cache
def _recording() -> Import:
    return read(RECORDING, options())


def test_every_numeric_value_of_the_recording_is_there() -> None:
    found = _recording()
    assert [(each.unit, each.total) for each in found.units] == [("unit-1", 8158), ("unit-2", 4194)]
    assert found.total == 12_352
    carried = sum(len(column.values) for frame in found.frames() for column in frame.signals.values())
    assert carried == 12_352


def test_oxygen_transfer_of_unit_1_is_45_304_at_16_52_36_local_time() -> None:
    first = _recording().units[0]
    local = datetime(2018, 7, 26, 16, 52, 36, tzinfo=BERLIN)
    values = dict(zip(first.time_us, first.rows, strict=True))[int(local.timestamp()) * 1_000_000]
    assert values["OTR"] == 45.304
    assert first.units["OTR"] == "mmol.L-1.h-1"
