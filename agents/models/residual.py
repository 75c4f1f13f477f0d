"""How unlikely a value is after the values before it: the residual of a one-step forecast, signal by signal.

River's forecaster says what comes next on the even grid, River's variance says how far off it usually is, and
a learnt tail (tail.py) how unlikely a residual of that size is; the recurrences run over all signals at once.

Learning is guarded: a signal learns from a value only while the layer does not suspect it. A lasting change
would lock such a model, so after a set time of suspicion it takes a new baseline, as it did at its start; so
it does where a change is told, by a new phase or a moved set point, and where a total is set back to zero.

What is counted or weighed moves in steps: a dose, a sample that is drawn. A step is suspect while it is
made, and the forecast goes on from there; what steps on and on stays suspect.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from agents.models.banks.columns import Columns
from agents.models.banks.of_recipe import forecasters, spreads
from agents.models.recipe import Positive, Recipe, RiverModel, Steps
from agents.models.step import SignalScores
from agents.models.tail import NORMAL_T, TailBank
from schemas.errors import SnapshotRefused
from schemas.signals import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.context import Context
    from agents.models.step import Step
    from schemas.signals import SignalSpec

MAD_OF_SIGMA = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution."""

LEAST_SPREAD = 1e-12

LARGEST = 1e30
"""Beyond it no reading is meant and squares overflow: such values are judged as this one, never learnt."""

SET_POINT = re.compile(r"[._]setpoint$")
"""How the set point of a signal is named: after the signal itself."""

ENTERED = frozenset({"setpoint", "offline"})
"""Classes of signals that people or recipes enter: nothing in what they were says what they will be."""

PHASES = ("batch", "phase")


class ResidualRecipe(Recipe):
    """Parameters of the one-step residual; recipes/residual.yaml says what each does."""

    learning: Literal["frozen", "guarded"]
    predictor: RiverModel
    residual: RiverModel
    baseline_steps: Annotated[int, Field(ge=10)]
    baseline_within: Positive
    settle_steps: Steps
    tail_memory: Steps
    suspect_at: Positive
    coast_steps: Steps
    rebaseline_after_s: Positive
    grace_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    hold_steps: Steps
    stores: tuple[str, ...]
    moves: dict[str, tuple[str, ...]]
    spread_noise: Positive
    spread_relative: Positive

    @property
    def rebaseline_steps(self) -> int:
        """Steps of unbroken suspicion after which a signal gets a new baseline."""
        return max(1, round(self.rebaseline_after_s / self.step_s))

    @property
    def grace_steps(self) -> int:
        """Steps after a told change of the process that are followed, but kept out of the new baseline."""
        return round(self.grace_s / self.step_s)


def shipped() -> ResidualRecipe:
    """Return the recipe that comes with Sparge."""
    text = files("agents.models").joinpath("recipes", "residual.yaml").read_text("utf-8")
    return ResidualRecipe.model_validate(read_yaml(text))


class ResidualLayer:
    """The one-step residuals of all signals of a unit; a Layer.

    expected, spread (S,), in each signal's unit: what the next samples are judged against, where `ready`.
    rebaselines (S,): how often each signal has taken a new baseline.
    """

    def __init__(self, recipe: ResidualRecipe) -> None:
        self.recipe = recipe
        self._names: list[str] = []
        self._least = np.empty(0)
        self._relative = np.empty(0)
        self._silent = np.empty(0, dtype=np.bool_)
        self._totals = np.empty(0, dtype=np.bool_)
        self._stores = np.empty(0, dtype=np.bool_)
        self._follows: dict[int, list[int]] = {}
        self._phase: list[str | None] | None = None
        self._predictor = forecasters(recipe.predictor)
        self._residuals = spreads(recipe.residual)
        self._tail = TailBank(recipe.tail_memory)
        self._lanes = Columns(
            {
                "ready": False,
                "grace": 0,  # of these, still to pass before residuals are kept
                "kept": 0,  # residuals kept for the baseline
                "baseline": np.zeros(recipe.baseline_steps),
                "learnt": 0,  # residuals learnt since
                "next": 0.0,  # what the forecaster says
                "expected": 0.0,
                "spread": 1.0,
                "shift": 0.0,  # the sum of the steps that a store has made
                "trusted": False,  # the last sample was fit to be learnt
                "suspect": False,  # the last sample was suspect: so is the signal, until the next one
                "doubts": 0,  # steps of unbroken suspicion
            }
        )
        self._life = Columns({"rebaselines": 0, "set_to": np.nan})

    @property
    def expected(self) -> NDArray[np.float64]:
        """(S,) what the next samples are judged against."""
        return self._lanes["expected"]

    @property
    def spread(self) -> NDArray[np.float64]:
        """(S,) the usual size of their deviation from it, > 0."""
        return self._lanes["spread"]

    @property
    def ready(self) -> NDArray[np.bool_]:
        """(S,) which signals have their baseline."""
        return self._lanes["ready"]

    @property
    def rebaselines(self) -> NDArray[np.int64]:
        """(S,) how often each signal has taken a new baseline."""
        return self._life["rebaselines"]

    def add(self, name: str, spec: SignalSpec | None) -> None:
        """Give the next slot to a signal; a set point or an assay is followed but never judged."""
        slot = len(self._names)
        self._names.append(name)
        self._least = np.append(
            self._least, max(self.recipe.spread_noise * spec.noise if spec else 0.0, LEAST_SPREAD)
        )
        self._relative = np.append(self._relative, 0.0 if spec else self.recipe.spread_relative)
        entered = bool(SET_POINT.search(name)) or (spec is not None and spec.signal_class in ENTERED)
        self._silent = np.append(self._silent, entered)
        total = spec is not None and spec.reading == "total"
        self._totals = np.append(self._totals, total)
        self._stores = np.append(self._stores, total or name in self.recipe.stores)
        self._follows = _followers(self._names, self.recipe.moves)
        for lanes in (self._predictor, self._residuals, self._tail, self._lanes, self._life):
            lanes.add()
        self._lanes["spread"][slot] = self._floor(self._lanes["expected"])[slot]

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> SignalScores:
        """Judge a step and learn from it; silent where nothing was sampled or there is no baseline yet."""
        present = np.isfinite(step.value)
        value = np.minimum(np.maximum(np.where(present, step.value, 0.0), -LARGEST), LARGEST)
        fresh = step.fresh & present
        fit = step.fit & fresh & ~doubted & (np.abs(value) < LARGEST)
        self._follow(step.context, value, fit)

        lanes = self._lanes
        expected, spread, ready = lanes["expected"].copy(), lanes["spread"].copy(), lanes["ready"].copy()
        size = np.abs(value - expected) / spread
        score = self._score(size, expected, spread, slice(None))
        far = ready & present & (score >= self.recipe.suspect_at)
        set_back = far & fit & self._totals & (value < expected)
        if np.count_nonzero(set_back):
            self._begin(set_back, grace=0)
            far &= ~set_back
            ready &= ~set_back
        stepped = far & fit & self._stores
        if np.count_nonzero(stepped):
            shift = lanes["shift"]
            shift += np.where(stepped, value - expected, 0.0)
        learned = self._learn(value - lanes["shift"], size, far & ~stepped, (present, fresh, fit & ~stepped))
        suspect = lanes["suspect"]
        np.copyto(suspect, far, where=fresh)
        judged = ready & fresh
        return SignalScores(
            expected, spread, np.where(judged, score, np.nan), suspect & present, learned & judged
        )

    def score_of(
        self,
        value: NDArray[np.float64],
        expected: NDArray[np.float64],
        spread: NDArray[np.float64],
        slots: NDArray[np.intp],
        samples: NDArray[np.intp] | int = 1,
    ) -> NDArray[np.float64]:
        """Score values of the signals at `slots`, each the worst of `samples`; as value, >= 0, finite."""
        size = np.abs(np.minimum(np.maximum(value, -LARGEST), LARGEST) - expected) / spread
        score = self._score(size, expected, spread, slots) - np.log10(samples)
        return np.maximum(score, 0.0)

    def state(self) -> dict[str, Any]:
        """Everything that it knows, but for the parameters."""
        return {
            "names": list(self._names),
            "phase": None if self._phase is None else list(self._phase),
            "lanes": self._lanes.state(),
            "life": self._life.state(),
            "predictor": self._predictor.state(),
            "residuals": self._residuals.state(),
            "tail": self._tail.state(),
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, after the same signals were added in the same order.

        Raises:
            SnapshotRefused: it is of other signals, or does not fit this recipe.
        """
        if list(state.get("names", ())) != self._names:
            raise SnapshotRefused(
                "What was kept of the residuals is of other signals.",
                detail=f"kept {state.get('names')}, here {self._names}",
                kept="The samples; the layer takes a new baseline.",
            )
        phase = state["phase"]
        self._phase = None if phase is None else list(phase)
        for lanes, key in (
            (self._lanes, "lanes"),
            (self._life, "life"),
            (self._predictor, "predictor"),
            (self._residuals, "residuals"),
            (self._tail, "tail"),
        ):
            lanes.take_up(state[key])

    def _learn(
        self,
        value: NDArray[np.float64],
        size: NDArray[np.float64],
        far: NDArray[np.bool_],
        marks: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]],
    ) -> NDArray[np.bool_]:
        """Learn from a step; value: less the steps that a store has made."""
        present, fresh, fit = marks
        lanes = self._lanes
        ready, trusted, doubts, learnt = (lanes[name] for name in ("ready", "trusted", "doubts", "learnt"))
        np.copyto(trusted, fit, where=fresh)
        good = present & trusted & ~far
        off = ready & present & ~good
        doubts[good] = 0
        doubts += off
        waiting, doubtful = np.count_nonzero(ready) < ready.size, np.count_nonzero(off) > 0

        residual = value - lanes["next"]
        taught = ready & good & fresh
        if self.recipe.learning == "frozen":
            taught &= learnt < self.recipe.settle_steps
        if waiting:
            self._keep(residual, good & fresh & ~ready & ~self._silent)
        self._residuals.learn(residual, taught)
        self._tail.learn(size, taught)
        learnt += taught
        follows = good
        if doubtful:
            coasting = off & (doubts <= self.recipe.coast_steps)
            value, follows = np.where(coasting, lanes["next"], value), good | coasting
        self._predictor.learn(value, follows)

        if waiting:
            complete = (lanes["kept"] >= self.recipe.baseline_steps) & ~ready
            for lane in np.flatnonzero(complete).tolist():
                self._take_baseline(lane)
        if doubtful:
            again = off & (doubts >= self.recipe.rebaseline_steps)
            if again.any():
                self._begin(again, grace=0)
        self._aim()
        learned: NDArray[np.bool_] = good & ready
        return learned

    def _keep(self, residual: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        lanes = self._lanes
        grace = lanes["grace"]
        waiting = where & (grace > 0)
        grace -= waiting
        at = np.flatnonzero(where & ~waiting & self._predictor.running)
        kept = lanes["kept"]
        lanes["baseline"][at, kept[at]] = residual[at]
        kept[at] += 1

    def _take_baseline(self, lane: int) -> None:
        lanes = self._lanes
        residuals = lanes["baseline"][lane]
        middle = float(np.median(residuals))
        robust = MAD_OF_SIGMA * float(np.median(np.abs(residuals - middle)))
        floor = float(self._floor(self._predictor.forecast())[lane])
        within = residuals[np.abs(residuals - middle) <= self.recipe.baseline_within * max(robust, floor)]
        self._residuals.start(lane, within)
        sigma = max(float(self._residuals.sigma()[lane]), floor)
        self._tail.start(lane, np.abs(within - within.mean()) / sigma)
        lanes["ready"][lane] = True

    def _aim(self) -> None:
        lanes = self._lanes
        np.copyto(lanes["next"], self._predictor.forecast(), where=self._predictor.running)
        expected = lanes["expected"]
        np.add(lanes["next"], self._residuals.mean(), out=expected)
        expected += lanes["shift"]
        np.maximum(self._residuals.sigma(), self._floor(lanes["expected"]), out=lanes["spread"])
        np.minimum(lanes["spread"], LARGEST, out=lanes["spread"])

    def _score(
        self,
        size: NDArray[np.float64],
        expected: NDArray[np.float64],
        spread: NDArray[np.float64],
        slots: NDArray[np.intp] | slice,
    ) -> NDArray[np.float64]:
        # What noise there must be is normal at the least, however still the signal has stood.
        return self._tail.score(size, NORMAL_T * self._floor(expected, slots) / spread, slots)

    def _floor(
        self, level: NDArray[np.float64], slots: NDArray[np.intp] | slice = slice(None)
    ) -> NDArray[np.float64]:
        return np.maximum(self._least[slots], self._relative[slots] * np.abs(level))

    def _begin(self, where: NDArray[np.bool_], *, grace: int) -> None:
        rebaselines = self._life["rebaselines"]
        rebaselines += where & self._lanes["ready"]
        for lanes in (self._predictor, self._residuals, self._tail):
            lanes.begin(where)
        trusted = self._lanes["trusted"][where]
        self._lanes.begin(where)
        self._lanes["trusted"][where] = trusted
        self._lanes["grace"][where] = grace

    def _follow(self, context: Context, value: NDArray[np.float64], fit: NDArray[np.bool_]) -> None:
        phase = [getattr(context, part) for part in PHASES]
        if phase != self._phase:
            if self._phase is not None and value.size:
                self._begin(np.ones(value.size, dtype=np.bool_), grace=self.recipe.grace_steps)
            self._phase = phase
        set_to = self._life["set_to"]
        for slot, followers in self._follows.items():
            if not fit[slot]:
                continue
            moved = abs(value[slot] - set_to[slot]) > self._floor(value)[slot]
            set_to[slot] = value[slot]
            if moved:
                where = np.zeros(value.size, dtype=np.bool_)
                where[followers] = True
                self._begin(where, grace=self.recipe.grace_steps)


def _followers(names: list[str], moves: Mapping[str, tuple[str, ...]]) -> dict[int, list[int]]:
    """Return for each command's slot the slots of what it moves, second probes of its own signal included."""
    found = {}
    for slot, name in enumerate(names):
        of, named = SET_POINT.subn("", name)
        moved = {*moves.get(name, ()), *([of, f"{of}_2"] if named else [])}
        if moved:
            found[slot] = [place for place, other in enumerate(names) if other in moved]
    return found
