"""A recipe: what an operator would have to know to run a process, in any vessel (ISA-88 control recipe)."""

from dataclasses import fields
from functools import cache
from importlib import resources
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import SettingsError
from simulator.physics.medium import Medium

PhaseName = Literal["inoculation", "batch", "feed", "induction", "harvest"]
PHASES: tuple[PhaseName, ...] = ("inoculation", "batch", "feed", "induction", "harvest")

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Percent = Annotated[float, Field(ge=0.0, le=200.0)]


class Part(BaseModel):
    """Data that cannot change and knows all its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SetPoints(Part):
    """What is to be held; what is not given stays as it was.

    Attributes:
        dissolved_oxygen: % of saturation.
        pressure_bar: absolute, in the head space; a vessel that bears less holds what it bears.
        stirrer_share: least speed, as a share of the vessel's highest.
        vvm: least standard litres of gas a minute per litre of working volume.
        cosubstrate_mmol_l_h: glutamine or precursor, per litre at inoculation and hour.
    """

    ph: Annotated[float, Field(ge=2.0, le=12.0)] | None = None
    temperature_c: Annotated[float, Field(ge=0.0, le=60.0)] | None = None
    dissolved_oxygen: Percent | None = None
    pressure_bar: Annotated[float, Field(ge=0.9, le=3.5)] | None = None
    stirrer_share: Share | None = None
    vvm: Positive | None = None
    cosubstrate_mmol_l_h: NotNegative | None = None


SET_POINTS: tuple[str, ...] = tuple(SetPoints.model_fields)


class Change(Part):
    """Set points that operators change within a phase, `at_h` after its beginning, over `over_h`."""

    at_h: NotNegative
    over_h: NotNegative = 0.0
    to: SetPoints


class Feed(Part):
    """How the carbon source is fed, in g per litre of the volume at inoculation and hour.

    Attributes:
        g_l_h: rate at the beginning; absent: as it was (with a DO-stat: the rate within a pulse).
        growth_per_h, most_g_l_h: of an exponential feed.
        above, pulse_min: % of dissolved oxygen that starts a pulse of a DO-stat, and how long it lasts.
    """

    profile: Literal["none", "constant", "exponential", "do_stat"]
    g_l_h: NotNegative | None = None
    growth_per_h: float = 0.0
    most_g_l_h: Positive | None = None
    above: Percent | None = None
    pulse_min: Positive = 2.0

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        needed = {"exponential": ("most_g_l_h",), "do_stat": ("g_l_h", "above")}.get(self.profile, ())
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"a feed {self.profile} needs {' and '.join(missing)}")
        return self


class Ending(Part):
    """What ends a phase: a time, or what an instrument shows for some time.

    Attributes:
        after_h: since the beginning of the phase; alone.
        signal: name in the dictionary of signals; with exactly one of the next.
        above, below: in the signal's own unit.
        above_lowest: by so much over the lowest reading since the phase began.
        below_peak: share of the highest reading since the phase began.
        for_s: how long it has to be so.
        not_before_h: since the beginning of the phase.
    """

    after_h: Positive | None = None
    signal: str | None = None
    above: float | None = None
    below: float | None = None
    above_lowest: Positive | None = None
    below_peak: Share | None = None
    for_s: NotNegative = 60.0
    not_before_h: NotNegative = 0.0

    @property
    def bounds(self) -> tuple[float, ...]:
        """The bounds that are given, of which a signal has exactly one."""
        all_four = (self.above, self.below, self.above_lowest, self.below_peak)
        return tuple(bound for bound in all_four if bound is not None)

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.after_h is None) == (self.signal is None) or len(self.bounds) != (self.signal is not None):
            raise ValueError("an ending is after_h, or a signal with one bound")
        return self


class Samples(Part):
    """Which samples operators draw in a phase.

    Attributes:
        every_h: between samples by day; the first is drawn as the phase begins.
        night_every_h: between samples at night; absent: as by day.
        ml_l: drawn volume per litre of working volume, line included.
        assays: names in `sampling/assays.yaml`.
    """

    every_h: Positive
    night_every_h: Positive | None = None
    ml_l: NotNegative = 2.0
    assays: tuple[str, ...]


class Phase(Part):
    """One phase: its set points, feed, samples, and what ends it; the first ending that is met counts."""

    name: PhaseName
    set: SetPoints = SetPoints()
    over_h: NotNegative = 0.0
    changes: tuple[Change, ...] = ()
    feed: Feed = Feed(profile="none")
    samples: Samples | None = None
    ends: Annotated[tuple[Ending, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ends_for_certain(self) -> Self:
        if all(ending.after_h is None for ending in self.ends):
            raise ValueError(f"phase {self.name} needs an ending after_h, lest a dead probe keep it for ever")
        if [change.at_h for change in self.changes] != sorted(change.at_h for change in self.changes):
            raise ValueError(f"the changes of phase {self.name} stand out of order")
        return self


class Range(Part):
    """Where one actuator moves in the output of the oxygen cascade, 0 to 1."""

    begins: Share
    ends: Share


class OxygenControl(Part):
    """The cascade for dissolved oxygen.

    Attributes:
        stirrer, gas, oxygen, nitrogen: ranges of the output; absent: not used.
        vvm_most, o2_most, n2_most: where gas flow and its shares of oxygen and nitrogen end.
        stirrer_most: highest speed, as a share of the vessel's.
        kla_per_h: usual in the grown culture; the loop is tuned at it.
    """

    stirrer: Range
    gas: Range | None = None
    oxygen: Range | None = None
    nitrogen: Range | None = None
    vvm_most: Positive
    stirrer_most: Share = 1.0
    o2_most: Share = 0.2095
    n2_most: Share = 0.0
    kla_per_h: Positive


class AcidityControl(Part):
    """The loop for pH.

    Attributes:
        buffer_mmol_l: charge that moves the broth by one unit of pH.
        closed_s: in which the loop brings pH back, where mixing allows.
        dead_band: of pH to either side of the set point.
        down: what lowers pH.
        co2_most: highest share of carbon dioxide in the gas where that is what lowers pH.
    """

    buffer_mmol_l: Positive
    closed_s: Positive = 40.0
    dead_band: NotNegative = 0.01
    down: Literal["acid", "co2", "nothing"] = "nothing"
    co2_most: Share = 0.0


class Trim(Part):
    """An assay whose results operators trim a feed by, and what they want it to show."""

    assay: str
    target: Positive


class FeedControl(Part):
    """What bounds the feed.

    Attributes:
        full_share: of the working volume, at which feeding stops.
        guard: % of dissolved oxygen below which feed is taken away.
        trim, cosubstrate_trim: by which assays the feeds are trimmed.
    """

    full_share: Share = 0.97
    guard: Percent = 0.0
    trim: Trim | None = None
    cosubstrate_trim: Trim | None = None


class FoamControl(Part):
    """Antifoam by shots.

    Attributes:
        high_share: of the free height above the broth; foam that high gets a shot.
        shot_ml_l: per litre of working volume.
        wait_min: after a shot before the next.
    """

    high_share: Share = 0.4
    shot_ml_l: Positive = 0.05
    wait_min: Positive = 10.0


class Control(Part):
    """The loops of a process."""

    oxygen: OxygenControl
    acidity: AcidityControl
    feed: FeedControl = FeedControl()
    foam: FoamControl = FoamControl()


def _known_to_medium(given: object) -> object:
    """Refuse a word that `Medium` does not have; a dataclass would pass it over."""
    known = {field.name for field in fields(Medium)}
    if isinstance(given, dict) and not given.keys() <= known:
        raise ValueError(f"a medium has no {', '.join(sorted(map(str, given.keys() - known)))}")
    return given


class Recipe(Part):
    """A process of one organism, per litre, for any vessel.

    Attributes:
        source: where its figures come from.
        culture: which the alarms' limits are chosen by.
        product: what it makes.
        inoculated_at_h: hour of the day.
        medium: what the broth and what is added consist of.
    """

    name: str
    title: str
    source: str
    organism: str
    culture: Literal["bacterial", "yeast", "mammalian", "fungal"]
    product: str
    inoculated_at_h: Annotated[float, Field(ge=0.0, lt=24.0)] = 9.0
    medium: Annotated[Medium, BeforeValidator(_known_to_medium)]
    control: Control
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _phases_are_in_order(self) -> Self:
        places = [PHASES.index(phase.name) for phase in self.phases]
        if places != sorted(set(places)):
            raise ValueError(f"phases stand in the order {', '.join(PHASES)}, each once")
        first = self.phases[0].set
        missing = [name for name in SET_POINTS if getattr(first, name) is None]
        if missing:
            raise ValueError(f"the first phase must set everything, and misses {', '.join(missing)}")
        return self

    @property
    def longest_h(self) -> float:
        """Hours after which the last phase is over in any case."""
        return sum(max(end.after_h for end in phase.ends if end.after_h) for phase in self.phases)


@cache
def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the simulator."""
    folder = resources.files(__package__)
    return tuple(
        sorted(file.name[: -len(".yaml")] for file in folder.iterdir() if file.name.endswith(".yaml"))
    )


@cache
def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        SettingsError: there is none, or it does not say what a recipe has to.
    """
    if name not in recipe_names():
        raise SettingsError(f"There is no recipe {name!r}; there are {', '.join(recipe_names())}.")
    text = resources.files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return parse_recipe(text, place=f"{name}.yaml")


def parse_recipe(text: str, *, place: str) -> Recipe:
    """A recipe from its YAML; `place` names it in errors.

    Raises:
        SettingsError: not YAML, or not a recipe.
    """
    try:
        return Recipe.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise SettingsError(f"{place} is not a recipe.", detail=str(error)) from error
