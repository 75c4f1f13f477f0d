"""Slow drift: a signal leaves its slow forecast, too little at a time for any single residual to show it.

The values of a signal are averaged over a while, and a slow forecast (River's HoltWinters) tells level and
trend of these means. Its residuals, in units of their usual spread and freed of what each foretells of the
next, go to River's Page-Hinkley test and ADWIN. What they find is told in plain words, with what to compare:
for people to look into, no alarm by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from math import sqrt
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from agents.models.banks import parts
from agents.models.banks.adwin import AdwinBank
from agents.models.banks.columns import Columns
from agents.models.banks.of_recipe import forecasters, spreads
from agents.models.banks.page_hinkley import PageHinkleyBank
from agents.models.recipe import Positive, Recipe, RiverModel, Share, Steps
from schemas.signals import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.step import Step
    from schemas.signals import SignalSpec

LARGEST = 1e30

LEAST_SPREAD = 1e-12

ENTERED = frozenset({"setpoint", "offline"})
"""Classes of signals that people or recipes enter: they do not drift."""


class DriftRecipe(Recipe):
    """Parameters of the search for drift; recipes/drift.yaml says what each does."""

    learning: Literal["frozen", "guarded"]
    predictor: RiverModel
    residual: RiverModel
    page_hinkley: dict[str, float | int]
    adwin: dict[str, float | int]
    mean_steps: Steps
    baseline_means: Annotated[int, Field(ge=10)]
    most: Positive
    learn_below: Positive
    memory: Share
    most_carried: Share
    least_shift: Positive
    quiet_s: Positive
    spread_noise: Positive
    spread_relative: Positive


def shipped() -> DriftRecipe:
    """Return the recipe that comes with Sparge."""
    text = files("agents.models").joinpath("recipes", "drift.yaml").read_text("utf-8")
    return DriftRecipe.model_validate(read_yaml(text))


@dataclass(frozen=True, slots=True)
class Drift:
    """A drift found at `end_us`. since_us: where it began.

    off: by how much the signal has left its forecast since then, on the average, in its unit, signed.
    found_by: the tests that found it. text: all of it in plain words.
    """

    signal: str
    since_us: int
    end_us: int
    off: float
    found_by: tuple[str, ...]
    text: str


class DriftLayer:
    """The search for drift in all signals of a unit. Pure: time is that of the steps."""

    def __init__(self, recipe: DriftRecipe) -> None:
        self.recipe = recipe
        self._names: list[str] = []
        self._noise = np.empty(0)
        self._entered = np.empty(0, dtype=np.bool_)
        self._slow = forecasters(recipe.predictor)
        self._spread = spreads(recipe.residual)
        self._page_hinkley = PageHinkleyBank(**recipe.page_hinkley)  # type: ignore[arg-type]  # River's own
        self._adwin = AdwinBank(**recipe.adwin)
        self._lanes = Columns(
            {
                "total": 0.0,  # of the values since the last mean, and how many they are
                "count": 0,
                "learnt": 0,  # residuals of means
                "last": 0.0,  # the last residual, in spreads; mean of its square, and of two in a row
                "square": 1.0,
                "lagged": 0.0,
                "risen": 0.0,  # sum of the residuals since their mean was lowest, and since when
                "risen_us": 0,
                "fallen": 0.0,  # the same since it was highest
                "fallen_us": 0,
                "quiet_until_us": 0,
            }
        )

    def add(self, name: str, spec: SignalSpec | None) -> None:
        """Give the next slot to a signal."""
        self._names.append(name)
        self._noise = np.append(self._noise, spec.noise if spec else np.nan)
        self._entered = np.append(self._entered, spec is not None and spec.signal_class in ENTERED)
        for lanes in (self._slow, self._spread, self._page_hinkley, self._adwin, self._lanes):
            lanes.add()

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> list[Drift]:
        """Take a completed step and return the drifts that it shows; doubted (S,): what others suspect."""
        sound = np.isfinite(step.value) & (np.abs(step.value) < LARGEST)
        fit = step.fit & step.fresh & sound & ~doubted & ~self._entered
        total, count = self._lanes["total"], self._lanes["count"]
        total += np.where(fit, step.value, 0.0)
        count += fit
        whole = count >= self.recipe.mean_steps
        if not np.count_nonzero(whole):
            return []
        mean = total / np.maximum(count, 1)
        total[whole] = 0.0
        count[whole] = 0
        return self._take_means(mean, whole, step.end_us)

    def state(self) -> dict[str, Any]:
        """Everything that it knows, but for the parameters."""
        return parts.state_of(self._names, self._parts())

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, after the same signals were added in the same order.

        Raises:
            SnapshotRefused: it is of other signals, or does not fit this recipe.
        """
        parts.take_up(self._names, self._parts(), state, "the search for drift")

    def _parts(self) -> dict[str, parts.Part]:
        return {
            "slow": self._slow,
            "spread": self._spread,
            "page_hinkley": self._page_hinkley,
            "adwin": self._adwin,
            "lanes": self._lanes,
        }

    def _take_means(self, mean: NDArray[np.float64], whole: NDArray[np.bool_], end_us: int) -> list[Drift]:
        """Judge the mean values (S,) of the signals in `whole`."""
        most, learnt = self.recipe.most, self._lanes["learnt"]
        known = whole & self._slow.running
        residual = mean - self._slow.forecast()
        self._slow.learn(mean, whole)
        judged = known & (learnt >= self.recipe.baseline_means)
        learnt += known
        sigma = np.maximum(self._spread.sigma(), self._floor(mean))
        z = np.minimum(np.maximum(residual / sigma, -most), most)
        # Guarded: what is far out is not taken for usual. Frozen: nothing is, once the baseline is complete.
        near = np.abs(z) < self.recipe.learn_below
        taught = known & (~judged | (near if self.recipe.learning == "guarded" else False))
        self._spread.learn(residual, taught)
        white = self._whiten(z, known, taught)
        self._page_hinkley.learn(white, judged)
        self._adwin.learn(white, judged)
        for steps, sum_, at_us in (
            (self._page_hinkley.rising, "risen", "risen_us"),
            (self._page_hinkley.falling, "fallen", "fallen_us"),
        ):
            off = self._lanes[sum_]
            off += np.where(judged, z * sigma, 0.0)
            turned = judged & (steps == 0)
            off[turned] = 0.0
            self._lanes[at_us][turned] = end_us
        by_test = {
            "Page-Hinkley": self._page_hinkley.detected & judged,
            "ADWIN": self._adwin.detected & judged,
        }
        either = by_test["Page-Hinkley"] | by_test["ADWIN"]
        found = (self._drift(slot, sigma[slot], end_us, by_test) for slot in np.flatnonzero(either).tolist())
        return [drift for drift in found if drift is not None]

    def _whiten(
        self, z: NDArray[np.float64], known: NDArray[np.bool_], taught: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """(S,) residuals without what the last one foretold: a process that wanders does not drift."""
        last, square, lagged = (self._lanes[name] for name in ("last", "square", "lagged"))
        fading = self.recipe.memory
        np.copyto(square, square + fading * (z * z - square), where=taught)
        np.copyto(lagged, lagged + fading * (z * last - lagged), where=taught)
        carried = np.clip(lagged / np.maximum(square, fading), 0.0, self.recipe.most_carried)
        white: NDArray[np.float64] = (z - carried * last) / np.sqrt(1.0 - carried * carried)
        last[known] = z[known]
        return white

    def _drift(
        self, slot: int, sigma: float, end_us: int, by_test: Mapping[str, NDArray[np.bool_]]
    ) -> Drift | None:
        lanes = self._lanes
        if self._page_hinkley.upwards[slot]:
            total, count, since_us = lanes["risen"], self._page_hinkley.rising, lanes["risen_us"]
        else:
            total, count, since_us = lanes["fallen"], self._page_hinkley.falling, lanes["fallen_us"]
        off = float(total[slot]) / max(int(count[slot]), 1)
        begun_us = int(since_us[slot])
        small = abs(off) < self.recipe.least_shift * sigma
        if small or end_us <= begun_us or end_us < lanes["quiet_until_us"][slot]:
            return None
        lanes["quiet_until_us"][slot] = end_us + round(self.recipe.quiet_s * 1e6)
        found_by = tuple(name for name, found in by_test.items() if found[slot])
        text = _words(self._names[slot], off, (end_us - begun_us) / 60e6, self._others(slot))
        return Drift(self._names[slot], begun_us, end_us, off, found_by, text)

    def _others(self, slot: int) -> list[str]:
        """Return the signals that read the same thing: the dictionary calls a second probe NAME_2."""
        stem = self._names[slot].removesuffix("_2")
        return [name for name in self._names if name in {stem, f"{stem}_2"} and name != self._names[slot]]

    def _floor(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        relative = np.maximum(self.recipe.spread_relative * np.abs(level), LEAST_SPREAD)
        of_a_mean = self.recipe.spread_noise * self._noise / sqrt(self.recipe.mean_steps)
        return np.where(np.isnan(self._noise), relative, of_a_mean)


def _words(name: str, off: float, minutes: float, others: list[str]) -> str:
    way = "higher" if off > 0 else "lower"
    compare = " and ".join(others) if others else "a sample or another probe"
    return (
        f"{name} reads {abs(off):.2g} {way} than its forecast expects, for {minutes:.0f} min on the average: "
        f"probe drift or a slow change of the process; compare with {compare}"
    )
