"""How unusual samples are, as a model sees them."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.source import SideOffsets, Source
from schemas.wire import Finite, Name, TimeUs, WireModel


class ModelRef(WireModel):
    """Which model said it."""

    name: Annotated[str, Field(description="Name of the recipe.")]
    version: Annotated[str, Field(description="Version of the recipe.")]
    digest: Annotated[str, Field(description="SHA-256 of the recipe, in hexadecimal.")]


class Score(WireModel):
    """The score of one sample."""

    signal: Annotated[Name, Field(description="Signal of the sample.")]
    time_us: Annotated[TimeUs, Field(description="Device time of the sample, in microseconds UTC.")]
    value: Annotated[Finite, Field(description="The sample's value, in the signal's canonical unit.")]
    expected: Annotated[Finite, Field(description="What the model expected, in the same unit.")]
    score: Annotated[
        Finite, Field(ge=0, description="-log10 of the tail probability of the residual; does not saturate.")
    ]
    suspect: Annotated[bool, Field(description="Whether the model suspects the sample.")]
    learned: Annotated[bool, Field(description="Whether the model learned from the sample.")]


class Contribution(WireModel):
    """A signal's part in a score of the whole unit."""

    signal: Annotated[Name, Field(description="The signal.")]
    share: Annotated[Finite, Field(ge=0, le=1, description="Its share of the score; all signals' make 1.")]


class UnitScore(WireModel):
    """The score of the unit as a whole, at the end of one step of its models' grid."""

    time_us: Annotated[TimeUs, Field(description="Device time at which the step ended, microseconds UTC.")]
    score: Annotated[
        Finite, Field(ge=0, description="-log10 of the tail probability of the whole; does not saturate.")
    ]
    suspect: Annotated[bool, Field(description="Whether the model suspects the unit.")]
    learned: Annotated[bool, Field(description="Whether the model learned from the step.")]
    contributions: Annotated[
        list[Contribution], Field(description="The signals that contributed most, the largest first.")
    ]
    looks_like: Annotated[
        Literal["process", "sensor", "unknown"] | None,
        Field(description="Whether it looks like the process or a sensor; absent while nothing is suspect."),
    ] = None
    reason: Annotated[
        str | None, Field(description="What the model saw, in plain words; absent where it saw nothing.")
    ] = None


class ScoreMessage(WireModel):
    """The scores of one frame, on the topic watch.results."""

    schema_: Annotated[
        Literal["sparge.score/1"], Field(alias="schema", description="Contract and its major version.")
    ] = "sparge.score/1"
    source: Annotated[
        Source, Field(description="The input message that caused it; the identity of this one.")
    ]
    site: Annotated[Name, Field(description="Site of the bioreactor.")]
    unit: Annotated[Name, Field(description="The bioreactor (ISA-88 unit).")]
    now_us: Annotated[TimeUs, Field(description="Recorded time of the log, in microseconds UTC.")]
    model: Annotated[ModelRef, Field(description="The model that scored.")]
    scores: Annotated[list[Score], Field(description="One entry a scored sample.")]
    layer: Annotated[
        str | None, Field(description="Which of the unit's layers of models it is, such as residual.")
    ] = None
    role: Annotated[
        Literal["champion", "challenger"] | None,
        Field(description="champion: it may alarm. challenger: it runs in the shadow. Absent: champion."),
    ] = None
    unit_scores: Annotated[
        list[UnitScore] | None, Field(description="One entry a step that the model judged as a whole.")
    ] = None
    side_offsets: SideOffsets = None

    @property
    def key(self) -> str:
        """The message's key, `site/unit`."""
        return f"{self.site}/{self.unit}"
