"""River's own objects as bytes in a state, and back.

They are pickles, because only River knows what its objects hold. Two things keep that safe: bytes come back
only out of a state whose signature was checked (state_codec), and a name in them that is not River's, or not
on a short list, is refused. They fit one version of River only, which they carry.
"""

from __future__ import annotations

import io
import pickle
import zlib
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RIVER = metadata.version("river")
"""The version of River that runs here."""

_BORROWED = {
    "builtins": {"bool", "bytearray", "complex", "dict", "float", "frozenset", "int", "list", "range", "set"}
    | {"bytes", "object", "slice", "str", "tuple"},
    "collections": {"Counter", "OrderedDict", "defaultdict", "deque"},
    "datetime": {"date", "datetime", "timedelta"},
    "functools": {"partial"},
    "numpy": {"dtype", "float64", "int64", "ndarray"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.random": {"RandomState"},
    "numpy.random._mt19937": {"MT19937"},
    "numpy.random._pcg64": {"PCG64"},
    "numpy.random._pickle": {"__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"},
    "random": {"Random"},
    "statistics": {"NormalDist"},
}
"""What River's objects hold that is not River's: values, and nothing that reads, writes or calls by name."""

_OUTSIDE = ("river.datasets", "river.stream", "river.evaluate", "river.checks", "river.active")
"""Parts of River that no estimator is made of, and that open files."""


def freeze(models: object) -> dict[str, Any]:
    """Return River objects, in lists or mappings, as the entries of a state."""
    body = zlib.compress(pickle.dumps(models, protocol=5), 1)
    return {"river": RIVER, "models": np.frombuffer(body, dtype=np.uint8).copy()}


def thaw(state: Mapping[str, Any]) -> Any:
    """Return what `freeze` was given.

    Raises:
        SnapshotRefused: it was kept by another version of River, or is not what `freeze` writes.
    """
    if state.get("river") != RIVER:
        raise SnapshotRefused(
            f"A model was kept by River {state.get('river')}, and this is River {RIVER}: "
            f"the state of one cannot be read by another.",
            kept="The samples; the model takes a new baseline.",
        )
    body: NDArray[np.uint8] = state["models"]
    try:
        return _River(io.BytesIO(zlib.decompress(body.tobytes()))).load()
    except (zlib.error, pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError) as error:
        raise SnapshotRefused(
            "What was kept of a River model cannot be read.",
            detail=repr(error),
            kept="The samples; the model takes a new baseline.",
        ) from error


class _River(pickle.Unpickler):
    """Knows River's names and a few others."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name in the bytes means; raises UnpicklingError where it may not be there."""
        if name in _BORROWED.get(module, ()):
            return super().find_class(module, name)
        if (module, name) == ("builtins", "getattr"):
            return _method
        found = super().find_class(module, name) if _of_river(module) else None
        if not _of_river(getattr(found, "__module__", "") or module) or isinstance(found, _MODULE):
            raise pickle.UnpicklingError(f"{module}.{name} has no place in the state of a model")
        return found


_MODULE = type(pickle)


def _of_river(module: str) -> bool:
    return f"{module}.".startswith("river.") and not f"{module}.".startswith(
        tuple(f"{outside}." for outside in _OUTSIDE)
    )


def _method(owner: object, name: str) -> Any:
    """Return a bound method of a River object, as its pickle names it."""
    if name.startswith("__") or not _of_river(type(owner).__module__):
        raise pickle.UnpicklingError(f"{name} of {type(owner).__name__} has no place in the state of a model")
    return getattr(owner, name)
