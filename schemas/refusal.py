"""The checks that every field goes through, and the sentence for each way in which it can be wrong."""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from schemas.errors import FrameRefused, Reason
from schemas.wire import MAX_INT, NAME_PATTERN

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME_RULE = "A name starts with a letter or digit and has up to 64 letters, digits, `_`, `.` and `-`."

_NAME = re.compile(NAME_PATTERN.removesuffix("$"))
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}


def refuse(reason: Reason, where: str, message: str) -> NoReturn:
    """Refuse the frame.

    Raises:
        FrameRefused: always.
    """
    raise FrameRefused(reason, where, message)


def refuse_type(where: str, wanted: str, got: object) -> NoReturn:
    """Refuse a value that is not `wanted`."""
    refuse(Reason.WRONG_TYPE, where, f"{where} must be {wanted}, but is {kind(got)}. Send {wanted}.")


def kind(got: object) -> str:
    """What JSON calls the type of `got`."""
    return _KINDS.get(type(got), "a number")


def shown(got: object, most: int = 80) -> str:
    """`got` as one short line of printable text."""
    text = ascii(got)
    return text if len(text) <= most else f"{text[:most]}..."


def is_name(text: str) -> bool:
    """Whether `text` may name a site, unit, device or signal."""
    return _NAME.fullmatch(text) is not None


def field(body: dict[str, Any], name: str, inside: str = "") -> Any:
    """The field `name` of an object whose own path is `inside`."""
    if name in body:
        return body[name]
    where = f"{inside}.{name}" if inside else name
    refuse(
        Reason.MISSING_FIELD,
        where,
        f"The field {where} is missing. Add it, as docs/reference/frame.v1.schema.json describes.",
    )


def name_of(body: dict[str, Any], part: str) -> str:
    """The name in the field `part`."""
    name = field(body, part)
    if type(name) is not str:
        refuse_type(part, "a name as text", name)
    if not is_name(name):
        refuse(Reason.OUT_OF_RANGE, part, f"{shown(name)} cannot name a {part}. {NAME_RULE}")
    return name


def count_of(body: dict[str, Any], part: str) -> int:
    """The whole number from 0 in the field `part`."""
    number = field(body, part)
    if type(number) is not int:
        refuse_type(part, f"a whole number from 0 to {MAX_INT}", number)
    if not 0 <= number <= MAX_INT:
        refuse(Reason.OUT_OF_RANGE, part, f"{part} is {number}. Send a whole number from 0 to {MAX_INT}.")
    return number


def integers(where: str, sent: object, what: str) -> NDArray[np.int64]:
    """A list of whole numbers as an array."""
    if type(sent) is not list:
        refuse_type(where, f"a list of {what}", sent)
    if not set(map(type, sent)) <= {int}:
        position = next(i for i, one in enumerate(sent) if type(one) is not int)
        refuse_type(f"{where}[{position}]", "a whole number", sent[position])
    try:
        return np.frombuffer(array("q", sent), dtype=np.int64)
    except OverflowError:
        position = next(i for i, one in enumerate(sent) if not -MAX_INT <= one <= MAX_INT)
        refuse(
            Reason.OUT_OF_RANGE,
            f"{where}[{position}]",
            f"{where}[{position}] is {sent[position]}. Send {what} below 2**63.",
        )


def positions(where: str, sent: object, count: int, length: int, *, items: str, of: str) -> NDArray[np.int64]:
    """Strictly increasing positions, one for each of `count` `items`, in a list of `length` things."""
    places = integers(where, sent, "positions")
    if places.size != count:
        refuse(
            Reason.RAGGED,
            where,
            f"{where} has {places.size} positions for {count} {items}. Give one position for each.",
        )
    if places.size == 0:
        return places
    require_increasing(where, places)
    if places[0] < 0 or places[-1] >= length:
        worst = places[0] if places[0] < 0 else places[-1]
        refuse(
            Reason.OUT_OF_RANGE,
            where,
            f"{where} has the position {worst}, but there are {length} {of}. Count positions from 0.",
        )
    return places


def require_increasing(where: str, numbers: NDArray[np.int64]) -> None:
    """Refuse numbers of which one does not exceed the one before it."""
    rising = numbers[1:] > numbers[:-1]
    if not rising.all():
        position = int(rising.argmin()) + 1
        refuse(
            Reason.OUT_OF_RANGE,
            f"{where}[{position}]",
            f"{where}[{position}] is {numbers[position]}, after {numbers[position - 1]}. "
            f"Sort {where}, and give each number once.",
        )
