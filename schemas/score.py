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
    side_offsets: SideOffsets = None

    @property
    def key(self) -> str:
        """The message's key, `site/unit`."""
        return f"{self.site}/{self.unit}"
