"""Where a derived message comes from: the identity of what caused it."""

from typing import Annotated

from pydantic import Field

from schemas.wire import Count, WireModel


class Source(WireModel):
    """The input message that caused an output, and the output's number among those it caused.

    The same input always gives the same source, so a message sent twice is known by it.
    """

    topic_id: Annotated[
        str, Field(description="Kafka's id of the input topic; a recreated topic has another.")
    ]
    topic: Annotated[str, Field(description="Name of the input topic.")]
    partition: Annotated[Count, Field(description="Partition of the input message.")]
    offset: Annotated[Count, Field(description="Offset of the input message.")]
    index: Annotated[Count, Field(description="Counts the outputs of one input message from 0.")]

    @property
    def id(self) -> str:
        """The identity as text: `topic_id/topic/partition/offset/index`."""
        return f"{self.topic_id}/{self.topic}/{self.partition}/{self.offset}/{self.index}"

    @property
    def order(self) -> tuple[int, int]:
        """Rank among the sources of one partition: a reader drops what is not above the highest it has."""
        return (self.offset, self.index)


SideOffsets = Annotated[
    dict[str, Count] | None,
    Field(
        description="Side inputs in force: by topic the offset below which its messages were known to this "
        "decision; absent where none was."
    ),
]
"""Beside its source, what a decision depends on; a replay applies side inputs where they were applied."""
