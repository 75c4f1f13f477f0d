"""What a River object knows, as numbers, texts, lists and arrays: kept and taken up without pickling.

An object is told by its class, what it is made of and what it holds, as `copyreg` takes it apart. Only
River's own classes and the few plain ones that they are built from are ever made of a state.
"""

from __future__ import annotations

import collections
import copyreg
import functools
import random
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN: dict[str, type[Any]] = {
    f"{kind.__module__}:{kind.__qualname__}": kind
    for kind in (
        collections.deque,
        collections.defaultdict,
        collections.Counter,
        collections.OrderedDict,
        functools.partial,
        random.Random,
        float,
        int,
        list,
        dict,
        set,
        frozenset,
    )
}
"""Classes outside River that its models are built from."""

_SCALARS = (bool, int, float, str, type(None))


def state_of(model: Any) -> dict[str, Any]:
    """Return everything that `model` knows; raises TypeError where it holds what no state can hold."""
    return {"model": _Teller().told(model)}


def model_of(state: Mapping[str, Any]) -> Any:
    """Return the model that `state_of` told; raises SnapshotRefused where the state is no such telling."""
    try:
        return _Maker().made(state["model"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as wrong:
        raise SnapshotRefused("What was kept of a River model cannot be read.", detail=repr(wrong)) from wrong


class _Teller:
    """Tells each object once; where it is met again, its number stands."""

    def __init__(self) -> None:
        self._met: dict[int, int] = {}
        self._held: list[Any] = []

    def told(self, value: Any) -> Any:  # noqa: C901, PLR0911 - one line a kind of value
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, _SCALARS) or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf"):
            return value
        if isinstance(value, bytes):
            return {"bytes": np.frombuffer(value, dtype=np.uint8).copy()}
        if isinstance(value, tuple):
            return {"tuple": [self.told(inner) for inner in value]}
        if isinstance(value, type):
            return {"class": _name(value)}
        if id(value) in self._met:
            return {"met": self._met[id(value)]}
        self._met[id(value)] = len(self._held)
        self._held.append(value)
        if type(value) is list:
            return {"list": [self.told(inner) for inner in value]}
        if type(value) is set:
            return {"set": [self.told(inner) for inner in sorted(value)]}
        if type(value) is dict:
            return {"dict": self._pairs(value.items())}
        owner = getattr(value, "__self__", None)
        if callable(value) and owner is not None:
            return {"method": value.__name__, "of": self.told(owner)}
        return self._object(value)

    def _object(self, value: Any) -> dict[str, Any]:
        maker, arguments, state, items, pairs = (*value.__reduce_ex__(2), None, None, None)[:5]
        if maker is copyreg.__newobj__:  # type: ignore[attr-defined]  # what protocol 2 makes objects with
            kind, *arguments = arguments
        else:
            kind = maker
        return {
            "object": _name(kind),
            "called": maker is kind,
            "arguments": [self.told(inner) for inner in arguments],
            "state": self.told(state),
            "items": [self.told(inner) for inner in items or ()],
            "pairs": self._pairs(pairs or ()),
        }

    def _pairs(self, pairs: Any) -> list[list[Any]]:
        return [[self.told(key), self.told(inner)] for key, inner in pairs]


class _Maker:
    def __init__(self) -> None:
        self._made: list[Any] = []

    def made(self, told: Any) -> Any:  # noqa: PLR0911 - one line a kind of value
        if not isinstance(told, dict):
            return told
        if "bytes" in told:
            return told["bytes"].tobytes()
        if "tuple" in told:
            return tuple(self.made(inner) for inner in told["tuple"])
        if "class" in told:
            return _class(told["class"])
        if "met" in told:
            return self._made[told["met"]]
        place = len(self._made)
        self._made.append(None)
        if "object" in told:
            return self._object(told, place)
        if "method" in told:
            self._made[place] = getattr(self.made(told["of"]), told["method"])
            return self._made[place]
        kind = next(iter(told))
        value: Any = {"list": list, "set": set, "dict": dict}[kind]()
        self._made[place] = value
        if kind == "dict":
            value.update(self._pairs(told["dict"]))
        elif kind == "set":
            value.update(self.made(inner) for inner in told["set"])
        else:
            value.extend(self.made(inner) for inner in told["list"])
        return value

    def _object(self, told: Mapping[str, Any], place: int) -> Any:
        kind = _class(told["object"])
        arguments = [self.made(inner) for inner in told["arguments"]]
        value = kind(*arguments) if told["called"] else kind.__new__(kind, *arguments)
        self._made[place] = value
        state = self.made(told["state"])
        if hasattr(value, "__setstate__") and state is not None:
            value.__setstate__(state)
        elif state is not None:
            plain, slots = state if isinstance(state, tuple) else (state, None)
            for name, inner in {**(plain or {}), **(slots or {})}.items():
                object.__setattr__(value, name, inner)
        for inner in told["items"]:
            value.append(self.made(inner))
        for key, inner in self._pairs(told["pairs"]):
            value[key] = inner
        return value

    def _pairs(self, told: list[list[Any]]) -> list[tuple[Any, Any]]:
        return [(self.made(key), self.made(inner)) for key, inner in told]


def _name(kind: Any) -> str:
    name = f"{kind.__module__}:{kind.__qualname__}"
    if not isinstance(kind, type) or _class(name) is not kind:
        raise TypeError(f"a state cannot hold {name}")
    return name


def _class(name: str) -> Any:
    if name in PLAIN:
        return PLAIN[name]
    module, _, path = name.partition(":")
    if module != "river" and not module.startswith("river."):
        raise TypeError(f"{name} is not River's")
    kind = functools.reduce(getattr, path.split("."), import_module(module))
    if not isinstance(kind, type):
        raise TypeError(f"{name} is no class")
    return kind
