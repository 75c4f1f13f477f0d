"""State as signed bytes: a JSON header for what is small, raw little-endian arrays for the rest.

Nothing is ever unpickled. A body whose signature is not ours is not even parsed: it may be torn, from another
installation, or written by somebody who wants his numbers believed.

    magic (8 bytes) | HMAC-SHA256 of what follows (32) | length of the header (4) | header | arrays
"""

from __future__ import annotations

import hmac
import math
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = b"SPARGES1"
_SIGNATURE_BYTES = 32
_HEAD = struct.Struct("<I")
_PREFIX = len(MAGIC) + _SIGNATURE_BYTES + _HEAD.size

_ARRAY, _NUMBER = "@array", "@number"
"""Keys of the objects that stand in the header for an array and for a float that is no JSON number."""

_KINDS = frozenset("biuf")
_KEPT = "The frames in the log, and every result that was told before."


def pack(state: Mapping[str, Any], key: bytes) -> bytes:
    """Write a state: numbers, texts, None, lists and arrays of numbers in nested mappings with text keys.

    Raises:
        TypeError: it holds something else.
    """
    arrays: list[NDArray[Any]] = []
    header = orjson.dumps(_told(state, arrays))
    body = b"".join((_HEAD.pack(len(header)), header, *(array.tobytes() for array in arrays)))
    return MAGIC + signature(body, key) + body


def unpack(body: bytes, key: bytes) -> dict[str, Any]:
    """Read what `pack` wrote with the same key; tuples come back as lists.

    Raises:
        SnapshotRefused: it is torn, not signed, or signed with another key.
    """
    if body[: len(MAGIC)] != MAGIC:
        raise _refused("it is not a signed state of this version", f"begins with {body[:12]!r}")
    content = body[len(MAGIC) + _SIGNATURE_BYTES :]
    if not hmac.compare_digest(body[len(MAGIC) : len(MAGIC) + _SIGNATURE_BYTES], signature(content, key)):
        raise _refused("its signature is not ours: it is torn, or was written with another key")
    (length,) = _HEAD.unpack_from(content)
    header = orjson.loads(content[_HEAD.size : _HEAD.size + length])
    reader = _Arrays(memoryview(body)[_PREFIX + length :])
    state: dict[str, Any] = _read(header, reader)
    return state


def signature(content: bytes, key: bytes) -> bytes:
    """HMAC-SHA256 of what is written, by which its writer knows it again."""
    return hmac.digest(key, content, "sha256")


class _Arrays:
    """The arrays behind a header, in their order."""

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._at = 0

    def next(self, kind: Any, shape: list[int]) -> NDArray[Any]:
        dtype = np.dtype([tuple(field) for field in kind] if isinstance(kind, list) else kind)
        count = math.prod(shape)
        array = np.frombuffer(self._body, dtype, count, self._at) if count else np.empty(0, dtype)
        self._at += array.nbytes
        return array.reshape(shape).copy()


def _told(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """`value` as JSON can say it; its arrays are appended to `arrays`."""
    if isinstance(value, Mapping):
        return {_text(key): _told(inner, arrays) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_told(inner, arrays) for inner in value]
    if isinstance(value, np.ndarray):
        array = _little(value)
        arrays.append(array)
        kind = array.dtype.descr if array.dtype.names else array.dtype.str
        return {_ARRAY: [kind, list(array.shape)]}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {_NUMBER: repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a state cannot hold {type(value).__name__}")


def _read(value: Any, arrays: _Arrays) -> Any:
    if isinstance(value, dict):
        if _ARRAY in value:
            return arrays.next(*value[_ARRAY])
        if _NUMBER in value:
            return float(value[_NUMBER])
        return {key: _read(inner, arrays) for key, inner in value.items()}
    if isinstance(value, list):
        return [_read(inner, arrays) for inner in value]
    return value


def _little(array: NDArray[Any]) -> NDArray[Any]:
    fields = array.dtype.fields
    kinds = {field[0].kind for field in fields.values()} if fields else {array.dtype.kind}
    if not kinds <= _KINDS:
        raise TypeError(f"a state cannot hold an array of {array.dtype}")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)


def _text(key: Any) -> str:
    if not isinstance(key, str) or key.startswith("@"):
        raise TypeError(f"a state cannot have the key {key!r}")
    return key


def _refused(why: str, detail: str = "") -> SnapshotRefused:
    return SnapshotRefused(f"A state kept in watch.state cannot be used: {why}.", detail=detail, kept=_KEPT)
