"""What River objects know, as numbers, texts, lists and arrays: kept and taken up without pickling.

Each object is told once, in a flat table: by its class, what it is made of and what it holds, as `copyreg`
takes it apart; where it is met again its place in the table stands. So what is shared stays shared, and a
model may be as deep as it likes. Only what `river_names` knows is ever made of a state, and only by the
version of River that it was kept with.
"""

from __future__ import annotations

import binascii
import copyreg
import zlib
from importlib import metadata
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from agents.models.river_names import method_of, name_of, named
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

RIVER = metadata.version("river")
"""The version of River that runs here."""

MOST_BYTES = 64 * 1024 * 1024
"""What a state may unfold to."""

_SCALARS = frozenset({bool, str, type(None)})
_LISTED: dict[str, type[Any]] = {"list": list, "set": set, "dict": dict}
_SAID: dict[str, Callable[[str], Any]] = {
    "float": float,
    "whole": int,
    "bytes": binascii.a2b_base64,
    "named": named,
}
_CHANCE: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (np.random.MT19937, np.random.PCG64, np.random.Philox)
}
_ANEW = "The samples; the model takes a new baseline."


def state_of(model: Any) -> dict[str, Any]:
    """Return everything that a River object, or a list or mapping of them, knows.

    Raises:
        TypeError: it holds what no state can hold; says what.
    """
    try:
        told = orjson.dumps(_Teller().table(model))
    except (ValueError, AttributeError, RecursionError) as wrong:
        raise TypeError(f"a state cannot hold it: {wrong}") from wrong
    return {"river": RIVER, "told": np.frombuffer(zlib.compress(told, 1), dtype=np.uint8).copy()}


def model_of(state: Any) -> Any:
    """Return what `state_of` was given.

    Raises:
        SnapshotRefused: another version of River kept it, it is torn, or it names what no model is made of.
    """
    if not isinstance(state, dict) or "told" not in state:
        raise SnapshotRefused(
            "What was kept of a River model is of a form that is no longer read.", kept=_ANEW
        )
    if state["river"] != RIVER:
        raise SnapshotRefused(
            f"A model was kept by River {state['river']}, and this is River {RIVER}: "
            f"the state of one cannot be read by another.",
            kept=_ANEW,
        )
    try:
        unfold = zlib.decompressobj()
        body = unfold.decompress(state["told"].tobytes(), MOST_BYTES)
        if not unfold.eof:
            raise ValueError(f"it is torn, or more than {MOST_BYTES:,} bytes long")
        return _Maker(orjson.loads(body)).made()
    except _WRONG as wrong:
        raise SnapshotRefused(
            "What was kept of a River model cannot be read.", detail=repr(wrong), kept=_ANEW
        ) from wrong


_WRONG = (
    *(zlib.error, KeyError, TypeError, ValueError, AttributeError, IndexError, ImportError),
    *(OverflowError, RecursionError),
)


class _Teller:
    """Writes the table. Values are told as they are, or as [what, ...]."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._met: list[Any] = []

    def table(self, model: Any) -> list[Any]:
        """Return the table; what it is of stands first."""
        root = self._told(model)
        # What is met on the way is appended, and so has its turn.
        return [root, *map(self._entry, self._met)]

    def _told(self, value: Any) -> Any:  # noqa: PLR0911 - one line a kind of value
        kind = type(value)
        if kind is float:
            return value if isfinite(value) else ["float", repr(value)]
        if kind is int:
            # JSON's whole numbers end at 64 bits.
            return value if abs(value) < 2**63 else ["whole", str(value)]
        if kind in _SCALARS:
            return value
        if isinstance(value, np.generic):
            return ["number", value.dtype.str, self._told(value.item())]
        if kind is tuple:
            return ["tuple", *map(self._told, value)]
        if kind is bytes:
            return ["bytes", _text(value)]
        if isinstance(value, type):
            return ["named", name_of(value)]
        if id(value) not in self._places:
            self._places[id(value)] = len(self._met)
            self._met.append(value)
        return ["at", self._places[id(value)]]

    def _entry(self, value: Any) -> list[Any]:  # noqa: PLR0911 - one line a kind of value
        if isinstance(value, np.ndarray):
            return self._array(value)
        if type(value) is dict:
            return ["dict", *self._pairs(value.items())]
        if type(value) in (list, set):
            every = value if type(value) is list else sorted(value, key=repr)
            return [type(value).__name__, *map(self._told, every)]
        if isinstance(value, np.random.RandomState):
            return ["chance", "RandomState", self._told(value.get_state(legacy=False))]
        if isinstance(value, np.random.Generator):
            state = value.bit_generator.state
            return ["chance", state["bit_generator"], self._told(state)]
        owner = getattr(value, "__self__", None)
        if callable(value) and owner is not None and hasattr(value, "__name__"):
            if type(owner).__name__ == "module":
                return ["named", name_of(value)]
            return ["method", self._told(owner), value.__name__]
        if callable(value) and hasattr(value, "__qualname__"):
            return ["named", name_of(value)]
        return self._object(value)

    def _array(self, array: np.ndarray[Any, Any]) -> list[Any]:
        if array.dtype.kind not in "biuf":
            raise TypeError(f"a state cannot hold an array of {array.dtype}")
        # Sums over an array go in the order in which it lies in memory.
        turned = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
        lying = array.T if turned else array
        return ["array", lying.dtype.str, list(lying.shape), _text(lying.tobytes()), turned]

    def _object(self, value: Any) -> list[Any]:
        try:
            taken = value.__reduce_ex__(2)
        except TypeError as wrong:
            raise TypeError(f"a state cannot hold {type(value).__name__}: {wrong}") from wrong
        if isinstance(taken, str):
            raise TypeError(f"a state cannot hold {type(value).__name__} {taken}")
        maker, arguments, state, items, pairs = (*taken, None, None, None)[:5]
        called = maker is not copyreg.__newobj__  # type: ignore[attr-defined]  # what protocol 2 makes objects with
        kind = maker if called else arguments[0]
        return [
            "object",
            name_of(kind),
            called,
            [self._told(inner) for inner in (arguments if called else arguments[1:])],
            self._held(state),
            [self._told(inner) for inner in items or ()],
            self._pairs(pairs or ()),
        ]

    def _held(self, state: Any) -> Any:
        """What an object holds: its attributes, those in slots beside them, or what it says itself."""
        if type(state) is dict:
            return ["dict", *self._pairs(state.items())]
        if type(state) is tuple:
            return ["tuple", *map(self._held, state)]
        return self._told(state)

    def _pairs(self, pairs: Iterable[tuple[Any, Any]]) -> list[Any]:
        return [told for pair in pairs for told in map(self._told, pair)]


class _Maker:
    """Makes of a table what it was written of."""

    def __init__(self, table: list[Any]) -> None:
        self._root, *self._entries = table
        self._made: dict[int, Any] = {}
        self._open: list[int] = []

    def made(self) -> Any:
        """Return the model."""
        return self._whole(self._root)

    def _whole(self, told: Any) -> Any:
        """Return a value with all that is in it."""
        before = len(self._open)
        value = self._value(told)
        while len(self._open) > before:
            self._fill(self._open.pop())
        return value

    def _value(self, told: Any) -> Any:
        """Return a value that is filled later where it stands in the table."""
        if not isinstance(told, list):
            return told
        what, *rest = told
        if what == "at":
            return self._at(rest[0])
        if what == "dict":
            return dict(self._pairs(rest))
        if what == "tuple":
            return tuple(map(self._value, rest))
        if what == "number":
            return np.dtype(rest[0]).type(self._value(rest[1]))
        return _SAID[what](rest[0])

    def _at(self, place: int) -> Any:
        if place not in self._made:
            self._made[place] = self._begun(*self._entries[place])
            self._open.append(place)
        return self._made[place]

    def _begun(self, what: str, *rest: Any) -> Any:
        if what in _LISTED:
            return _LISTED[what]()
        if what == "array":
            kind, shape, text, turned = rest
            lying = np.frombuffer(binascii.a2b_base64(text), dtype=kind).reshape(shape).copy()
            return lying.T if turned else lying
        if what == "named":
            return named(rest[0])
        if what == "method":
            return method_of(self._whole(rest[0]), rest[1])
        if what == "chance":
            return _chance(rest[0], self._whole(rest[1]))
        kind, called, arguments, *_ = rest
        made_of = [self._whole(inner) for inner in arguments]
        maker = named(kind)
        if not isinstance(maker, type):
            raise TypeError(f"{kind} is no class")
        return maker(*made_of) if called else maker.__new__(maker, *made_of)

    def _fill(self, place: int) -> None:
        what, *rest = self._entries[place]
        value = self._made[place]
        if what == "list":
            value.extend(map(self._value, rest))
        elif what == "set":
            value.update(map(self._whole, rest))
        elif what == "dict":
            value.update(self._pairs(rest))
        elif what == "object":
            *_, state, items, pairs = rest
            self._hold(value, state)
            for inner in items:
                value.append(self._value(inner))
            for key, inner in self._pairs(pairs):
                value[key] = inner

    def _hold(self, value: Any, told: Any) -> None:
        if told is None:
            return
        if hasattr(value, "__setstate__"):
            value.__setstate__(self._whole(told))
            return
        state = self._value(told)
        plain, slots = state if isinstance(state, tuple) else (state, None)
        for name, inner in {**(plain or {}), **(slots or {})}.items():
            if name.startswith("__"):
                raise TypeError(f"a model has no attribute {name}")
            object.__setattr__(value, name, inner)

    def _pairs(self, told: list[Any]) -> list[tuple[Any, Any]]:
        return [
            (self._whole(key), self._value(inner)) for key, inner in zip(told[::2], told[1::2], strict=True)
        ]


def _text(body: bytes) -> str:
    return binascii.b2a_base64(body, newline=False).decode()


def _chance(kind: str, state: Mapping[str, Any]) -> Any:
    """Return NumPy's generator of chance in this state."""
    if kind == "RandomState":
        known = np.random.RandomState()
        known.set_state(dict(state))
        return known
    bits = _CHANCE[kind]()
    bits.state = dict(state)
    return np.random.Generator(bits)
