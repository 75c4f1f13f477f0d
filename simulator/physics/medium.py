"""What a vessel is filled with and what is added: concentrations, not amounts, to suit any vessel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """Starting broth, feed, titrants.

    Attributes:
        volume_share: of the vessel's working volume at the start.
        inoculum_g_l: living dry mass after inoculation.
        substrate_g_l, cosubstrate_mmol_l, nitrogen_mmol_l, phosphate_mmol_l: in the starting broth.
        salts_mmol_l: other salts, for conductivity and osmolality.
        ph, temperature_c: at the start; strong ions are solved for.
        carbon_dioxide_mbar: with which the starting broth is in equilibrium.
        feed_*: composition of the feed; its nitrogen is a neutral ammonium salt.
        cosubstrate_feed_mmol_l: in the bottle of the co-substrate (its sodium salt where it is an acid).
        base, base_mol_l: what the base pump gives.
        acid, acid_mol_l: what the acid pump gives.
        additions_c: temperature of all that is added.
    """

    volume_share: float = 0.6
    inoculum_g_l: float = 0.3
    substrate_g_l: float = 15.0
    cosubstrate_mmol_l: float = 0.0
    nitrogen_mmol_l: float = 60.0
    phosphate_mmol_l: float = 40.0
    salts_mmol_l: float = 60.0
    ph: float = 7.0
    temperature_c: float = 37.0
    carbon_dioxide_mbar: float = 0.4
    feed_substrate_g_l: float = 500.0
    feed_nitrogen_mmol_l: float = 0.0
    feed_phosphate_mmol_l: float = 0.0
    feed_cosubstrate_mmol_l: float = 0.0
    feed_density_kg_l: float = 1.18
    cosubstrate_feed_mmol_l: float = 0.0
    cosubstrate_density_kg_l: float = 1.0
    base: Literal["ammonia", "sodium_hydroxide"] = "ammonia"
    base_mol_l: float = 13.4
    base_density_kg_l: float = 0.91
    acid: Literal["sulfuric", "hydrochloric"] = "sulfuric"
    acid_mol_l: float = 1.0
    acid_density_kg_l: float = 1.06
    additions_c: float = 22.0
