"""Whole fed-batches of every organism in every vessel: what goes in comes out, is used or is there."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from simulator.physics.holdings import gaps, holdings
from simulator.physics.state import Species
from tests.unit.simulator.physics.cultures import Culture, culture, everything

HOURS = 9.0
HIGHEST = 0.001
"""What the balances may miss."""


@pytest.fixture(scope="module")
def fed_batches() -> tuple[Culture, dict[str, np.ndarray]]:
    grown = culture(everything())
    grown.feed_from_h = 4.0
    before = holdings(grown.process, grown.state)
    grown.run(2.0, dt_s=10.0)
    grown.set_to.sample_l = 0.01 * grown.state.volume_l
    grown.wrong.contamination_g_l[1] = 0.001
    grown.run(HOURS - 2.0, dt_s=10.0)
    return grown, gaps(before, holdings(grown.process, grown.state), grown.ledger)


@pytest.mark.parametrize("balance", ["oxygen", "carbon", "nitrogen", "mass", "heat"])
def test_each_balance_closes_over_a_fed_batch(
    fed_batches: tuple[Culture, dict[str, np.ndarray]], balance: str
) -> None:
    _, missed = fed_batches
    assert np.abs(missed[balance]).max() < HIGHEST


def test_balances_close_to_rounding(fed_batches: tuple[Culture, dict[str, np.ndarray]]) -> None:
    _, missed = fed_batches
    assert max(np.abs(gap).max() for gap in missed.values()) < 1e-7


def test_every_culture_grew_and_was_fed(fed_batches: tuple[Culture, dict[str, np.ndarray]]) -> None:
    grown, _ = fed_batches
    inoculum = np.array([medium.inoculum_g_l for medium in grown.process.media])
    assert (grown.state.broth[Species.BIOMASS].min(axis=0) > 1.2 * inoculum).all()
    assert (grown.ledger.feed_l > 0.0).all()
    assert (grown.ledger.sampled_l > 0.0).all()


def test_nothing_is_negative_or_undefined_after_a_fed_batch(
    fed_batches: tuple[Culture, dict[str, np.ndarray]],
) -> None:
    grown, _ = fed_batches
    for entry in fields(grown.state):
        values = getattr(grown.state, entry.name)
        assert np.isfinite(values).all(), entry.name
    charged = np.delete(grown.state.broth, Species.STRONG_IONS, axis=0)
    assert charged.min() >= 0.0


def test_electrons_taken_from_the_carbon_source_are_in_cells_and_products_or_burnt() -> None:
    grown = culture([("e_coli", "2L")], hold=False)
    cells, process = grown.process.cells, grown.process
    before = grown.state.broth.mean(axis=1)[:, 0] * grown.state.volume_l[0]
    grown.run(3.0, dt_s=10.0)
    after = grown.state.broth.mean(axis=1)[:, 0] * grown.state.volume_l[0]
    change = after - before
    body = cells.biomass_carbon_mmol_g[0] * 4.2
    kept = change[Species.BIOMASS] + change[Species.DEAD]
    electrons = (
        -change[Species.SUBSTRATE] * 24_000.0 / 180.16
        - change[Species.OVERFLOW] * 8_000.0 / 60.05
        - change[Species.PRODUCT] * 182.0
        - kept * body
    )
    assert process.cells.makes_acetate[0] == 1.0
    assert grown.ledger.o2_used[0] * 4000.0 == pytest.approx(electrons, rel=1e-6)
