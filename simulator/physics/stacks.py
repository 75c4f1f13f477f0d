"""The parameters of a fleet as arrays with one entry a bioreactor, derived once from its parameter files."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from simulator.organisms.compounds import COMPOUNDS, GLUCOSE, LACTIC_ACID
from simulator.physics.cardinal import temperature_factor
from simulator.physics.state import Species

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.organisms.organism import Organism
    from simulator.physics.medium import Medium
    from simulator.physics.state import Floats
    from simulator.vessels.vessel import Vessel

CONTAMINANT_CARBON_MMOL_G = 39.2
CONTAMINANT_NITROGEN_MMOL_G = 9.3
CONTAMINANT_ELECTRONS_MMOL_G = 39.2 * 4.2
FOREIGN_YIELD = 0.4
FOREIGN_ACID = 0.25
"""Of a contaminant with oxygen, g cells and g lactic acid a g glucose (rule of practice); next, without."""
FOREIGN_YIELD_FERMENTING = 0.1

S = TypeVar("S")


def stack(kind: type[S], rows: Sequence[Mapping[str, float]]) -> S:
    """A dataclass of arrays from one mapping a bioreactor."""
    columns: dict[str, Any] = {
        field.name: np.array([row[field.name] for row in rows], dtype=np.float64)
        for field in fields(kind)  # type: ignore[arg-type]  # a dataclass
    }
    return kind(**columns)


@dataclass(frozen=True, slots=True)
class Cells:
    """Kinetics and stoichiometry of the organisms; see `Organism` for what is not said here.

    `o2_*` is oxygen in mmol for each gram of carbon source that goes that way, `spent_*` co-substrate in
    mmol a gram formed.
    """

    uptake_max_g_g_h: Floats
    uptake_half_g_l: Floats
    maintenance_g_g_h: Floats
    yield_oxidative: Floats
    yield_fermentative: Floats
    respiration_max_mmol_g_h: Floats
    oxygen_half_mmol_l: Floats
    ferments: Floats
    overflow_uptake_max_g_g_h: Floats
    overflow_half_g_l: Floats
    yield_overflow: Floats
    overflow_repression_g_l: Floats
    overflow_inhibition_g_l: Floats
    ammonium_inhibition_mmol_l: Floats
    biomass_carbon_mmol_g: Floats
    biomass_nitrogen_mmol_g: Floats
    nitrogen_half_mmol_l: Floats
    cosubstrate_half_mmol_l: Floats
    yield_product: Floats
    product_carbon_mmol_g: Floats
    product_nitrogen_mmol_g: Floats
    product_free_g_g_h: Floats
    product_repression_g_l: Floats
    basal_expression: Floats
    death_per_h: Floats
    death_starving_per_h: Floats
    death_ammonium_mmol_l: Floats
    death_overflow_g_l: Floats
    death_toxic_per_h: Floats
    temperature_min_c: Floats
    temperature_optimum_c: Floats
    temperature_max_c: Floats
    per_reference_warmth: Floats
    """One over the temperature's factor where the parameters were measured."""
    ph_min: Floats
    ph_optimum: Floats
    ph_max: Floats
    thickening_g_l: Floats
    foaminess_s: Floats
    cell_mass_ng: Floats
    optical_density_l_g: Floats
    capacitance_pf_cm_l_g: Floats
    nutrient: Floats
    """1 where the co-substrate limits growth and brings its nitrogen."""
    precursor: Floats
    inducer: Floats
    overflow_made: Floats
    """Of a gram of carbon source fermented, g; closes the balance of electrons without oxygen."""
    overflow_spared: Floats
    """Not made for each gram of cells that grow by fermentation, g."""
    o2_burnt: Floats
    o2_grown: Floats
    o2_product: Floats
    o2_overflow: Floats
    """A gram of overflow eaten."""
    cells_per_sugar: Floats
    """g of cells that give as many electrons as a gram of carbon source."""
    spent_cells: Floats
    spent_product: Floats
    foreign_spent: Floats
    """Nutrient co-substrate that a gram of contaminant takes its nitrogen from, mmol."""
    foreign_o2: Floats
    """Oxygen in mmol for a gram of carbon source that it eats; next, the acid without oxygen, g."""
    foreign_acid: Floats
    coupled_share: Floats
    """Share of the carbon source beyond maintenance that a fully induced cell makes product of."""
    overflow_carbon_mmol_g: Floats
    overflow_mmol_g: Floats
    overflow_pk: Floats
    makes_acetate: Floats
    """1 where the overflow product is acetate, as the next."""
    makes_ethanol: Floats
    makes_lactate: Floats
    cosubstrate_carbon: Floats
    cosubstrate_nitrogen: Floats
    cosubstrate_pk: Floats
    cosubstrate_g_mmol: Floats


def cells_row(organism: Organism) -> dict[str, float]:
    """The entries of one organism."""
    overflow, companion = COMPOUNDS[organism.overflow], COMPOUNDS[organism.cosubstrate]
    role = organism.cosubstrate_role
    nutrient = float(role == "nutrient")
    body = organism.biomass_carbon_mmol_g * organism.biomass_reduction
    usable = max(companion.nitrogen - organism.ammonium_release, 1e-9)
    spent_cells = nutrient * organism.biomass_nitrogen_mmol_g / usable
    spent_product = nutrient * organism.product_nitrogen_mmol_g / usable + (
        organism.product_precursor_mmol_g if role == "precursor" else 0.0
    )
    grown = body - spent_cells * companion.electrons
    made = organism.product_electrons_mmol_g - spent_product * companion.electrons
    sugar = GLUCOSE.electrons_mmol_g
    foreign_spent = nutrient * CONTAMINANT_NITROGEN_MMOL_G / max(companion.nitrogen, 1)
    foreign = CONTAMINANT_ELECTRONS_MMOL_G - foreign_spent * companion.electrons
    share = organism.product_coupled_g_g / organism.yield_product
    return {
        **organism.model_dump(),
        "per_reference_warmth": _per_reference_warmth(organism),
        "nutrient": nutrient,
        "precursor": float(role == "precursor"),
        "inducer": float(role == "inducer"),
        "overflow_made": sugar / overflow.electrons_mmol_g,
        "overflow_spared": grown / overflow.electrons_mmol_g,
        "o2_burnt": 0.25 * sugar,
        "o2_grown": 0.25 * (sugar - organism.yield_oxidative * grown),
        "o2_product": 0.25 * (sugar - organism.yield_product * made),
        "o2_overflow": 0.25 * (overflow.electrons_mmol_g - organism.yield_overflow * grown),
        "cells_per_sugar": sugar / body,
        "spent_cells": spent_cells,
        "spent_product": spent_product,
        "foreign_spent": foreign_spent,
        "foreign_o2": 0.25 * (sugar - FOREIGN_YIELD * foreign - FOREIGN_ACID * LACTIC_ACID.electrons_mmol_g),
        "foreign_acid": (sugar - FOREIGN_YIELD_FERMENTING * foreign) / LACTIC_ACID.electrons_mmol_g,
        "coupled_share": share / (share + 1.0 / organism.yield_oxidative),
        "overflow_carbon_mmol_g": overflow.carbon_mmol_g,
        "overflow_mmol_g": 1000.0 / overflow.mass_g_mol,
        "overflow_pk": overflow.acid_pk,
        "makes_acetate": float(organism.overflow == "acetate"),
        "makes_ethanol": float(organism.overflow == "ethanol"),
        "makes_lactate": float(organism.overflow == "lactate"),
        "cosubstrate_carbon": float(companion.carbon),
        "cosubstrate_nitrogen": float(companion.nitrogen),
        "cosubstrate_pk": companion.acid_pk,
        "cosubstrate_g_mmol": companion.mass_g_mol / 1000.0,
    }


def _per_reference_warmth(organism: Organism) -> float:
    numbers = (
        organism.temperature_reference_c,
        organism.temperature_min_c,
        organism.temperature_optimum_c,
        organism.temperature_max_c,
    )
    at_reference, low, optimum, high = (np.array(number) for number in numbers)
    return 1.0 / float(temperature_factor(at_reference, low, optimum, high))


@dataclass(frozen=True, slots=True)
class Hulls:
    """Geometry, limits and coefficients of the vessels; see `Vessel`."""

    total_l: Floats
    working_l: Floats
    diameter_m: Floats
    area_m2: Floats
    impellers: Floats
    impeller_diameter_m: Floats
    power_number: Floats
    top_speed_per_min: Floats
    motor_w: Floats
    drive_lag_s: Floats
    coast_down_s: Floats
    gas_max_l_min: Floats
    o2_max_l_min: Floats
    n2_max_l_min: Floats
    co2_max_l_min: Floats
    pressure_min_bar: Floats
    pressure_max_bar: Floats
    filter_loss_bar: Floats
    kla_constant: Floats
    kla_power_exponent: Floats
    kla_gas_exponent: Floats
    surface_transfer_m_s: Floats
    mixing_factor: Floats
    jacket_m2: Floats
    jacket_w_m2_k: Floats
    jacket_water_kg: Floats
    coolant_max_l_min: Floats
    coolant_c: Floats
    circulation_l_min: Floats
    heater_max_w: Floats
    heat_loss_w_k: Floats
    surroundings_c: Floats
    condenser_c: Floats
    feed_max_l_h: Floats
    cosubstrate_max_l_h: Floats
    base_max_l_h: Floats
    acid_max_l_h: Floats
    antifoam_max_l_h: Floats


def hull_row(vessel: Vessel) -> dict[str, float]:
    """The entries of one vessel."""
    return {
        **vessel.model_dump(),
        "area_m2": vessel.area_m2,
        "top_speed_per_min": vessel.top_speed_per_min,
    }


@dataclass(frozen=True, slots=True)
class Streams:
    """What the pumps add: (5, ...) in the order feed, co-substrate, base, acid, antifoam.

    Attributes:
        content: (5, len(Species), N) concentrations.
        density_kg_l: (5, N).
        temperature_c: (N,).
        carbon_mol_l, nitrogen_mol_l: (5, N).
    """

    content: Floats
    density_kg_l: Floats
    temperature_c: Floats
    carbon_mol_l: Floats
    nitrogen_mol_l: Floats


def streams(media: Sequence[Medium], cells: Cells) -> Streams:
    """What each pump of each bioreactor adds."""
    count = len(media)
    content = np.zeros((5, len(Species), count))
    density = np.ones((5, count))
    for unit, medium in enumerate(media):
        feed, companion, base, acid, antifoam = content[:, :, unit]
        is_acid = float(np.isfinite(cells.cosubstrate_pk[unit]))
        feed[Species.SUBSTRATE] = medium.feed_substrate_g_l
        feed[Species.COSUBSTRATE] = medium.feed_cosubstrate_mmol_l
        feed[Species.NITROGEN] = medium.feed_nitrogen_mmol_l
        feed[Species.PHOSPHATE] = medium.feed_phosphate_mmol_l
        # The counter-ions: sulfate of ammonium, potassium of phosphate near neutral, sodium of an acid.
        feed[Species.STRONG_IONS] = (
            1.5 * medium.feed_phosphate_mmol_l
            + is_acid * medium.feed_cosubstrate_mmol_l
            - medium.feed_nitrogen_mmol_l
        )
        companion[Species.COSUBSTRATE] = medium.cosubstrate_feed_mmol_l
        companion[Species.STRONG_IONS] = is_acid * medium.cosubstrate_feed_mmol_l
        titrant = Species.NITROGEN if medium.base == "ammonia" else Species.STRONG_IONS
        base[titrant] = 1000.0 * medium.base_mol_l
        protons = 2.0 if medium.acid == "sulfuric" else 1.0
        acid[Species.STRONG_IONS] = -1000.0 * protons * medium.acid_mol_l
        antifoam[Species.ANTIFOAM] = 1000.0
        density[:4, unit] = (
            medium.feed_density_kg_l,
            medium.cosubstrate_density_kg_l,
            medium.base_density_kg_l,
            medium.acid_density_kg_l,
        )
    return Streams(
        content=content,
        density_kg_l=density,
        temperature_c=np.array([medium.additions_c for medium in media]),
        carbon_mol_l=np.einsum("psn,sn->pn", content, carbon_mol(cells)),
        nitrogen_mol_l=np.einsum("psn,sn->pn", content, nitrogen_mol(cells)),
    )


def carbon_mol(cells: Cells) -> Floats:
    """Carbon in mol for each unit of amount of a species (g, mmol, mL): (len(Species), N)."""
    carbon = np.zeros((len(Species), cells.ferments.size))
    carbon[Species.BIOMASS] = carbon[Species.DEAD] = cells.biomass_carbon_mmol_g
    carbon[Species.SUBSTRATE] = GLUCOSE.carbon_mmol_g
    carbon[Species.OVERFLOW] = cells.overflow_carbon_mmol_g
    carbon[Species.PRODUCT] = cells.product_carbon_mmol_g
    carbon[Species.COSUBSTRATE] = cells.cosubstrate_carbon
    carbon[Species.CARBONATE] = 1.0
    carbon[Species.CONTAMINANT] = CONTAMINANT_CARBON_MMOL_G
    carbon[Species.FOREIGN_ACID] = LACTIC_ACID.carbon_mmol_g
    return carbon / 1000.0


def nitrogen_mol(cells: Cells) -> Floats:
    """Nitrogen, likewise; what a co-substrate that is not eaten holds is left out."""
    nitrogen = np.zeros((len(Species), cells.ferments.size))
    nitrogen[Species.BIOMASS] = nitrogen[Species.DEAD] = cells.biomass_nitrogen_mmol_g
    nitrogen[Species.PRODUCT] = cells.product_nitrogen_mmol_g
    nitrogen[Species.NITROGEN] = 1.0
    nitrogen[Species.COSUBSTRATE] = cells.cosubstrate_nitrogen
    nitrogen[Species.CONTAMINANT] = CONTAMINANT_NITROGEN_MMOL_G
    return nitrogen / 1000.0
