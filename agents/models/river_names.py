"""The classes and functions that a kept River model may name: River's own, and the plain ones beside them.

What is kept says names, and a name is all that it can say: nothing here reads, writes or starts anything.
"""

from __future__ import annotations

import collections
import copy
import functools
import random
import statistics
from importlib import import_module
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

ROOMS = frozenset(
    {
        *("_river_rust", "anomaly", "bandit", "base", "cluster", "compose", "covariance", "drift", "dummy"),
        *("ensemble", "feature_extraction", "feature_selection", "forest", "linear_model", "metrics"),
        *("model_selection", "naive_bayes", "neighbors", "optim", "preprocessing", "proba", "rules"),
        *("sketch", "stats", "time_series", "tree", "utils"),
    }
)
"""The parts of River that models are built from."""

_PLAIN: tuple[Any, ...] = (
    *(bool, bytes, dict, float, frozenset, int, list, set, str, tuple),
    *(collections.Counter, collections.OrderedDict, collections.defaultdict, collections.deque),
    *(functools.partial, random.Random, statistics.NormalDist),
    *(copy.copy, copy.deepcopy, np.array, np.ones, np.zeros),
)
PLAIN: dict[str, Any] = {f"{kind.__module__}:{kind.__qualname__}": kind for kind in _PLAIN}
"""What is not River's and stands in its models."""

_FUNCTIONS = (FunctionType, BuiltinFunctionType)


@functools.lru_cache(maxsize=1024)
def name_of(what: Any) -> str:
    """Return the name of a class or function; raises TypeError where it is none that may be kept."""
    name = f"{what.__module__}:{what.__qualname__}"
    if named(name) is not what:
        raise TypeError(f"a state cannot hold {name}")
    return name


@functools.lru_cache(maxsize=1024)
def named(name: str) -> Any:
    """Return the class or function of that name; raises TypeError where it may not be kept."""
    if name in PLAIN:
        return PLAIN[name]
    module, _, path = name.partition(":")
    found = None
    if _is_room(module) and not any(step.startswith(("__", "<")) for step in path.split(".")):
        found = functools.reduce(getattr, path.split("."), import_module(module))
    if not isinstance(found, (type, *_FUNCTIONS)) or not _is_room(found.__module__):
        raise TypeError(f"a state cannot hold {name}: it is neither River's nor one of the plain ones")
    return found


def method_of(owner: Any, name: str) -> Any:
    """Return a method of what a state has made; raises TypeError where there is none of that name."""
    found = None if name.startswith("__") else getattr(owner, name, None)
    if not callable(found) or getattr(found, "__self__", None) is not owner:
        raise TypeError(f"{type(owner).__name__} has no method {name}")
    return found


def _is_room(module: str | None) -> bool:
    root, *parts = (module or "").split(".")
    return root == "river" and bool(parts) and parts[0] in ROOMS and "datasets" not in parts
