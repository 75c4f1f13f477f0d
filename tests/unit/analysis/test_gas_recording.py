"""The off-gas of two real fermentations, balanced here and by the system that recorded them.

The system states neither its inlet nor what it does about water. Its rates are those of the inert balance
with an inlet of 21 % O2 free of CO2 and an outlet read with 2.05 % of water in it: CTR within 0.5 %, in
the median 0.04 %. (As well explains them a dry outlet, an inlet of 20.57 % O2 and a flow 2.1 % higher
than stated. The recording cannot tell.)
"""

from __future__ import annotations

import csv
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from analysis.gas_balance import DRY_AIR, Exchange, Gas, dried, exchange, molar_flow

if TYPE_CHECKING:
    from analysis.elementwise import Array

DATA = Path(os.environ.get("SPARGE_DATA") or Path(__file__).parents[4] / "shared" / "data")
RECORDING = DATA / "dasgip" / "B_subtilis_2_reactors.Control.csv"
TRACKS = (
    "F{0}.PV [sL/h]",
    "V{0}.PV [mL]",
    "XO2 {0}.Out [%]",
    "XCO2 {0}.Out [%]",
    "OTR{0} [mM/h]",
    "CTR{0} [mM/h]",
)

pytestmark = pytest.mark.skipif(
    not RECORDING.exists(), reason="the DASGIP recording is not in the data directory"
)


@cache
def _reported() -> tuple[Array, ...]:
    """Flow, volume, O2, CO2, OTR, CTR where a unit reports the last four anew, at steady flow.

    The export repeats nothing: flow and volume, which hardly change, are those last reported.
    """
    lines = RECORDING.read_text(encoding="latin-1").splitlines()
    kept: list[list[float]] = []
    for unit in ("1", "2"):
        named = f"Unit {unit}."
        head = [n for n, line in enumerate(lines) if line.startswith('"Timestamp"') and named in line]
        rows = list(csv.reader(lines[head[0] : head[0] + 1400], delimiter=";"))
        columns = [rows[0].index(f"Unit {unit}.{track.format(unit)}") for track in TRACKS]
        last = [np.nan] * len(TRACKS)
        for minute, row in enumerate(rows[1:]):
            if len(row) < len(rows[0]) - 1 or not row[0]:
                break
            found = [row[column].strip() for column in columns]
            last = [float(new) if new else old for new, old in zip(found, last, strict=True)]
            if minute > 30 and all(found[2:]) and abs(last[0] - 48.0) < 0.02 and last[2] > 10.0:
                kept.append(last)
    return tuple(np.array(kept).T)


def _balanced(inlet: Gas[float], water: float) -> Exchange[Array]:
    flow, volume, o2, co2, _, _ = _reported()
    wet = Gas(o2 / 100.0, co2 / 100.0, np.full(len(o2), water))
    return exchange(molar_flow(flow / 60.0), inlet, dried(wet), volume / 1000.0)


def test_the_recordings_own_rates_are_those_of_a_wet_outlet() -> None:
    found = _balanced(Gas(0.21, 0.0), 0.0205)
    *_, otr, ctr = _reported()
    assert len(otr) == 50
    assert np.median(np.abs(found.cer - ctr)) < 0.001
    np.testing.assert_allclose(found.cer, ctr, rtol=5e-3)
    # O2 is reported to 0.01 %, which leaves OTR open by 0.1 mmol/L/h either way.
    assert np.median(np.abs(found.our - otr)) < 0.08


def test_dry_air_and_a_dry_outlet_do_not_explain_them() -> None:
    found = _balanced(DRY_AIR, 0.0)
    *_, otr, ctr = _reported()
    assert np.median(np.abs(found.cer - ctr)) > 0.8
    assert np.median(found.our - otr) > 10.0


def test_a_dry_outlet_implies_an_inlet_of_20_57_percent() -> None:
    flow, volume, o2, co2, otr, _ = _reported()
    per_l = 1000.0 * molar_flow(flow / 60.0) / (volume / 1000.0)
    share = o2 / (100.0 - o2 - co2)
    implied = (otr / per_l + share) / (1.0 + share)
    assert np.median(implied) == pytest.approx(0.2057, abs=2e-4)
