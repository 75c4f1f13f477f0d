"""No two batches are alike: what differs from one to the next though recipe and vessel are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.organisms.organism import Organism
    from simulator.physics.medium import Medium
    from simulator.vessels.vessel import Vessel

BATCH = 30
"""Stream of random numbers for how a batch turns out."""

# Relative standard deviations (rules of practice: seed trains, lots of medium, antifoam and spargers differ).
GROWTH = 0.02
INOCULUM = 0.04
TRANSFER = 0.05
STRENGTH = 0.01


def as_it_turned_out(
    organism: Organism, medium: Medium, vessel: Vessel, seed: int
) -> tuple[Organism, Vessel, Medium]:
    """The organism, vessel and medium of one batch; the same seed gives the same."""
    drawn = np.random.Generator(np.random.Philox(key=[seed, BATCH])).standard_normal(4)
    growth, inoculum, transfer, strength = np.exp(
        np.array([GROWTH, INOCULUM, TRANSFER, STRENGTH]) * drawn
    ).tolist()
    return (
        organism.model_copy(update={"uptake_max_g_g_h": organism.uptake_max_g_g_h * growth}),
        vessel.model_copy(update={"kla_constant": vessel.kla_constant * transfer}),
        replace(
            medium,
            inoculum_g_l=medium.inoculum_g_l * inoculum,
            feed_substrate_g_l=medium.feed_substrate_g_l * strength,
        ),
    )
