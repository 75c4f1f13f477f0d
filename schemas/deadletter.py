"""A message that could not be understood, kept with its reason and its original bytes."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from schemas.errors import FrameRefused
from schemas.source import Source
from schemas.wire import TimeUs, WireModel

Base64 = Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]


class DeadLetter(WireModel):
    """One refused message, on the topic telemetry.deadletter."""

    schema_: Annotated[
        Literal["sparge.deadletter/1"], Field(alias="schema", description="Contract and its major version.")
    ] = "sparge.deadletter/1"
    source: Annotated[
        Source, Field(description="Topic, partition and offset of the refused message; index 0.")
    ]
    reason: Annotated[
        str, Field(pattern=r"^[a-z_]{1,64}$", description="Why it was refused, in one word; more may come.")
    ]
    where: Annotated[str, Field(description="Path of the offending field; empty for the whole message.")]
    message: Annotated[str, Field(description="What was wrong, where, and what to do about it.")]
    recorded_us: Annotated[TimeUs, Field(description="When the broker recorded it, in microseconds UTC.")]
    key: Annotated[Base64 | None, Field(description="The original key; absent if there was none.")] = None
    value: Annotated[Base64 | None, Field(description="The original body; absent if there was none.")] = None
    headers: Annotated[
        tuple[tuple[str, Base64], ...], Field(description="The original headers: name and value.")
    ] = ()

    @classmethod
    def of(
        cls,
        source: Source,
        refused: FrameRefused,
        *,
        recorded_us: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> Self:
        """The dead letter of a refused message; the same message always gives the same one."""
        return cls(
            source=source,
            reason=refused.reason.value,
            where=refused.where,
            message=refused.message,
            recorded_us=recorded_us,
            key=_text(key),
            value=_text(value),
            headers=tuple((name, b64encode(content or b"").decode()) for name, content in headers),
        )

    @property
    def original(self) -> bytes:
        """The original body, to the byte; empty if there was none."""
        return b64decode(self.value or "")

    @property
    def original_key(self) -> bytes | None:
        """The original key, to the byte."""
        return None if self.key is None else b64decode(self.key)

    @property
    def original_headers(self) -> list[tuple[str, bytes]]:
        """The original headers, to the byte."""
        return [(name, b64decode(content)) for name, content in self.headers]


def _text(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()
