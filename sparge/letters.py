"""Dead letters as people handle them: found by id, shown without harm, checked before they go back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.contracts import decode
from schemas.deadletter import DeadLetter
from schemas.decoding import decode_message
from schemas.errors import ContractError, QueryRefused
from streams.topics import FRAMES, HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streams.record import Record

SHOWN_BYTES = 4096


def letters(records: Iterable[Record]) -> Iterator[DeadLetter]:
    """Yield each dead letter once: after a crash one may have been written twice."""
    seen: set[str] = set()
    for record in records:
        letter = DeadLetter.decode(record.value or b"")
        if letter.source.id not in seen:
            seen.add(letter.source.id)
            yield letter


def short_id(letter: DeadLetter) -> str:
    """Return where the refused message lies: `topic/partition/offset`."""
    source = letter.source
    return f"{source.topic}/{source.partition}/{source.offset}"


def find(wanted: str, among: Sequence[DeadLetter]) -> DeadLetter:
    """Return the dead letter of this id, short or whole.

    Raises:
        QueryRefused: there is none, or there are several since the topic was made anew.
    """
    found = [letter for letter in among if wanted in (short_id(letter), letter.source.id)]
    if not found:
        raise QueryRefused(f"There is no dead letter {wanted}.", next_step="sparge deadletters list")
    if len(found) > 1:
        ids = ", ".join(letter.source.id for letter in found)
        raise QueryRefused(f"{wanted} is the id of {len(found)} dead letters.", next_step=f"one of {ids}")
    return found[0]


def escaped(body: bytes, limit: int = SHOWN_BYTES) -> str:
    """Return bytes as one printable line: no control character of theirs ever reaches the terminal."""
    text = body[:limit].decode("utf-8", errors="backslashreplace")
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    left = len(body) - limit
    return shown + (f" ... and {left} bytes more" if left > 0 else "")


def check(topic: str, key: bytes | None, body: bytes, now_us: int) -> None:
    """Make sure that a message would be understood now.

    Raises:
        ContractError: it would be refused again; says why.
    """
    if topic in (FRAMES.name, HISTORY.name):
        decode_message(body, key, now_us)
    elif not body:
        raise ContractError("The message is empty.")
    else:
        decode(body)
