"""The frame: one message with the samples of one bioreactor over a short span (contract sparge.frame/1)."""

from itertools import pairwise
from math import isfinite, isnan
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.errors import FrameTooLarge
from schemas.status import Severity, Status, severity_of
from schemas.wire import Count, Name, TimeUs, WireModel

FRAME_SCHEMA = "sparge.frame/1"
TICK_SCHEMA = "sparge.tick/1"
TICK_BODY = b'{"schema":"sparge.tick/1"}'
MAX_FRAME_BYTES = 256 * 1024
MAX_AHEAD_US = 24 * 3600 * 1_000_000

Index = Annotated[int, Field(ge=0)]
Code = Annotated[int, Field(gt=0, lt=2**32)]


class StatusColumn(WireModel):
    """Status of those values that are not Good."""

    at: Annotated[list[Index], Field(description="Positions in `values`, strictly increasing.")]
    codes: Annotated[list[Code], Field(description="OPC UA status code at each of these positions; never 0.")]


class SignalColumn(WireModel):
    """The samples of one signal."""

    unit: Annotated[str, Field(description="UCUM unit of the values, such as Cel, % or {#}.min-1.")]
    values: Annotated[
        list[float | None],
        Field(min_length=1, description="The values; null where the signal was sampled but has no value."),
    ]
    at: Annotated[
        list[Index] | None,
        Field(
            description="Position in `time_us` of each value, strictly increasing; absent if at every time."
        ),
    ] = None
    status: Annotated[
        StatusColumn | None,
        Field(
            description="OPC UA status of those values that are not Good. A null without one is Bad "
            "(0x80000000)."
        ),
    ] = None


class SensorFrame(WireModel):
    """The samples of one bioreactor over a short span, on telemetry.frames and telemetry.history.

    (device, epoch, sequence) is its identity: the same frame sent twice is known as a repeat.
    """

    schema_: Annotated[
        Literal["sparge.frame/1"], Field(alias="schema", description="Contract and its major version.")
    ] = "sparge.frame/1"
    site: Annotated[Name, Field(description="Site of the bioreactor.")]
    unit: Annotated[
        Name, Field(description="The bioreactor (ISA-88 unit). The message's key is `site/unit`.")
    ]
    device: Annotated[Name, Field(description="The device that publishes; one name a device of the unit.")]
    epoch: Annotated[Count, Field(description="Boot session of the device; greater after each start.")]
    sequence: Annotated[Count, Field(description="Counts up by 1 with each frame of an epoch.")]
    edge_us: Annotated[
        TimeUs | None, Field(description="When a gateway received the samples, in microseconds UTC.")
    ] = None
    time_us: Annotated[
        list[TimeUs],
        Field(
            description="When the device measured, in microseconds UTC, strictly increasing and at most 24 h "
            "ahead. May be empty only where `dropped` is given."
        ),
    ]
    signals: Annotated[
        dict[Name, SignalColumn],
        Field(
            description="The samples by name of the signal.",
            json_schema_extra={"additionalProperties": False},
        ),
    ]
    dropped: Annotated[
        list[tuple[Count, Count]] | None,
        Field(description="Sequence numbers that the device gave up: [first, last], both included."),
    ] = None

    @model_validator(mode="after")
    def _shaped(self) -> Self:
        if not self.dropped and not (self.time_us and self.signals):
            raise ValueError("a frame without samples: give time_us and signals, or dropped")
        _increasing("time_us", self.time_us)
        for name, column in self.signals.items():
            _check_column(f"signals.{name}", column, len(self.time_us))
        for first, last in self.dropped or ():
            if first > last:
                raise ValueError(f"dropped: [{first}, {last}] ends before it begins")
        return self

    @property
    def key(self) -> str:
        """The message's key, `site/unit`."""
        return f"{self.site}/{self.unit}"

    def encode(self) -> bytes:
        """UTF-8 JSON; NaN becomes null.

        Raises:
            FrameTooLarge: longer than MAX_FRAME_BYTES.
        """
        body = super().encode()
        if len(body) > MAX_FRAME_BYTES:
            raise FrameTooLarge(
                f"The frame of {self.key} with {len(self.time_us)} times has {len(body)} bytes; "
                f"at most {MAX_FRAME_BYTES} are allowed. Send fewer times in a frame.",
                kept="Nothing was sent; the samples are still yours to send.",
            )
        return body


def _increasing(where: str, numbers: list[int]) -> None:
    for position, (before, after) in enumerate(pairwise(numbers), start=1):
        if before >= after:
            raise ValueError(
                f"{where}[{position}]: {after} does not follow {before}; sort, and send each once"
            )


def _check_column(where: str, column: SignalColumn, times: int) -> None:
    count = len(column.values)
    if column.at is not None:
        _check_positions(f"{where}.at", column.at, count, times)
    elif count != times:
        raise ValueError(f"{where}: {count} values for {times} times; give one for each, or `at`")
    codes: dict[int, int] = {}
    if column.status is not None:
        _check_positions(f"{where}.status.at", column.status.at, len(column.status.codes), count)
        codes = dict(zip(column.status.at, column.status.codes, strict=True))
    for position, value in enumerate(column.values):
        if value is None or isnan(value):
            code = codes.get(position, Status.BAD)
            if severity_of(code) is not Severity.BAD:
                raise ValueError(f"{where}.values[{position}]: no value, but its status {code} is not Bad")
        elif not isfinite(value):
            raise ValueError(f"{where}.values[{position}]: {value} is not a number")


def _check_positions(where: str, positions: list[int], count: int, length: int) -> None:
    if len(positions) != count:
        raise ValueError(f"{where}: {len(positions)} positions for {count} entries; give one for each")
    _increasing(where, positions)
    if positions and positions[-1] >= length:
        raise ValueError(
            f"{where}: position {positions[-1]} does not exist; there are {length}, counted from 0"
        )
