"""One 2 L fed-batch of Escherichia coli with its controllers and instruments, read once a second.

Batch phase on 15 g/L glucose, then an exponential feed that lets the cells grow at 0.15 /h, then a constant
feed. Dissolved oxygen is held at 35 % by the stirrer, pH at 7.0 by ammonia, temperature at 37 °C by the
jacket. The controllers act on what the instruments show: a hanging probe misleads its controller as in life.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from analysis.gas_balance import DRY_AIR_CO2, DRY_AIR_O2
from analysis.oxygen import STANDARD_PRESSURE_BAR
from simulator.control import PI, ShotPump
from simulator.culture import Strain
from simulator.feed import Feed
from simulator.instruments import UNITS, Panel
from simulator.preroll import Aim, grow
from simulator.process import SECONDS_PER_H, Actuators, Flux, Process, State, solubility
from simulator.vessel import Vessel

SIGNALS: tuple[str, ...] = tuple(UNITS)
DO_SETPOINT = 35.0
PH_SETPOINT = 7.0
TEMPERATURE_SETPOINT_C = 37.0
STIRRER_PER_MIN = (300.0, 1200.0)
GAS_L_MIN = 1.5
PRESSURE_BAR = 1.05
BATCH_GLUCOSE_G_L = 15.0
STEPS_PER_S = 4
"""Internal steps a second; the fastest explicit balance, glucose in a dense culture, settles in 3 s."""
SETTLING_S = 600
"""Simulated in full at the end of a pre-roll, so that controllers and probes are where they would be."""


class FedBatch:
    """A fed-batch from inoculation or from any later hour; the same seed gives the same culture and noise.

    Args:
        seed: of the batch-to-batch differences (inoculum, growth, oxygen transfer) and of the noise.
        start_h: culture hour to begin at; what lies before is grown in well under a second.

    Raises:
        ValueError: start_h is negative.
    """

    def __init__(self, seed: int, start_h: float = 0.0) -> None:
        if start_h < 0.0:
            raise ValueError(f"start_h {start_h}: a culture begins at hour 0")
        batch = np.random.default_rng([seed, 0])
        growth, transfer, inoculum = batch.normal(1.0, (0.02, 0.05, 0.04)).tolist()
        self._feed = Feed()
        self._process = Process(
            Strain(uptake_max=1.15 * growth), Vessel(kla_factor=0.85 * transfer), self._feed.feed_g_l
        )
        self._full = solubility(
            self._process.vessel, TEMPERATURE_SETPOINT_C, DRY_AIR_O2, STANDARD_PRESSURE_BAR
        )
        self._set_to = Actuators(STIRRER_PER_MIN[0], GAS_L_MIN, PRESSURE_BAR, feed_l_h=0.0, jacket_w=0.0)
        self.state = State(
            hours=0.0,
            biomass_g_l=0.3 * inoculum,
            glucose_g_l=BATCH_GLUCOSE_G_L,
            acetate_g_l=0.0,
            oxygen_mmol_l=self._full,
            carbonate_mmol_l=0.0,
            ph=PH_SETPOINT,
            temperature_c=TEMPERATURE_SETPOINT_C,
            volume_l=1.2,
            gas_o2=DRY_AIR_O2,
            gas_co2=DRY_AIR_CO2,
            speed_per_min=STIRRER_PER_MIN[0],
            jacket_w=0.0,
        )
        settling_s = min(SETTLING_S, int(start_h * SECONDS_PER_H))
        aim = Aim(DO_SETPOINT / 100.0 * self._full, STIRRER_PER_MIN)
        grown_h = start_h - settling_s / SECONDS_PER_H
        base_ml_h = grow(self._process, self.state, self._set_to, feed=self._feed, aim=aim, hours=grown_h)
        self._stirrer = PI(DO_SETPOINT, 2.0, 40.0, *STIRRER_PER_MIN, integral=self._set_to.speed_per_min)
        self._jacket = PI(TEMPERATURE_SETPOINT_C, 60.0, 400.0, -60.0, 120.0, integral=self._set_to.jacket_w)
        self._base = PI(PH_SETPOINT, 100.0, 1200.0, 0.0, 60.0, integral=base_ml_h)
        self._base_pump = ShotPump(shot_ml=0.02)
        self._panel = Panel(np.random.default_rng([seed, 1]))
        self.flux: Flux
        for _ in range(max(1, settling_s)):
            self._second()

    @property
    def hours(self) -> float:
        """Culture time since inoculation."""
        return self.state.hours

    @property
    def fed(self) -> bool:
        """True once the batch phase is over and the feed has begun."""
        return self._feed.started

    @property
    def units(self) -> Mapping[str, str]:
        """UCUM unit of each signal."""
        return MappingProxyType(dict(UNITS))

    def drive_stirrer(self, *, works: bool) -> None:
        """Give or take the stirrer's torque; without it the impeller stops within a second."""
        self._set_to.drive = works

    def hang(self, signals: Iterable[str]) -> None:
        """Let exactly these instruments repeat their last reading, to the bit; all others read on."""
        self._panel.hang(signals)

    def step(self, dt_s: float = 1.0) -> Mapping[str, float]:
        """Move on by a whole number of seconds; the readings at their end, in `units`.

        Raises:
            ValueError: dt_s is not a whole number of seconds, or none.
        """
        if dt_s < 1.0 or dt_s != int(dt_s):
            raise ValueError(f"dt_s {dt_s}: instruments are read once a second")
        for _ in range(int(dt_s) - 1):
            self._second()
        return self._second()

    def _second(self) -> dict[str, float]:
        for _ in range(STEPS_PER_S):
            self.flux = self._process.advance(self.state, self._set_to, 1.0 / STEPS_PER_S)
        readings = self._panel.read(self._truth())
        self._control(readings)
        return readings

    def _truth(self) -> dict[str, float]:
        state, set_to = self.state, self._set_to
        return {
            "pH": state.ph,
            "DO": 100.0 * state.oxygen_mmol_l / self._full,
            "temperature": state.temperature_c,
            "agitation": state.speed_per_min,
            "gas_flow": set_to.gas_l_min,
            "volume": state.volume_l,
            "feed_rate": set_to.feed_l_h,
            "offgas_O2": 100.0 * state.gas_o2,
            "offgas_CO2": 100.0 * state.gas_co2,
            "pressure": set_to.pressure_bar,
        }

    def _control(self, readings: Mapping[str, float]) -> None:
        set_to, state = self._set_to, self.state
        set_to.speed_per_min = self._stirrer.output(readings["DO"], 1.0)
        set_to.jacket_w = self._jacket.output(readings["temperature"], 1.0)
        base_ml_h = self._base.output(readings["pH"], 1.0)
        self._process.dose_base(state, self._base_pump.dose_ml(base_ml_h, 1.0))
        set_to.feed_l_h = self._feed.rate(self._process.strain, state)
