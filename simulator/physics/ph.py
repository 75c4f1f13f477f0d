"""pH by the balance of charges: strong ions, ammonia, phosphate, carbonate, acids and the cells' own groups.

Constants at the ionic strength of a medium (about 0.15 mol/L), near 30 °C: textbook values at 25 °C and
infinite dilution shifted after Davies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.organisms.compounds import LACTIC_ACID
from simulator.physics.state import Species

if TYPE_CHECKING:
    from simulator.physics.stacks import Cells
    from simulator.physics.state import Floats

WATER_PK = 13.7
AMMONIUM_PK = 9.2
CARBONIC_PK = 6.15
BICARBONATE_PK = 9.9
PHOSPHATE_PK = 6.75
"""H2PO4- to HPO4--; the first lies far below what a culture sees, the third far above: left out."""
CELL_BUFFER_MMOL_G_PH = 0.1
CELL_NEUTRAL_PH = 5.5
"""Groups on the cells' surface (rule of practice)."""
LN10 = 2.302585092994046
STEPS = 2
LONGEST_STEP = 0.7
PH_RANGE = (0.5, 13.5)

_K_CARBONIC, _K_BICARBONATE = 10.0**-CARBONIC_PK, 10.0**-BICARBONATE_PK
_ROOT = (0.25 * _K_CARBONIC**2 - _K_CARBONIC * _K_BICARBONATE) ** 0.5
_CARBONATE_SITES = (0.5 * _K_CARBONIC + _ROOT, 0.5 * _K_CARBONIC - _ROOT)
"""Two independent sites with these constants bear exactly the charge of the acid of two steps."""
_WATER_MMOL = 10.0 ** (6.0 - WATER_PK)


def site_constants(cells: Cells) -> Floats:
    """Dissociation constants, mol/L, of every acid group in the broth, (7, 1, N); 0 for what is no acid.

    In the order of `Charges.sites`: ammonium, carbonate twice, phosphate, overflow product, co-substrate,
    lactate.
    """
    none = np.zeros_like(cells.overflow_pk)
    fixed = (10.0**-AMMONIUM_PK, *_CARBONATE_SITES, 10.0**-PHOSPHATE_PK)
    rows = [none + constant for constant in fixed]
    rows += [10.0**-cells.overflow_pk, 10.0**-cells.cosubstrate_pk, none + 10.0**-LACTIC_ACID.acid_pk]
    return np.stack(rows)[:, None, :]


@dataclass(frozen=True, slots=True)
class Charges:
    """What bears charge, mmol/L.

    Attributes:
        fixed: (2, N) charge whatever the pH: strong ions, ammonium as if all were charged, the first proton
            of phosphate.
        sites: (7, 2, N) acid groups that lose one positive charge each when they dissociate.
        buffer: (2, N) of the cells, per unit of pH.
    """

    fixed: Floats
    sites: Floats
    buffer: Floats


def charges(cells: Cells, broth: Floats) -> Charges:
    """Read from the broth."""
    nitrogen, carbonate, phosphate = (
        broth[Species.NITROGEN],
        broth[Species.CARBONATE],
        broth[Species.PHOSPHATE],
    )
    sites = np.empty((7, *nitrogen.shape))
    sites[0], sites[1], sites[2], sites[3] = nitrogen, carbonate, carbonate, phosphate
    sites[4] = broth[Species.OVERFLOW] * cells.overflow_mmol_g
    sites[5] = broth[Species.COSUBSTRATE]
    sites[6] = broth[Species.FOREIGN_ACID] * (1000.0 / LACTIC_ACID.mass_g_mol)
    return Charges(
        fixed=broth[Species.STRONG_IONS] + nitrogen - phosphate,
        sites=sites,
        buffer=CELL_BUFFER_MMOL_G_PH * (broth[Species.BIOMASS] + broth[Species.DEAD]),
    )


def net_charge(bearers: Charges, constants: Floats, ph: Floats) -> tuple[Floats, Floats]:
    """Net positive charge in mmol/L at that pH, and the buffer capacity -d(charge)/d(pH); (2, N) each."""
    proton = np.exp(-LN10 * ph)
    free, hydroxide = 1000.0 * proton, _WATER_MMOL / (1000.0 * proton)
    lost = constants / (constants + proton)
    given = bearers.sites * lost
    charge = bearers.fixed + free - hydroxide - given.sum(axis=0) - bearers.buffer * (ph - CELL_NEUTRAL_PH)
    buffer = free + hydroxide + (given * (1.0 - lost)).sum(axis=0)
    return charge, LN10 * buffer + bearers.buffer


def next_ph(bearers: Charges, constants: Floats, ph: Floats, steps: int = STEPS) -> Floats:
    """The pH by Newton's method from the last; two steps follow anything that a pump does in a second."""
    for _ in range(steps):
        charge, buffer = net_charge(bearers, constants, ph)
        change = np.minimum(np.maximum(charge / buffer, -LONGEST_STEP), LONGEST_STEP)
        ph = np.minimum(np.maximum(ph + change, PH_RANGE[0]), PH_RANGE[1])
    return ph


def free_share(ph: Floats) -> Floats:
    """Fraction of all carbonate that is dissolved carbon dioxide."""
    proton = np.exp(-LN10 * ph)
    return np.asarray(proton / (proton + _K_CARBONIC + _K_CARBONIC * _K_BICARBONATE / proton))
