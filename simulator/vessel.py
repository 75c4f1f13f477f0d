"""The 2 L stirred glass vessel: geometry, oxygen transfer, heat."""

from dataclasses import dataclass

from analysis.hydrodynamics import gas_velocity, gassed_power, sparging_power, ungassed_power
from analysis.oxygen import KELVIN, STANDARD_PRESSURE_BAR, Broth, kla_per_h

DENSITY_KG_M3 = 1000.0
HEAT_CAPACITY_J_KG_K = 4180.0
HEAT_OF_RESPIRATION_J_MMOL = 460.0
"""Heat of aerobic growth by the oxygen used (Cooney, Wang and Mateles 1969)."""


@dataclass(frozen=True, slots=True)
class Vessel:
    """A bench vessel with two Rushton turbines."""

    impeller_m: float = 0.053
    diameter_m: float = 0.13
    impellers: int = 2
    power_number: float = 5.0
    total_l: float = 2.8
    kla_factor: float = 0.85
    """What antifoam and cells leave of the kLa of clean salt solution."""
    oxygen_solubility: float = 0.93
    """What medium leaves of the solubility in water."""
    heat_loss_w_k: float = 1.2
    surroundings_c: float = 22.0

    def power_w(self, speed_per_min: float, gas_m3_s: float) -> float:
        """Power that the stirrer gives to the gassed broth."""
        speed = speed_per_min / 60.0
        alone = ungassed_power(self.impellers, self.power_number, DENSITY_KG_M3, speed, self.impeller_m)
        return gassed_power(alone, speed, self.impeller_m, gas_m3_s)

    def kla(self, speed_per_min: float, gas_m3_s: float, volume_l: float) -> float:
        """Oxygen transfer coefficient in 1/h; with the stirrer at rest, what the rising gas alone gives."""
        velocity = gas_velocity(gas_m3_s, self.diameter_m)
        power = self.power_w(speed_per_min, gas_m3_s) / (volume_l / 1000.0)
        power += sparging_power(DENSITY_KG_M3, velocity)
        return self.kla_factor * kla_per_h(power, velocity, Broth.NON_COALESCING)

    def speed_for(self, kla: float, gas_m3_s: float, volume_l: float, bounds: tuple[float, float]) -> float:
        """Stirrer speed per minute within `bounds` that comes nearest to `kla` (1/h)."""
        low, high = bounds
        for _ in range(40):
            middle = 0.5 * (low + high)
            if self.kla(middle, gas_m3_s, volume_l) < kla:
                low = middle
            else:
                high = middle
        return 0.5 * (low + high)

    def heat_loss_w(self, temperature_c: float) -> float:
        """Heat lost to the room."""
        return self.heat_loss_w_k * (temperature_c - self.surroundings_c)


def actual_flow(standard_l_per_min: float, temperature_c: float, pressure_bar: float) -> float:
    """Gas flow in m³/s as it is in the vessel, of standard litres (0 °C, 1.01325 bar) a minute."""
    expansion = (temperature_c + KELVIN) / KELVIN * STANDARD_PRESSURE_BAR / pressure_bar
    return standard_l_per_min / 60_000.0 * expansion
