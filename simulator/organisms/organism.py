"""The parameters of an organism: how fast it lives, what it makes of what it eats, what it bears."""

from __future__ import annotations

from math import inf
from typing import Literal

from simulator import parameters
from simulator.parameters import Parameters


class Organism(Parameters):
    """Kinetics and stoichiometry; rates a gram of living dry mass and hour, yields g/g.

    Numbers that do not apply are infinite (an inhibition that is not there) or zero.
    """

    culture: Literal["bacterial", "yeast", "mammalian", "fungal"]
    overflow: Literal["acetate", "ethanol", "lactate"]
    cosubstrate: Literal["glutamine", "phenylacetate", "iptg", "none"] = "none"
    cosubstrate_role: Literal["nutrient", "precursor", "inducer", "none"] = "none"
    """A nutrient limits growth and brings its nitrogen; a precursor goes into product; an inducer stays."""

    uptake_max_g_g_h: float
    uptake_half_g_l: float
    maintenance_g_g_h: float
    yield_oxidative: float
    yield_fermentative: float
    respiration_max_mmol_g_h: float
    oxygen_half_mmol_l: float
    ferments: float
    """1: eats on without oxygen, giving off overflow; 0: stops eating."""
    overflow_uptake_max_g_g_h: float
    overflow_half_g_l: float
    yield_overflow: float
    overflow_repression_g_l: float = inf
    """Of the carbon source, at which uptake of overflow is halved."""
    overflow_inhibition_g_l: float = inf
    ammonium_inhibition_mmol_l: float = inf

    biomass_carbon_mmol_g: float
    biomass_nitrogen_mmol_g: float
    biomass_reduction: float
    """Electrons a carbon atom gives up on oxidation, nitrogen as ammonia."""
    nitrogen_half_mmol_l: float
    cosubstrate_half_mmol_l: float = 1.0
    ammonium_release: float = 0.0
    """Nitrogen atoms of each molecule of a nutrient co-substrate that end as ammonium."""

    product_coupled_g_g: float
    """g product a g of cells grown."""
    product_free_g_g_h: float
    """Formed without growth, too."""
    yield_product: float
    product_carbon_mmol_g: float
    product_nitrogen_mmol_g: float
    product_electrons_mmol_g: float
    product_precursor_mmol_g: float = 0.0
    product_repression_g_l: float = inf
    """Of the carbon source, at which product formation is halved."""
    basal_expression: float = 1.0
    """Share of product formation without inducer."""

    death_per_h: float
    death_starving_per_h: float
    death_ammonium_mmol_l: float = inf
    death_overflow_g_l: float = inf
    death_toxic_per_h: float = 0.0

    temperature_reference_c: float
    """At which the rates above were measured."""
    temperature_min_c: float
    temperature_optimum_c: float
    temperature_max_c: float
    ph_min: float
    ph_optimum: float
    ph_max: float

    thickening_g_l: float = inf
    """Of dry mass, at which the viscosity of the broth halves kLa."""
    foaminess_s: float
    """Height of foam over gas velocity (Bikerman) at 10 g/L dry mass without antifoam."""
    cell_mass_ng: float
    optical_density_l_g: float
    capacitance_pf_cm_l_g: float


def organism(name: str) -> Organism:
    """The organism of that name.

    Raises:
        UnknownParameters: there is none.
    """
    return parameters.load("organisms", name, Organism)
