"""What a fleet of bioreactors is made of at a moment: its truth, what acts on it, and what passed.

Every array has one entry a bioreactor, (N,), or one a zone and bioreactor, (2, N): zone `LOWER` has sparger
and probes, zone `UPPER` has feed, base and the surface. The zones of a vessel are equal in volume.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LOWER, UPPER = 0, 1
ZONES = 2


class Species(IntEnum):
    """What is dissolved or suspended in the broth: the first index of `State.broth`."""

    BIOMASS = 0
    """Living cells, g dry mass / L."""
    DEAD = 1
    """Dead cells and debris, g dry mass / L."""
    SUBSTRATE = 2
    """The carbon source (glucose), g/L."""
    OVERFLOW = 3
    """What the organism gives off at overflow (acetate, ethanol or lactate), g/L."""
    PRODUCT = 4
    """g/L."""
    NITROGEN = 5
    """Ammonia and ammonium together, mmol/L."""
    COSUBSTRATE = 6
    """Glutamine of CHO, phenylacetic acid of P. chrysogenum, else 0; mmol/L."""
    OXYGEN = 7
    """Dissolved, mmol/L."""
    CARBONATE = 8
    """Carbon dioxide, bicarbonate and carbonate together, mmol/L."""
    STRONG_IONS = 9
    """Charge of strong cations less that of strong anions, mmol/L."""
    PHOSPHATE = 10
    """All forms together, mmol/L."""
    ANTIFOAM = 11
    """mL/L."""
    CONTAMINANT = 12
    """A foreign bacterium, g dry mass / L."""
    FOREIGN_ACID = 13
    """The lactic acid that it makes, g/L."""


@dataclass(slots=True)
class State:
    """The truth about N bioreactors.

    Attributes:
        broth: (len(Species), 2, N) concentrations.
        volume_l: (N,) broth without gas.
        ph: (2, N).
        temperature_c, jacket_c: (N,) of broth and of the water in the jacket.
        head_o2, head_co2: (N,) dry mole fractions in the head space.
        pressure_bar: (N,) absolute, in the head space.
        speed_per_min: (N,) of the stirrer.
        foam_cm: (N,) height of the foam.
        filter_load: (N,) 0 clean to 1 blocked: the exhaust filter, wetted by foam.
        hours: (N,) since inoculation.
        mass_kg: (N,) of the contents.
    """

    broth: Floats
    volume_l: Floats
    ph: Floats
    temperature_c: Floats
    jacket_c: Floats
    head_o2: Floats
    head_co2: Floats
    pressure_bar: Floats
    speed_per_min: Floats
    foam_cm: Floats
    filter_load: Floats
    hours: Floats
    mass_kg: Floats

    @property
    def count(self) -> int:
        """How many bioreactors."""
        return int(self.volume_l.size)


class _Row:
    """Arrays of one entry a bioreactor, all zero at first."""

    @classmethod
    def zeros(cls, count: int) -> Self:
        """All entries 0."""
        return cls(**{field.name: np.zeros(count) for field in fields(cls)})  # type: ignore[arg-type]  # a dataclass


@dataclass(slots=True)
class Actuators(_Row):
    """What controllers and operators have set; (N,) each.

    Gas in standard litres a minute (0 °C, 1.01325 bar), pumps in L/h, valves 0 to 1.
    """

    speed_per_min: Floats
    air_l_min: Floats
    o2_l_min: Floats
    n2_l_min: Floats
    co2_l_min: Floats
    pressure_bar: Floats
    """Set point of the head space, absolute."""
    feed_l_h: Floats
    cosubstrate_l_h: Floats
    base_l_h: Floats
    acid_l_h: Floats
    antifoam_l_h: Floats
    cooling_valve: Floats
    """Share of the coolant's full flow through the jacket."""
    heater_w: Floats
    sample_l: Floats
    """Drawn at once at the beginning of the step; set back to 0 by it."""


@dataclass(slots=True)
class Disturbances(_Row):
    """What faults do to the process itself; all 0 in health. (N,) each.

    Shares are of what is lost: 1 is all of it.
    """

    drive_lost: Floats
    gas_lost: Floats
    """Share of the sparged gas that does not arrive (a gas valve stuck shut; negative: stuck open)."""
    cooling_stuck: Floats
    """1: the cooling valve stands at `cooling_stuck_at` whatever is asked."""
    cooling_stuck_at: Floats
    feed_lost: Floats
    """Share of the feed that does not arrive; negative where the pump gives too much."""
    base_lost: Floats
    foam_drive: Floats
    """Added to the foaming of the broth, cm/min."""
    filter_fouling_per_h: Floats
    """Rate at which the exhaust filter clogs."""
    contamination_g_l: Floats
    """Foreign cells put in at the beginning of the step; set back to 0 by it."""
    lysis_per_h: Floats
    """Rate at which a phage bursts living cells."""
    power_lost: Floats
    """1: stirrer, pumps, gas valves and heater are without current."""


@dataclass(slots=True)
class Flux(_Row):
    """What passed in the last step, (N,) each: mean over broth and step.

    Rates per litre of broth and hour; heat in W.
    """

    kla_per_h: Floats
    kla_lower_per_h: Floats
    otr: Floats
    ctr: Floats
    our: Floats
    cer: Floats
    growth_per_h: Floats
    """Of the living cells, before death."""
    substrate_g_l_h: Floats
    """Uptake of the carbon source."""
    overflow_g_l_h: Floats
    """Given off, less eaten again."""
    product_g_l_h: Floats
    gas_in_mol_h: Floats
    inlet_o2: Floats
    """Dry mole fraction, as are the next."""
    inlet_co2: Floats
    gas_out_mol_h: Floats
    """Dry gas that leaves the head space."""
    evaporation_kg_h: Floats
    stirring_w: Floats
    metabolism_w: Floats
    cooling_w: Floats
    """From the broth to the jacket; negative when the jacket heats."""
    torque_n_m: Floats
    jacket_flow_l_min: Floats
    jacket_out_c: Floats
    feed_l_h: Floats
    """What the pumps really gave, as do the next."""
    cosubstrate_l_h: Floats
    base_l_h: Floats
    acid_l_h: Floats
    antifoam_l_h: Floats
    heater_w: Floats
    saturation_mmol_l: Floats
    """Dissolved oxygen of the lower zone's medium at 100 % (air, standard pressure, this temperature)."""


@dataclass(slots=True)
class Ledger(_Row):
    """What has passed since the beginning, (N,) each, to close balances by.

    Amounts in mol, kg and J. In: into the vessel; what the cells make or use is named so.
    """

    o2_in: Floats
    o2_out: Floats
    o2_used: Floats
    carbon_in: Floats
    """Gas, feed, co-substrate."""
    carbon_out: Floats
    """Gas, samples."""
    nitrogen_in: Floats
    nitrogen_out: Floats
    mass_in: Floats
    mass_out: Floats
    heat_metabolism: Floats
    heat_stirring: Floats
    heat_jacket: Floats
    """To the jacket."""
    heat_surroundings: Floats
    heat_evaporation: Floats
    heat_flows: Floats
    """Brought by what is added, less carried off by what is drawn, against 0 °C."""
    feed_l: Floats
    cosubstrate_l: Floats
    base_l: Floats
    acid_l: Floats
    antifoam_l: Floats
    sampled_l: Floats
