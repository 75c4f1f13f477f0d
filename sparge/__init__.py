"""Sparge: event-streaming telemetry for bioreactors. `from sparge import Publisher, Client`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparge.client import Client
    from streams.publisher import Publisher

__all__ = ["Client", "Publisher"]

# A device imports no database, an analyst no producer: each face is loaded when it is asked for.
_FACES = {"Client": "sparge.client", "Publisher": "streams.publisher"}


def __getattr__(name: str) -> Any:
    if name not in _FACES:
        raise AttributeError(f"module 'sparge' has no attribute '{name}'")
    return getattr(import_module(_FACES[name]), name)
