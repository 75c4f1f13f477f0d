"""What a signal will do, as a model sees it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.score import ModelRef
from schemas.source import SideOffsets, Source
from schemas.wire import Finite, Name, TimeUs, WireModel


class TimeToLimit(WireModel):
    """When a signal is expected to reach a limit of its alarms, in minutes from made_us."""

    condition: Annotated[str, Field(description="The limit's condition: low, high, low_low or high_high.")]
    limit: Annotated[Finite, Field(description="The limit, in unit_code.")]
    minutes: Annotated[Finite, Field(ge=0, description="When the forecast reaches it.")]
    from_minutes: Annotated[Finite, Field(ge=0, description="The earliest, by the interval's near end.")]
    to_minutes: Annotated[
        Finite | None,
        Field(ge=0, description="The latest; absent where the far end does not reach it in time."),
    ] = None
    text: Annotated[str, Field(description="The same for the operator.")]


class Forecast(WireModel):
    """The forecast of one signal at several horizons; the four lists are of one length."""

    signal: Annotated[Name, Field(description="The signal.")]
    unit_code: Annotated[str, Field(description="UCUM unit of value, lower and upper.")]
    horizon_s: Annotated[list[Finite], Field(description="Seconds after made_us, one entry a horizon.")]
    value: Annotated[list[Finite], Field(description="Predicted value at each horizon.")]
    lower: Annotated[list[Finite], Field(description="Lower end of the prediction interval at each horizon.")]
    upper: Annotated[list[Finite], Field(description="Upper end of the prediction interval at each horizon.")]
    coverage: Annotated[
        Finite, Field(ge=0, le=1, description="Share of true values that the interval is meant to hold.")
    ]
    fallback: Annotated[
        bool, Field(description="Whether the model diverged and persistence answered instead.")
    ]

    reached: Annotated[
        list[Finite | None] | None,
        Field(description="Share of true values that the interval held so far, one entry a horizon."),
    ] = None
    silent: Annotated[
        list[bool] | None,
        Field(
            description="One entry a horizon: whether the model is silent, being no better than persistence, "
            "which answers for it."
        ),
    ] = None
    time_to_limit: Annotated[
        list[TimeToLimit] | None, Field(description="The limits that it reaches, the first one first.")
    ] = None

    @model_validator(mode="after")
    def _even(self) -> Self:
        if not len(self.horizon_s) == len(self.value) == len(self.lower) == len(self.upper):
            raise ValueError("horizon_s, value, lower and upper must have one entry for each horizon")
        for optional in (self.reached, self.silent):
            if optional is not None and len(optional) != len(self.horizon_s):
                raise ValueError("reached and silent, where given, must have one entry for each horizon")
        return self


class ForecastMessage(WireModel):
    """The forecasts of one bioreactor, on the topic watch.results."""

    schema_: Annotated[
        Literal["sparge.forecast/1"], Field(alias="schema", description="Contract and its major version.")
    ] = "sparge.forecast/1"
    source: Annotated[
        Source, Field(description="The input message that caused it; the identity of this one.")
    ]
    site: Annotated[Name, Field(description="Site of the bioreactor.")]
    unit: Annotated[Name, Field(description="The bioreactor (ISA-88 unit).")]
    made_us: Annotated[
        TimeUs, Field(description="Device time from which it looks ahead, in microseconds UTC.")
    ]
    model: Annotated[ModelRef, Field(description="The model that forecast.")]
    forecasts: Annotated[list[Forecast], Field(description="One entry a signal.")]
    layer: Annotated[
        str | None, Field(description="Which of the unit's layers of models it is, such as forecast.")
    ] = None
    role: Annotated[
        Literal["champion", "challenger"] | None,
        Field(
            description="champion: limits that it sees ahead may alarm. challenger: it runs in the shadow. "
            "Absent: champion."
        ),
    ] = None
    side_offsets: SideOffsets = None

    @property
    def key(self) -> str:
        """The message's key, `site/unit`."""
        return f"{self.site}/{self.unit}"
