"""What a layer of several banks keeps: the state of each under its name, and whose signals they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Part(Protocol):
    """A bank, or columns."""

    def state(self) -> Mapping[str, Any]:
        """Everything that it knows."""

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""


def state_of(names: Sequence[str], parts: Mapping[str, Part]) -> dict[str, Any]:
    """Return the names of the signals and the state of each part."""
    return {"names": list(names), **{key: part.state() for key, part in parts.items()}}


def take_up(names: Sequence[str], parts: Mapping[str, Part], state: Mapping[str, Any], what: str) -> None:
    """Let the parts go on from `state`; `what` says whose it is, such as "the search for drift".

    Raises:
        SnapshotRefused: it is of other signals, or does not fit a part.
    """
    if list(state.get("names", ())) != list(names):
        raise SnapshotRefused(f"What was kept of {what} is of other signals.")
    for key, part in parts.items():
        part.take_up(state[key])
