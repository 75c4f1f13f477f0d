"""The unit as a whole: T² and SPE of all signals together, against how they were in a baseline.

A baseline (unit_baseline.py) says how the signals usually are; from then on each step is judged against it. A
change of phase or set point, or lasting suspicion, asks for a new baseline. While that is being calibrated,
steps are judged with a margin. What controllers move is left out by the shipped recipe: it answers to the
process, by more than it ever did where a cascade goes on to its next actuator, and attribution.py judges
whether it does as it is told.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from math import log10
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
import yaml
from pydantic import Field, model_validator

from agents.context import Stage  # noqa: TC001 - pydantic reads it at run time
from agents.models.banks.covariance import EwaCovarianceBank
from agents.models.recipe import Positive, Recipe, Share, Steps
from agents.models.smoothing import Smoothing
from agents.models.step import UnitScore
from agents.models.subspace import Subspace
from agents.models.unit_baseline import EARLY, UnitBaseline
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.step import Step
    from agents.models.subspace import Within
    from schemas.signals import SignalSpec

LAYER = "multivariate"

NAMED = 3
"""So many signals are named in a reason."""

PLAIN = (
    "last_us",
    "phase",
    "observations",
    "learnt_steps",
    "suspect",
    "high_steps",
    "suspect_steps",
    "upset_steps",
)
"""What of the layer's memory is numbers and texts."""

PartOrAll = Annotated[float, Field(gt=0, le=1)]


class MultivariateRecipe(Recipe):
    """Parameters of the layer; recipes/multivariate.yaml says what each does."""

    learning: Literal["frozen", "guarded"]
    baseline_steps: Annotated[int, Field(ge=EARLY)]
    calibration_steps: Annotated[int, Field(ge=0)]
    settle_steps: Annotated[int, Field(ge=0)]
    by_phase: bool
    silent_stages: tuple[Stage, ...] = ()
    left_out: tuple[str, ...] = ()
    doses: tuple[str, ...] = ()
    dose_steps: Annotated[int, Field(ge=0)] = 0
    early_excess: Positive | None = None
    smoothing: PartOrAll
    centre_steps: Annotated[int, Field(ge=2)] | None
    lags: Annotated[int, Field(ge=0, le=5)]
    sampled_least: PartOrAll
    wandering_most: PartOrAll
    components: PartOrAll
    fading: Share
    refresh_steps: Steps
    enter: Positive
    enter_steps: Steps
    leave: Positive
    hold_steps: Steps
    rebaseline_after_steps: Steps | None

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.leave > self.enter:
            raise ValueError(f"leave ({self.leave}) must not be above enter ({self.enter})")
        return self

    @property
    def independence(self) -> float:
        """Share of smoothed steps that are as good as independent: (2 - w) / w of them make one."""
        return self.smoothing / (2.0 - self.smoothing)


def load(text: str) -> MultivariateRecipe:
    """Read a recipe written in YAML; raises ValueError where it is incomplete or wrong."""
    return MultivariateRecipe.model_validate(yaml.safe_load(text))


@lru_cache(maxsize=1)
def shipped() -> MultivariateRecipe:
    """Return the recipe that comes with Sparge."""
    return load(files("agents.models").joinpath("recipes/multivariate.yaml").read_text("utf-8"))


class MultivariateLayer:
    """T² and SPE of one unit on its grid; `rebaselines` counts the baselines after the first."""

    def __init__(self, recipe: MultivariateRecipe) -> None:
        self.recipe = recipe
        self.rebaselines = 0
        self._names: list[str] = []
        self._watched = np.empty(0, dtype=np.bool_)
        self._set_point = np.empty(0, dtype=np.bool_)
        self._dose = np.empty(0, dtype=np.bool_)
        self._set_to = np.empty(0)
        self._set_for = np.empty(0, dtype=np.int64)
        self._smoothing = Smoothing(recipe.smoothing, recipe.centre_steps, recipe.lags)
        self._baseline: UnitBaseline | None = UnitBaseline(recipe)
        self._learner = EwaCovarianceBank(recipe.fading)
        self._subspace: Subspace | None = None
        self._excess = np.ones(2)
        self._last_us: int | None = None
        self._phase = ""
        self._observations = 0.0
        self._learnt_steps = 0
        self._suspect = False
        self._high_steps = 0
        self._suspect_steps = 0
        self._upset_steps = 0

    def add(self, name: str, spec: SignalSpec | None) -> None:
        """Give the next slot to a signal; set points are followed, assays and the recipe's left out."""
        set_point = spec is not None and spec.signal_class == "setpoint"
        assay = spec is not None and spec.reading == "assay"
        self._names.append(name)
        self._watched = np.append(self._watched, not (set_point or assay or name in self.recipe.left_out))
        self._set_point = np.append(self._set_point, set_point)
        self._dose = np.append(self._dose, name in self.recipe.doses)
        self._set_to = np.append(self._set_to, np.nan)
        self._set_for = np.append(self._set_for, 0)
        self._smoothing.add()
        if self._baseline is not None:
            self._baseline.add()
        if self._subspace is not None:
            features = len(self._names) * (self.recipe.lags + 1)
            self._subspace = self._subspace.grown(features)
            self._learner.grow(features)

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> UnitScore | None:
        """Judge a step, then learn from it as the recipe says; None without a baseline or samples."""
        there = step.fresh & step.fit & np.isfinite(step.value)
        self._follow(step, there)
        there &= self._watched
        if not np.count_nonzero(there) or step.context.stage in self.recipe.silent_stages:
            return None
        centred, features = self._smoothing.take(step.value, there)
        present = ~np.isnan(features)
        fit = present & ~np.repeat(doubted, self.recipe.lags + 1)
        if self._upset_steps:
            self._upset_steps -= 1
            return None
        if self._baseline is not None:
            return self._learn_baseline(self._baseline, centred, features, fit)
        if self._subspace is None or (within := self._subspace.within(present)) is None:
            return None
        return self._judge(within, features, fit & self._subspace.active, self._excess)

    def state(self) -> Mapping[str, Any]:
        """Everything that it knows."""
        return {
            "recipe": self.recipe.digest,
            "names": list(self._names),
            "watched": self._watched.copy(),
            "set_point": self._set_point.copy(),
            "set_to": self._set_to.copy(),
            "set_for": self._set_for.copy(),
            "smoothing": self._smoothing.state(),
            "baseline": None if self._baseline is None else self._baseline.state(),
            "learner": self._learner.state(),
            "subspace": None if self._subspace is None else self._subspace.state(),
            "excess": self._excess.copy(),
            "rebaselines": self.rebaselines,
            **{name: getattr(self, f"_{name}") for name in PLAIN},
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused if it is of another recipe or unit, or torn."""
        kept = "The samples; the model takes a new baseline."
        if state.get("recipe") != self.recipe.digest:
            raise SnapshotRefused(
                f"What was kept of a multivariate model is not of {self.recipe.name} {self.recipe.version}.",
                kept=kept,
            )
        names = list(state.get("names", ()))
        if self._names and names != self._names:
            raise SnapshotRefused(
                "What was kept of the multivariate model is of other signals.",
                detail=f"kept {names}, here {self._names}",
                kept=kept,
            )
        restored = MultivariateLayer(self.recipe)
        try:
            restored._restore(names, state)
        except (KeyError, TypeError, ValueError) as wrong:
            raise SnapshotRefused(
                "What was kept of the multivariate model is torn.", detail=repr(wrong), kept=kept
            ) from wrong
        self.__dict__.update(restored.__dict__)

    def _restore(self, names: list[str], state: Mapping[str, Any]) -> None:
        self._names = names
        self._watched = np.array(state["watched"], dtype=np.bool_)
        self._set_point = np.array(state["set_point"], dtype=np.bool_)
        self._dose = np.array([name in self.recipe.doses for name in names], dtype=np.bool_)
        self._set_to = np.array(state["set_to"], dtype=np.float64)
        self._set_for = np.array(state["set_for"], dtype=np.int64)
        self._smoothing.take_up(state["smoothing"])
        if state["baseline"] is None:
            self._baseline = None
        elif self._baseline is not None:
            self._baseline.take_up(state["baseline"])
        self._learner.take_up(state["learner"])
        self._subspace = None if state["subspace"] is None else Subspace.from_state(state["subspace"])
        self._excess = np.array(state["excess"], dtype=np.float64)
        self.rebaselines = int(state["rebaselines"])
        for name in PLAIN:
            setattr(self, f"_{name}", state[name])

    def _follow(self, step: Step, there: NDArray[np.bool_]) -> None:
        """Begin anew after a change of phase or set point, and forget the recent past after a gap.

        A dose upsets the process for a while, and leaves it as it was.
        """
        context = step.context
        phase = f"{context.batch}/{context.phase}/{context.phase_since_us}"
        moved = there & (self._set_point | self._dose) & (self._set_to != step.value)
        # A set point that seldom rests is moved by a cascade or a profile, and one that moves after something
        # went wrong by a controller's answer to it: neither is a new command.
        rested = self._set_for >= self.recipe.baseline_steps
        told = np.count_nonzero(moved & rested & self._set_point) > 0
        commanded = told and not (self._suspect or self._high_steps)
        self._set_for += 1
        if np.count_nonzero(moved):
            if np.count_nonzero(moved & self._dose & np.isfinite(self._set_to)):
                self._upset_steps = self.recipe.dose_steps
            np.copyto(self._set_to, step.value, where=moved)
            self._set_for[moved] = 0
        if self._last_us is not None:
            if commanded or (self.recipe.by_phase and phase != self._phase):
                self._begin("settle")
            steps = (step.end_us - self._last_us) / self.recipe.step_us
            if not 0 < steps <= self.recipe.hold_steps:
                self._smoothing.interrupt(self._expected())
        self._phase = phase
        self._last_us = step.end_us

    def _begin(self, stage: str) -> None:
        """Forget the baseline and take another."""
        self.rebaselines += 1
        self._baseline = UnitBaseline(self.recipe, stage)
        for _ in self._names:
            self._baseline.add()
        self._learner = EwaCovarianceBank(self.recipe.fading)
        self._subspace = None
        self._smoothing.interrupt(None)
        self._smoothing.expect_anything()
        self._suspect = False
        self._high_steps = self._suspect_steps = 0

    def _learn_baseline(
        self,
        baseline: UnitBaseline,
        centred: NDArray[np.float64],
        features: NDArray[np.float64],
        fit: NDArray[np.bool_],
    ) -> UnitScore | None:
        told = self._judge_early(baseline, features)
        if self._baseline is not baseline:
            return told
        fit = fit if told is None or told.learned else np.zeros_like(fit)
        baseline.take(centred, features, fit)
        if not baseline.ready or baseline.subspace is None:
            self._smoothing.expect(*baseline.bounds())
            return told
        self._watch_from(baseline.subspace)
        self._excess = baseline.excess
        if self.recipe.learning == "guarded":
            self._learner.begin_with(baseline.subspace.mean, baseline.covariance)
        self._observations = baseline.subspace.observations
        self._learnt_steps = 0
        self._baseline = None
        return told

    def _judge_early(self, baseline: UnitBaseline, features: NDArray[np.float64]) -> UnitScore | None:
        """Judge a step by a baseline that is not calibrated yet, with a margin; None where there is none."""
        early = self.recipe.early_excess
        if early is None or baseline.subspace is None or baseline.stage != "calibrate":
            return None
        present = ~np.isnan(features)
        within = baseline.subspace.within(present)
        return None if within is None else self._judge(within, features, present, np.full(2, early))

    def _watch_from(self, subspace: Subspace) -> None:
        self._subspace = subspace
        first = slice(None, None, self.recipe.lags + 1)
        active = subspace.active[first]
        mean = np.where(active, subspace.mean[first], 0.0)
        self._smoothing.expect(mean, np.where(active, subspace.sd[first], np.inf))

    def _judge(
        self,
        within: Within,
        features: NDArray[np.float64],
        fit: NDArray[np.bool_],
        excess: NDArray[np.float64],
    ) -> UnitScore:
        found = within.distance(features)
        level, apart = within.scores(found, *excess)
        # Two statistics are two chances of a false alarm (Bonferroni).
        chances = log10(2.0) if within.apart_freedom else 0.0
        score = max(0.0, max(level, apart) - chances)
        lasting = self._doubt(score)
        quiet = score < self.recipe.enter
        learned = quiet and (self._baseline is not None or self._learn(features, fit))
        contributions = self._contributions(found.by_level if level >= apart else found.by_apart, within)
        reason = self._reason(contributions, apart=apart > level, lasting=lasting) if self._suspect else ""
        told = UnitScore(LAYER, score, self._suspect, learned, contributions, reason)
        if lasting:
            self._begin("learn")
        return told

    def _doubt(self, score: float) -> bool:
        """Move suspicion on; say whether it has lasted so long that what is usual must have changed."""
        recipe = self.recipe
        self._high_steps = self._high_steps + 1 if score >= recipe.enter else 0
        if self._suspect:
            self._suspect = score >= recipe.leave
        else:
            self._suspect = self._high_steps >= recipe.enter_steps
        self._suspect_steps = self._suspect_steps + 1 if self._suspect else 0
        longest = recipe.rebaseline_after_steps
        return longest is not None and self._suspect_steps >= longest

    def _learn(self, features: NDArray[np.float64], fit: NDArray[np.bool_]) -> bool:
        subspace = self._subspace
        if self.recipe.learning == "frozen" or self._suspect or subspace is None or not fit.any():
            return False
        self._learner.learn(features, fit)
        self._learnt_steps += 1
        fading = self.recipe.fading
        steps = self._observations / self.recipe.independence
        # Kish's effective number of observations under exponential weights.
        steps = 1.0 / ((1.0 - fading) ** 2 / steps + fading**2)
        self._observations = steps * self.recipe.independence
        if self._learnt_steps >= self.recipe.refresh_steps:
            self._learnt_steps = 0
            self._watch_from(
                Subspace.from_covariance(
                    subspace.active,
                    self._learner.mean,
                    self._learner.cov,
                    observations=self._observations,
                    components=subspace.components,
                )
            )
        return True

    def _expected(self) -> NDArray[np.float64] | None:
        """Where the smoothed signals usually are, (S,); NaN where that is not known."""
        if self._subspace is None:
            return None
        first = slice(None, None, self.recipe.lags + 1)
        return np.where(self._subspace.active[first], self._subspace.mean[first], np.nan)

    def _contributions(self, parts: NDArray[np.float64], within: Within) -> NDArray[np.float64]:
        spread = np.zeros(len(self._names) * (self.recipe.lags + 1))
        spread[within.features] = parts
        by_signal: NDArray[np.float64] = np.maximum(spread.reshape(len(self._names), -1).sum(axis=1), 0.0)
        total = by_signal.sum()
        return by_signal / total if total > 0.0 else by_signal

    def _reason(self, contributions: NDArray[np.float64], *, apart: bool, lasting: bool) -> str:
        most = [
            i for i in np.argsort(-contributions, kind="stable")[:NAMED].tolist() if contributions[i] > 0.1
        ]
        names = ", ".join(f"{self._names[i]} ({contributions[i]:.0%})" for i in most)
        if apart:
            text = f"Signals that usually move together have come apart: {names}."
        else:
            text = f"The signals together are far from where they usually are: {names}."
        return f"{text} It has lasted: a new baseline begins." if lasting else text
